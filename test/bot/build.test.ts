import { describe, expect, it } from 'vitest';
import { second } from '../../src/base/duration.ts';
import { judge } from '../../src/bot/actions/counts.ts';
import { createBuildPost } from '../../src/bot/builds.ts';
import type { Reply } from '../../src/bot/context.ts';
import { parse } from '../../src/bot/parse.ts';
import { answer, asText, runCommand } from '../../src/bot/run.ts';
import { message } from '../../src/bot/views/parts.ts';
import type { BuildTold } from '../../src/jobs/build-told.ts';
import { nothingTold } from '../../src/jobs/build-told.ts';
import type { BuildReport, LedgerEvent, Source } from '../../src/upgrade/ledger/types.ts';
import { buttonsOn, MemoryChat } from '../support/memory-chat.ts';
import { release } from '../support/rollouts.ts';
import { seals, trial } from './support.ts';

const version = 'v3.0.0';
const source: Source = { tag: 't'.repeat(40), commit: `4ec4a23${'0'.repeat(33)}`, time: 1, signedBy: 'ana' };
const made: BuildReport = {
  is: 'built',
  ...{
    archiveSha256: '9f3a'.repeat(16),
    archiveBytes: 28_400_000,
    binarySha256: 'b'.repeat(64),
    logSha256: 'c'.repeat(64),
  },
};
const failed: BuildReport = { is: 'failed', reason: 'make build ended with 2', last: ['foo.c:3: no <header>'] };

function builder() {
  const here = trial();
  here.context.builds = true;
  const { control, context, clock } = here;
  const chat = new MemoryChat();
  const post = createBuildPost({ ...context, chat, channel: 'C0', sealer: seals, clock: { now: () => clock.at } });
  const record = (event: LedgerEvent) => control.ledger.record(event);
  const shown = async () => {
    await post();
    return chat.messages.map(({ text }) => text);
  };
  return {
    ...here,
    ...{ chat, post, shown, record },
    say: (actor: string, text: string): Promise<Reply> => runCommand(context, actor, text),
    begin: (number = 1) => record({ type: 'build-begun', at: clock.at, version, number, source, worker: 'w' }),
    report: (report: BuildReport, number = 1) =>
      record({ type: 'build-reported', at: clock.at, version, number, report }),
    async press(label: string, actor = 'U0ROSA', on = { channel: 'C0', ts: '1.1' }) {
      const button = chat.messages.flatMap((each) => buttonsOn(each)[label] ?? [])[0];
      const judged = await judge(context, {
        ...(button ?? { action: 'none', value: undefined }),
        ...{ on, isEphemeral: false },
      });
      if (!judged.counts) return asText(judged.answer);
      return asText(await answer(context, { actor, rollout: judged.click.rollout }, judged.click.command));
    },
  };
}

describe('build', () => {
  it.each([
    ['build v3.0.0', { is: 'start', version }],
    ['build 3.0.0', { is: 'start', version }],
    ['build', { is: 'look' }],
    ['build stop', { is: 'stop' }],
  ])('%s is read', (text, act) => {
    expect(parse(text)).toEqual({ is: 'command', command: { verb: 'build', act } });
  });

  it.each(['build main', 'build v3.0.0 v3.1.0', 'build refs/tags/v3.0.0', 'build v3.0.0;id'])('%s is not', (text) => {
    expect(parse(text).is).toBe('usage');
  });

  it('is asked for by who may start, written down with the name, and somebody is sent to it', async () => {
    const { say, control } = builder();
    const denied = await say('U0LU', 'build v3.0.0');
    expect([denied.outcome, control.kept.builds]).toEqual(['denied', {}]);
    const reply = await say('U0ROSA', 'build v3.0.0');
    expect(asText(reply)).toContain('v3.0.0 is being built');
    expect(control.kept.builds[version]).toMatchObject({ by: 'U0ROSA', number: 1, state: { is: 'asked' } });
    expect(control.woken).toEqual(['v3.0.0 1']);
    expect(reply.facts).toMatchObject({ build: { version, is: 'asked', number: 1 } });
  });

  it('wants the key of a person on a shell, but to look and to stop', async () => {
    const { say, begin } = builder();
    expect((await say('cli:root', 'build v3.0.0')).outcome).toBe('denied');
    await say('U0ROSA', 'build v3.0.0');
    await begin();
    expect((await say('cli:root', 'build')).outcome).toBe(undefined);
    expect((await say('cli:root', 'build stop')).outcome).toBe(undefined);
  });

  it('is refused for what is a release already, while another one is under way, and where the settings have none', async () => {
    const { say, context, control } = builder();
    expect(asText(await say('U0ROSA', `build ${release.version}`))).toContain('is among the releases already');
    await say('U0ROSA', 'build v3.0.0');
    expect(asText(await say('U0ROSA', 'build v3.1.0'))).toContain('v3.0.0 is being built, asked for by @U0ROSA');
    delete context.builds;
    expect(asText(await say('U0ROSA', 'build v3.1.0'))).toContain('the settings do not say how releases are built');
    expect(Object.keys(control.kept.builds)).toEqual([version]);
  });

  it('holds no fleet: an upgrade is planned and begun beside it', async () => {
    const { say, begin, context } = builder();
    await say('U0ROSA', 'build v3.0.0');
    await begin();
    const plan = await say('U0ROSA', `upgrade ${release.version}`);
    expect(plan.outcome).toBe(undefined);
    const { action, value } = buttonsOn(message(plan.parts, 'x')).Start ?? { action: '', value: '{}' };
    expect(action).toBe('zw:start');
    const started = await answer(
      context,
      { actor: 'U0ROSA', rollout: null },
      { verb: 'start', plan: JSON.parse(value).r },
    );
    expect(started.outcome ?? 'done').toBe('done');
  });

  it('that is missing is offered in the place of a plan, and begun by that button', async () => {
    const { say, context, control } = builder();
    const reply = await say('U0ROSA', 'upgrade v3.0.0');
    expect(reply.outcome).toBe('refused');
    const { action, value } = buttonsOn(message(reply.parts, 'x'))['Build v3.0.0 first'] ?? { action: '', value: '' };
    const { sealedBlocks } = await import('../../src/bot/sealed.ts');
    const place = { fleet: context.fleet.name, channel: 'C0' };
    const sealed = buttonsOn({ blocks: sealedBlocks(message(reply.parts, 'x').blocks, seals, place) });
    const press = { ...(sealed['Build v3.0.0 first'] ?? { action, value }), on: { channel: 'C0', ts: '7.7' } };
    // Copied onto a message that everybody sees, it is nobody's answer.
    expect((await judge(context, { ...press, isEphemeral: false })).counts).toBe(false);
    const judged = await judge(context, { ...press, isEphemeral: true });
    if (!judged.counts) throw new Error(judged.reason);
    await answer(context, { actor: 'U0ROSA', rollout: judged.click.rollout }, judged.click.command);
    expect(control.kept.builds[version]?.by).toBe('U0ROSA');
    delete context.builds;
    expect(asText(await say('U0ROSA', 'upgrade v3.0.0'))).not.toContain('first');
  });
});

describe('the message of a build', () => {
  it('says what it is of, how long it takes, and at the end the archive, with the button to plan', async () => {
    const { say, shown, begin, report, clock, chat, press, control } = builder();
    await say('U0ROSA', 'build v3.0.0');
    expect((await shown())[0]).toMatch(/^Building v3\.0\.0\nv3\.0\.0; fetching the tag/);
    await begin();
    clock.at += 190 * second;
    control.told = { ...nothingTold(version, 1), at: clock.at };
    expect((await shown())[0]).toContain('v3.0.0 = commit `4ec4a23`, tag signed by ana; building, 3:10.');
    expect(Object.keys(buttonsOn(chat.messages[0] ?? { blocks: [] }))).toEqual(['Stop build']);
    await report(made);
    const [main, end] = await shown();
    expect(main).toMatch(
      /^v3\.0\.0 is built\n✓ v3\.0\.0 = commit `4ec4a23`.*archive `9f3a9f3a9f3a`, 28\.4 MB, in 3:10, signed/,
    );
    expect(end).toBe('<@U0ROSA>: v3.0.0 is built, archive `9f3a9f3a9f3a`.');
    expect(await press('Plan upgrade', 'U0LU')).toContain('You may not start upgrades');
    expect(await press('Plan upgrade')).toContain('There is no release v3.0.0');
    expect(await press('Plan upgrade', 'U0ROSA', { channel: 'C0', ts: '99.9' })).toMatch(/That is outdated/);
  });

  it('does not say that it goes on when nobody looks at it', async () => {
    const { say, shown, begin, clock, control } = builder();
    await say('U0ROSA', 'build v3.0.0');
    clock.at += 50 * second;
    expect((await shown())[0]).not.toContain('Nobody');
    clock.at += 20 * second;
    expect((await shown())[0]).toContain('‼ Nobody has looked at it for 1:10: is a worker running');
    await begin();
    expect((await shown())[0]).not.toContain('Nobody');
    clock.at += 70 * second;
    control.told = { ...nothingTold(version, 1), at: clock.at - 10 * second };
    expect((await shown())[0]).not.toContain('Nobody');
    clock.at += 70 * second;
    expect((await shown())[0]).toContain('Nobody has looked at it for 1:20');
  });

  it('has the log in its thread, each piece once', async () => {
    const { say, shown, begin, control, chat, report } = builder();
    await say('U0ROSA', 'build v3.0.0');
    await begin();
    const told: BuildTold = { ...nothingTold(version, 1), pieces: ['cc -c `main`.c', 'ld <main>'] };
    control.told = told;
    await shown();
    control.told = { ...told, pieces: [...told.pieces, 'strip'], leftOut: 3_200_000, last: ['over'] };
    await report(failed);
    const all = await shown();
    expect(all.slice(1)).toEqual([
      '```\ncc -c ʼmainʼ.c\n```',
      '```\nld &lt;main&gt;\n```',
      '```\nstrip\n```',
      expect.stringMatching(/no &lt;header&gt;[\s\S]*3\.2 MB before that were left out/),
    ]);
    expect(chat.messages.slice(1).every(({ mark }) => mark?.rollout === 'build')).toBe(true);
    expect(await shown()).toEqual(all);
  });

  it('that failed says why with the last lines, and may be asked for again', async () => {
    const { say, shown, begin, report, press, control } = builder();
    await say('U0ROSA', 'build v3.0.0');
    await begin();
    await report(failed);
    expect((await shown())[0]).toMatch(
      /was not built\n✗ .*Make build ended with 2\.[\s\S]*foo\.c:3: no &lt;header&gt;/,
    );
    expect((await say('U0ROSA', 'build')).outcome).toBe('wrong');
    await press('Build again');
    expect(control.kept.builds[version]).toMatchObject({ number: 2, state: { is: 'asked' } });
    // The message of the first one is left as it was, without its button.
    const all = await shown();
    expect(all[0]).toContain('Another build was asked for since.');
    expect(await press('Build again')).toMatch(/Outdated|outdated/);
    expect(all.at(-1)).toMatch(/^Building v3\.0\.0/);
  });

  it('is stopped by its button, by more people than may begin it', async () => {
    const { say, shown, begin, press, control, report } = builder();
    await say('U0ROSA', 'build v3.0.0');
    await begin();
    await shown();
    expect(await press('Stop build', 'U0LU')).toContain('You may not');
    expect(await press('Stop build', 'U0OTTO')).toContain('is being ended');
    expect(control.kept.builds[version]?.stopping?.by).toBe('U0OTTO');
    expect((await shown())[0]).toContain('<@U0OTTO> stopped it; it is being ended.');
    expect(await press('Stop build', 'U0OTTO')).toMatch(/Outdated|outdated/);
    await report({ is: 'failed', reason: 'stopped by U0OTTO', last: [] });
    expect((await shown())[0]).toContain('Stopped');
  });

  it('is posted once, also by a program that was killed before it knew of it', async () => {
    const { say, shown, chat, control } = builder();
    await say('U0ROSA', 'build v3.0.0');
    const { setPosted } = control.store;
    chat.posted = () => {
      control.store.setPosted = async () => {
        throw new Error('killed');
      };
    };
    await expect(shown()).rejects.toThrow('killed');
    control.store.setPosted = setPosted;
    chat.posted = () => undefined;
    expect(await shown()).toHaveLength(1);
  });
});
