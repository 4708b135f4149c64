import { describe, expect, it } from 'vitest';
import { day, hour } from '../../src/base/duration.ts';
import { judge } from '../../src/bot/actions/counts.ts';
import type { Reply } from '../../src/bot/context.ts';
import { createNightPost } from '../../src/bot/nights.ts';
import { answer, asText, runCommand } from '../../src/bot/run.ts';
import { compared, markOf, type Off } from '../../src/upgrade/ledger/index.ts';
import type { Left } from '../../src/upgrade/ledger/types.ts';
import type { NodeSurvey } from '../../src/upgrade/rollout/types.ts';
import { buttonsOn, MemoryChat } from '../support/memory-chat.ts';
import { fitWith, newImage, oldImage, release, surveyOf, tuesday } from '../support/rollouts.ts';
import { seals, type Trial, trial, trialFleet } from './support.ts';

const [one, two] = ['us-east-op-1', 'us-east-op-2'];
const env = 'e'.repeat(64);
const byHand = { sha256: newImage, version: 'v9.9.9', lies: { disk: newImage, envSha256: env, backups: [] } };

/** Every node is recorded to have v1.0.0, and has it, but for `changes`. */
function recorded(changes: Record<string, Partial<NodeSurvey>> = {}, policy = {}): Trial {
  const fleet = { ...trialFleet({ breakers: 2, ...policy }), drift: { at: '03:30', snooze: 7 * day } };
  const lies = { disk: oldImage, envSha256: env, backups: [] };
  const looks = surveyOf(fleet).map((seen) => ({ ...seen, lies, held: 0, ...changes[seen.node] }));
  const here = trial({ fleet, looks, known: [{ ...release, version: 'v1.0.0', binarySha256: oldImage }] });
  here.context.access.roles.breakers = { users: ['U0ROSA', 'U0INES'], groups: [] };
  const left: Left = { version: 'v1.0.0', sha256: oldImage, envSha256: env, at: tuesday - day, rollout: 'r0' };
  here.control.kept = { ...here.control.kept, nodes: Object.fromEntries(looks.map(({ node }) => [node, left])) };
  return here;
}
const say = (here: Trial, actor: string, text: string): Promise<Reply> => runCommand(here.context, actor, text);
const words = async (here: Trial, actor: string, text: string) => asText(await say(here, actor, text));

describe('drift', () => {
  it('says that nothing differs, and ends well', async () => {
    const reply = await say(recorded(), 'U0LU', 'drift');
    expect(asText(reply)).toMatch(
      /^✓ Nothing differs from what was proven last:\n✓ us-east-op-1: v1\.0\.0 \([0-9a-f]{12}\) was left there by r0/,
    );
    expect(reply.outcome ?? 'done').toBe('done');
    expect(reply.facts).toMatchObject({
      nodes: expect.arrayContaining([expect.objectContaining({ node: one, is: 'as-recorded', kind: null })]),
    });
  });

  it('claims nothing where nothing is recorded', async () => {
    const here = recorded({ [one]: byHand });
    here.control.kept = { ...here.control.kept, nodes: {} };
    const reply = await say(here, 'U0LU', 'drift');
    expect(asText(reply)).toMatch(/^○ Nothing is recorded of any node yet, so nothing is claimed/);
    expect(reply.outcome ?? 'done').toBe('done');
  });

  it.each<[string, Partial<NodeSurvey>, RegExp, RegExp]>([
    [
      'memory',
      { sha256: newImage },
      /never restarted\. v1\.0\.0 \(b+\) runs, a+ lies there; v1\.0\.0 \(a+\) was left/,
      /recover .* brings back/,
    ],
    [
      'disk',
      { lies: { disk: newImage, envSha256: env, backups: [] } },
      /the next restart would run another binary\. v1\.0\.0 \(a+\) runs, b+ lies there/,
      /recover/,
    ],
    [
      'both',
      byHand,
      /changed by hand\. v9\.9\.9 \(b+\) runs, and lies there/,
      /recover .*[\s\S]*drift adopt us-east-op-1/,
    ],
    ['binary gone', { lies: { disk: null, envSha256: env, backups: [] } }, /missing: its binary/, /recover/],
    [
      'environment',
      {
        lies: {
          disk: oldImage,
          envSha256: 'f'.repeat(64),
          backups: [{ name: 'v1-b', version: 'v1.0.0', sha256: oldImage, envSha256: env }],
        },
      },
      /environment file changed\. .*which the next restart takes, if none has yet; the recorded one is in its backup v1-b/,
      /drift adopt/,
    ],
    [
      'not seen',
      { unit: null, sha256: null, detail: 'ssh: away' },
      /not seen\. ssh: away\. Nothing is said of what it runs/,
      /./,
    ],
  ])('names a node with another %s, what to do, and ends with wrong', async (_, change, kind, way) => {
    const reply = await say(recorded({ [one]: change }), 'U0LU', 'drift');
    expect(asText(reply)).toMatch(/^✗ 1 node of 9 is not as recorded, or could not be compared:/);
    expect(asText(reply)).toMatch(kind);
    expect(asText(reply)).toMatch(way);
    expect(reply.outcome).toBe('wrong');
  });

  it.each<[string, Partial<NodeSurvey>]>([
    ['memory', { sha256: newImage }],
    ['disk', { lies: { disk: newImage, envSha256: env, backups: [] } }],
    ['both, twice', { ...byHand, sha256: 'd'.repeat(64) }],
  ])('does not offer to adopt what would be refused: %s', async (_, change) => {
    const here = recorded({ [one]: change }, { breakers: 1 });
    expect(await words(here, 'U0LU', 'drift')).not.toMatch(/drift adopt us-east-op-1/);
    expect((await say(here, 'U0ROSA', `drift adopt ${one} --reason "x"`)).outcome).toBe('refused');
  });

  it('says where the unit starts another program, and offers nothing that would not mend that', async () => {
    const lies = { disk: oldImage, envSha256: env, starts: '/opt/own', backups: [] };
    const reply = await say(recorded({ [one]: { sha256: newImage, version: 'v9.9.9', lies } }), 'U0LU', 'drift');
    expect(asText(reply)).toMatch(
      /us-east-op-1: its unit starts another program\. v9\.9\.9 \(b+\) runs, a+ lies there; v1\.0\.0 .*\. Its unit starts \/opt\/own: neither a restart nor a recovery changes that, mend the unit/,
    );
    expect(asText(reply)).not.toMatch(/recover us-east-op-1|drift adopt us-east-op-1/);
    expect(reply.facts).toMatchObject({
      nodes: expect.arrayContaining([expect.objectContaining({ node: one, binary: 'memory', starts: '/opt/own' })]),
    });
  });

  it('does not offer to recover what a recovery would keep', async () => {
    const changed = { lies: { disk: oldImage, envSha256: 'f'.repeat(64), backups: [] } };
    expect(await words(recorded({ [one]: changed }), 'U0LU', 'drift')).not.toMatch(/recover us-east-op-1/);
  });

  it.each([
    ['drift adopt', /which node\? drift adopt NODE/],
    ['drift adopt us-east-op-1', /--reason/],
    ['drift snooze us-east-op-1 us-east-op-2', /too much/],
    ['drift snooze us-east-op-1 --reason "x"', /--reason belongs to drift adopt/],
    ['drift mend us-east-op-1', /mend is not known here/],
    ['drift adopt us-east-op-1 --reason "password=hunter2hunter2"', /secret/],
  ])('does not take "%s"', async (text, problem) => {
    const reply = await say(recorded({ [one]: byHand }), 'U0ROSA', text);
    expect(reply.outcome).toBe('usage');
    expect(asText(reply)).toMatch(problem);
  });
});

describe('drift adopt', () => {
  const typed = `drift adopt ${one} --reason "a hotfix of ours"`;

  it('takes what is there for the record when two breakers say the same of the same', async () => {
    const here = recorded({ [one]: byHand });
    const asked = await say(here, 'U0ROSA', typed);
    expect(asked.public).toBe(true);
    expect(asText(asked)).toMatch(
      /another breaker must say the same.*zeitwork drift adopt us-east-op-1 --reason "a hotfix of ours"/,
    );
    expect(here.control.kept.nodes[one]?.sha256).toBe(oldImage);
    expect(await words(here, 'U0INES', typed)).toMatch(
      /is its record now, by @U0INES and @U0ROSA: a hotfix of ours\. It proves nothing/,
    );
    expect(here.control.kept.nodes[one]).toMatchObject({
      ...{ version: 'v9.9.9', sha256: newImage, envSha256: env, rollout: null },
      accepted: { by: 'U0INES', with: 'U0ROSA', reason: 'a hotfix of ours', proven: false },
    });
    expect(await words(here, 'U0LU', 'drift')).toMatch(
      /✓ us-east-op-1: v9\.9\.9 .* was accepted there by @U0INES \(a hotfix of ours\)/,
    );
    expect(await words(here, 'U0ROSA', typed)).toMatch(/^Nothing to do: us-east-op-1 is as recorded/);
  });

  it('makes it the source of no recovery, of itself or of a peer', async () => {
    const here = recorded({ [one]: byHand, [two]: { ...byHand, healthy: false, sha256: null } }, { breakers: 1 });
    await say(here, 'U0ROSA', typed);
    const { [two]: _, 'us-east-op-3': __, ...rest } = here.control.kept.nodes;
    here.control.kept = { ...here.control.kept, nodes: rest };
    expect(await words(here, 'U0ROSA', `recover ${one}`)).toMatch(
      /no rollout ever proved it: nothing is put anywhere for that/,
    );
    expect(await words(here, 'U0ROSA', `recover ${two}`)).toMatch(
      /No rollout ever left anything proven on us-east-op-2/,
    );
  });

  it('is not done for something else than the first one saw, nor for another reason', async () => {
    const here = recorded({ [one]: byHand });
    await say(here, 'U0ROSA', typed);
    here.control.looks = here.control.looks.map((seen) =>
      seen.node === one
        ? { ...seen, sha256: 'd'.repeat(64), lies: { disk: 'd'.repeat(64), envSha256: env, backups: [] } }
        : seen,
    );
    expect(await words(here, 'U0INES', typed)).toMatch(/another breaker must say the same/);
    expect(await words(here, 'U0ROSA', `drift adopt ${one} --reason "another"`)).toMatch(
      /another breaker must say the same/,
    );
    expect(here.control.kept.nodes[one]?.sha256).toBe(oldImage);
  });

  it('is not done over another record than the first one read', async () => {
    const here = recorded({ [one]: byHand });
    await say(here, 'U0ROSA', typed);
    const since: Left = { version: 'v1.0.0', sha256: oldImage, envSha256: env, at: tuesday - hour, rollout: 'r1' };
    here.control.kept = { ...here.control.kept, nodes: { ...here.control.kept.nodes, [one]: since } };
    expect(await words(here, 'U0INES', typed)).toMatch(/another breaker must say the same/);
    expect(here.control.kept.nodes[one]).toEqual(since);
  });

  it.each<[string, Partial<NodeSurvey>, RegExp]>([
    ['is as recorded', {}, /^Nothing to do/],
    ['is sick', { ...byHand, healthy: false, detail: '503 starting' }, /it is not healthy: 503 starting/],
    [
      'has another binary on its disk than it runs',
      { ...byHand, sha256: 'd'.repeat(64) },
      /another binary lies on its disk than runs/,
    ],
    ['is not seen', { unit: null, sha256: null, detail: 'ssh: away' }, /was not seen \(ssh: away\)/],
    ['is of a run that nobody knows', { ...byHand, held: tuesday + day }, /adopt ledger/],
  ])('is refused for a node that %s', async (_, change, why) => {
    const here = recorded({ [one]: change }, { breakers: 1 });
    const reply = await say(here, 'U0ROSA', typed);
    expect([reply.outcome, asText(reply)]).toEqual(['refused', expect.stringMatching(why)]);
    expect(here.control.kept.nodes[one]?.accepted).toBeUndefined();
  });

  it('is for breakers alone', async () => {
    const here = recorded({ [one]: byHand });
    for (const actor of ['U0OTTO', 'U0LU', 'local:ana']) expect((await say(here, actor, typed)).outcome).toBe('denied');
    here.context.access.roles.breakers = { users: [], groups: [] };
    expect((await say(here, 'U0ROSA', typed)).outcome).toBe('denied');
  });
});

describe('drift snooze', () => {
  it('is for those who go on with things, and says until when', async () => {
    const here = recorded({ [one]: byHand });
    expect((await say(here, 'U0LU', `drift snooze ${one}`)).outcome).toBe('denied');
    expect((await say(here, 'local:ana', `drift snooze ${one}`)).outcome).toBe('denied');
    const reply = await say(here, 'U0ROSA', `drift snooze ${one}`);
    expect(reply.public).toBe(true);
    expect(asText(reply)).toMatch(/us-east-op-1 \(changed by hand\) is snoozed by @U0ROSA: .* 2026-12-01 07:30 UTC/);
    const seen = here.control.looks.find(({ node }) => node === one);
    expect(here.control.kept.snoozed[one]).toMatchObject({
      by: 'U0ROSA',
      until: tuesday + 7 * day,
      as: seen && markOf(seen),
    });
    const again = await say(here, 'U0LU', 'drift');
    expect(asText(again)).toMatch(/Snoozed by @U0ROSA/);
    // It is still so.
    expect(again.outcome).toBe('wrong');
  });
});

describe('the message of a night', () => {
  async function posted(changes: Record<string, Partial<NodeSurvey>>) {
    const here = recorded(changes, { breakers: 1 });
    const { context, control } = here;
    const nodes = control.looks.flatMap((seen) => {
      const basis = { ledger: control.kept, busy: {}, unproven: {}, known: tuesday, hasEnvironment: true };
      const found = compared(seen, basis);
      const { node, version, sha256, lies } = seen;
      return found.is === 'off' ? [{ node, found, as: markOf(seen), version, sha256, disk: lies?.disk ?? null }] : [];
    });
    control.night = [{ region: 'us-east', night: '2026-11-24', at: tuesday - hour, looked: 3, nodes }];
    const chat = new MemoryChat();
    const post = createNightPost({ ...context, chat, channel: 'C0', sealer: seals });
    await post();
    const [shown] = chat.messages;
    if (shown === undefined) throw new Error('nothing was posted');
    const press = async (label: string, on = { channel: 'C0', ts: shown.ts }, actor = 'U0ROSA') => {
      const button = buttonsOn(shown)[label];
      if (button === undefined) throw new Error(`no ${label} among ${Object.keys(buttonsOn(shown))}`);
      const judged = await judge(context, { ...button, on, isEphemeral: false });
      if (!judged.counts) return asText(judged.answer);
      return asText(await answer(context, { actor, rollout: judged.click.rollout }, judged.click.command));
    };
    return { ...here, chat, post, shown, press };
  }

  it('has for each node what can be done about it', async () => {
    const changed = { lies: { disk: oldImage, envSha256: 'f'.repeat(64), backups: [] } };
    const { shown } = await posted({ [one]: byHand, [two]: changed, 'us-east-op-3': { sha256: newImage } });
    expect(Object.keys(buttonsOn(shown))).toEqual([
      ...['Repair us-east-op-1', 'Adopt… us-east-op-1', 'Snooze us-east-op-1 for 7 days'],
      ...['Adopt… us-east-op-2', 'Snooze us-east-op-2 for 7 days'],
      ...['Repair us-east-op-3', 'Snooze us-east-op-3 for 7 days'],
    ]);
    expect(shown.text).toMatch(/^Drift: 3 nodes are not as recorded\n[\s\S]*us-east-op-3: \*never restarted\*/);
  });

  it('sends nobody through a restart that would bring up the same again', async () => {
    const starts = { lies: { disk: oldImage, envSha256: env, starts: '/opt/own', backups: [] } };
    const { shown } = await posted({ [one]: { ...starts, sha256: newImage } });
    expect(Object.keys(buttonsOn(shown))).toEqual(['Snooze us-east-op-1 for 7 days']);
    expect(shown.text).toMatch(/its unit starts another program/);
    expect(JSON.stringify(shown.blocks)).not.toContain('zeitwork restart');
  });

  it('tells of every node of many, the first of them with buttons', async () => {
    const fleet = trialFleet({}, 'always', 10);
    const here = recorded();
    const nodes = fleet.regions.flatMap((region) => region.nodes.map(({ name }) => name));
    const off: Off = {
      ...{ is: 'off', gone: [], stopped: false, binary: 'both' },
      ...{ environment: null, unproven: null, kept: null },
    };
    const told = nodes.map((node) => ({
      node,
      found: off,
      as: node,
      version: 'v9.9.9',
      sha256: newImage,
      disk: newImage,
    }));
    here.control.night = [{ region: 'us-east', night: '2026-11-24', at: tuesday - hour, looked: 30, nodes: told }];
    const chat = new MemoryChat();
    await createNightPost({ ...here.context, chat, channel: 'C0', sealer: seals })();
    const [shown] = chat.messages;
    const drawn = JSON.stringify(shown?.blocks);
    for (const node of nodes) expect(drawn).toContain(`${node}: *changed by hand*`);
    expect(shown?.blocks.length).toBeLessThan(50);
    expect(drawn).toMatch(/The night of 2026-11-24/);
  });

  it('repairs with the plan of a recovery, which shows what lies there', async () => {
    const { press } = await posted({ [one]: { ...byHand, fitness: fitWith(newImage) } });
    const plan = await press('Repair us-east-op-1');
    expect(plan).toMatch(/us-east-op-1 gets v1\.0\.0 back/);
    expect(plan).toMatch(/nothing is put in its place before two breakers say replace/);
  });

  it('tells how to adopt, and who may is asked first', async () => {
    const { press, control } = await posted({ [one]: byHand });
    expect(await press('Adopt… us-east-op-1')).toMatch(
      /say why: zeitwork drift adopt us-east-op-1 --reason "…"\. It proves nothing/,
    );
    expect(await press('Adopt… us-east-op-1', undefined, 'U0LU')).toMatch(/You may not/);
    expect(control.kept.nodes[one]?.accepted).toBeUndefined();
  });

  it('says what became of it, and takes the button away', async () => {
    const { press, post, chat, shown, clock } = await posted({ [one]: byHand, [two]: byHand });
    clock.at += 1_000;
    await press('Snooze us-east-op-1 for 7 days');
    await post();
    expect(chat.messages).toHaveLength(1);
    expect(shown.text).toMatch(/✓ us-east-op-1: snoozed by <@U0ROSA>/);
    expect(Object.keys(buttonsOn(shown)).join()).not.toMatch(/op-1/);
  });

  it('counts no button that stands elsewhere, or of which the facts have moved', async () => {
    const { press, control, shown, context } = await posted({ [one]: byHand });
    const elsewhere = await press('Snooze us-east-op-1 for 7 days', { channel: 'C0', ts: '99.9' });
    expect(elsewhere).toMatch(/outdated, nothing was done/);
    const [night] = control.night;
    const [node] = night?.nodes ?? [];
    if (night === undefined || node === undefined) throw new Error('no night');
    control.night = [{ ...night, nodes: [{ ...node, as: 'another' }] }];
    expect(await press('Snooze us-east-op-1 for 7 days')).toMatch(/outdated, nothing was done/);
    control.night = [];
    expect(await press('Repair us-east-op-1')).toMatch(/outdated, nothing was done/);
    const button = buttonsOn(shown)['Repair us-east-op-1'];
    const forged = {
      action: 'zw:recover:us-east-op-2',
      value: button?.value,
      on: { channel: 'C0', ts: shown.ts },
      isEphemeral: false,
    };
    expect((await judge(context, forged)).counts).toBe(false);
    expect(control.kept.snoozed).toEqual({});
  });
});
