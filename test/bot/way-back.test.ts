import { describe, expect, it } from 'vitest';
import { isFree } from '../../src/bot/permissions.ts';
import { asText, runCommand } from '../../src/bot/run.ts';
import { posts } from '../../src/bot/views/posts.ts';
import { confirmText, readinessLines } from '../../src/bot/views/way-back.ts';
import type { Rollout } from '../../src/upgrade/rollout/types.ts';
import { newImage, planned, surveyOf, tuesday } from '../support/rollouts.ts';
import { drive, worldOf } from '../support/simulation.ts';
import { trial } from './support.ts';

/** us-east is finished, eu-west not begun. */
function usEastDone() {
  const start = planned({ pause: 0 }, { strategy: 'regions' });
  const world = worldOf(start);
  const until = ({ nodes }: Rollout) => nodes['us-east-op-3']?.state.is === 'done';
  return drive(start, world, { from: tuesday, until });
}

describe('rollback --dry-run', () => {
  const here = () => {
    const at = trial();
    const { rollout, now } = usEastDone();
    at.control.rollouts.set(rollout.id, rollout);
    at.clock.at = now;
    at.control.looks = surveyOf(at.context.fleet, {
      'us-east-op-1': { version: 'v2.0.0' },
      'us-east-op-2': { version: 'v2.0.0', healthy: false, unit: 'failed/failed', detail: 'connection refused' },
      'us-east-op-3': { version: 'v2.0.0' },
    });
    return at;
  };

  it('tells which nodes go back to what, in which order, and which would not and why', async () => {
    const at = here();
    at.control.waysBack['us-east-op-1'] = 'no backup';
    at.control.waysBack['us-east-op-3'] = 'other environment';
    expect(asText(await runCommand(at.context, 'U0OTTO', 'rollback --dry-run'))).toMatchInlineSnapshot(`
      "Dry run: rollback of everything from v2.0.0
      1. us-east-op-2 (connection refused): v2.0.0 → v1.0.0; its backup is whole
      2. us-east-op-3: v2.0.0 → v1.0.0; ‼ somebody changed its environment file, so it would stop there and call people
      3. us-east-op-1: v2.0.0 → v1.0.0; ‼ its backup is missing or damaged, so it would stop there and call people
      Stays as it is, not changed by this rollout: eu-west-op-1, eu-west-op-2, eu-west-op-3, ap-south-op-1, ap-south-op-2, ap-south-op-3
      Nothing was done. One at a time, in this order as things are now: it is decided anew before each. Windows, freezes and approvals are not waited for, the quorum always is."
    `);
  });

  it('decides nothing, and everybody may ask it who may look; on a shell without a signature', async () => {
    const at = here();
    const before = JSON.stringify([...at.control.rollouts]);
    const reply = await runCommand(at.context, 'U0LU', 'rollback us-east --dry-run');
    expect(reply.outcome ?? 'done').toBe('done');
    expect(JSON.stringify([...at.control.rollouts])).toBe(before);
    expect(at.control.journals.size).toBe(0);
    expect(at.control.notes).toMatchObject([{ type: 'looked', with: 'rollback', by: 'U0LU' }]);
    expect(isFree({ verb: 'rollback', target: 'all', dryRun: true })).toBe(true);
    expect(isFree({ verb: 'rollback', target: 'all', dryRun: false })).toBe(false);
  });

  it('says the same as data', async () => {
    const at = here();
    const { facts } = await runCommand(at.context, 'U0OTTO', 'rollback us-east-op-1 --dry-run');
    expect(facts).toMatchObject({
      dryRun: true,
      scope: 'us-east-op-1',
      back: [
        {
          node: 'us-east-op-1',
          does: 'restore',
          runs: 'v2.0.0',
          versionBefore: 'v1.0.0',
          backup: 'ready',
          gates: [{ gate: 'quorum', seen: 'now' }],
        },
      ],
      stays: [],
    });
    const none = await runCommand(at.context, 'U0OTTO', 'rollback eu-west --dry-run');
    expect(asText(none)).toMatch(/would do nothing/);
    expect(none.facts).toMatchObject({ back: [], stays: [{ why: 'not changed by this rollout' }, {}, {}] });
  });

  it('says of a finished rollout what the rollback would say: it is refused where a node runs something else', async () => {
    const at = here();
    const { rollout } = usEastDone();
    const over: Rollout = { ...rollout, status: { is: 'stopped', by: 'U0ROSA', at: at.clock.at } };
    at.control.rollouts.set(over.id, over);
    const image = (sha256: string) => surveyOf(at.context.fleet).map((seen) => ({ ...seen, sha256 }));
    at.control.looks = [...image(newImage).slice(0, 2), ...image('f'.repeat(64)).slice(2)];
    const dry = await runCommand(at.context, 'U0OTTO', 'rollback us-east --dry-run');
    const real = await runCommand(at.context, 'U0ROSA', 'rollback us-east');
    expect(real.outcome).toBe('refused');
    const why = asText(real).slice('Nothing was done: '.length);
    expect(why).toContain('us-east-op-3 runs ');
    expect(asText(dry)).toBe(`Dry run: a rollback would be refused, and nothing done. ${why}`);
    expect(dry.facts).toMatchObject({ back: [], refused: why });
    at.control.looks = image(newImage);
    expect((await runCommand(at.context, 'U0OTTO', 'rollback us-east --dry-run')).facts).toMatchObject({
      back: [{}, {}, {}],
      refused: null,
    });
  });

  it('says that nobody looked where no worker answers, instead of guessing', async () => {
    const at = here();
    at.control.looks = at.control.looks.map((seen) => ({ ...seen, unanswered: true, healthy: false, unit: null }));
    const reply = await runCommand(at.context, 'U0OTTO', 'rollback --dry-run');
    expect(reply.outcome).toBe('unreachable');
  });
});

describe('the confirm dialog of a rollback', () => {
  it('says what it would really do, in the room that Slack has for it', () => {
    const { rollout } = usEastDone();
    expect(confirmText(rollout, { is: 'region', region: 'us-east' })).toMatchInlineSnapshot(
      `"3 nodes will go back to v1.0.0, one at a time: us-east-op-3, us-east-op-2, us-east-op-1. Not ready on 3 of them: not looked at yet. Windows are not waited for. All other nodes stay as they are."`,
    );
    const long = 'n'.repeat(63);
    const nodes = Object.fromEntries(
      Object.values(rollout.nodes).map((node) => {
        const name = `${node.name}-${long}`;
        return [name, { ...node, name, wayBack: { is: 'other environment' as const, at: tuesday * 2 } }];
      }),
    );
    const phases = rollout.phases.map((phase) =>
      phase.is === 'approval' || phase.is === 'action'
        ? phase
        : { ...phase, nodes: phase.nodes.map((name) => `${name}-${long}`) },
    );
    const text = confirmText({ ...rollout, nodes, phases }, { is: 'all' });
    expect(text.length).toBeLessThanOrEqual(300);
    expect(text).toContain('Not ready on 3 of them: environment changed since');
    expect(text).toMatch(/Untouched nodes stay as they are\.$/);
  });
});

describe('the readiness on the live message', () => {
  it('stands there as looks saw it, and never before', () => {
    const { rollout } = usEastDone();
    expect(readinessLines(planned())).toEqual([]);
    const seen = (is: 'ready' | 'no backup' | null) => ({
      ...rollout,
      nodes: Object.fromEntries(
        Object.entries(rollout.nodes).map(([name, { wayBack: _, ...node }]) => [
          name,
          is === null
            ? node
            : { ...node, wayBack: { is: name.endsWith('2') ? is : ('ready' as const), at: tuesday * 2 } },
        ]),
      ),
    });
    expect(readinessLines(seen(null))).toEqual([
      'Way back: ready on 0 of 3; not looked at yet: us-east-op-1, us-east-op-2, us-east-op-3',
    ]);
    expect(readinessLines(seen('ready'))).toEqual(['Way back: ready on 3 of 3']);
    expect(readinessLines(seen('no backup'))).toEqual([
      '‼ Way back: ready on 2 of 3; backup missing or damaged: us-east-op-2',
    ]);
    const held = {
      ...seen('ready'),
      status: { is: 'held', reason: 'x', node: null, at: tuesday, pending: null } as const,
    };
    expect(readinessLines(held)[0]).toMatch(/^Way back: ready on 3 of 3; last seen <!date/);
  });
});

describe('a rehearsal', () => {
  it('is told by the plan, wanted by its flag, and kept when the plan is started', async () => {
    const at = trial();
    const without = asText(await runCommand(at.context, 'U0ROSA', 'upgrade v2.0.0'));
    expect(without).not.toContain('Rehearsal');
    const plan = asText(await runCommand(at.context, 'U0ROSA', 'upgrade v2.0.0 --rehearse'));
    expect(plan).toContain(
      'Rehearsal on us-east-op-1 first: upgraded, proven, brought back, proven, and upgraded again, before anything else is begun',
    );
    const [typed = ''] = /start \S+/.exec(plan) ?? [];
    expect(asText(await runCommand(at.context, 'U0ROSA', typed))).toMatch(/under way/);
    const [rollout] = at.control.rollouts.values();
    expect(rollout?.phases.find((phase) => phase.id === 'nodes/us-east')).toMatchObject({
      rehearsal: { node: 'us-east-op-1' },
    });
  });

  it('is told by the live message and by the node, step by step', () => {
    const start = planned({ pause: 0, rehearse: 'always' }, { strategy: 'regions' });
    const world = worldOf(start);
    const at = (step: string, rehearsed: boolean) =>
      drive(start, worldOf(start), {
        from: tuesday,
        until: ({ nodes }) => {
          const node = nodes['us-east-op-1'];
          const isThere = node?.state.is === 'working' && node.state.step === step;
          return isThere && (node.rehearsedAt !== undefined) === rehearsed;
        },
      }).rollout;
    const words = (rollout: Rollout) =>
      posts(rollout)
        .map(({ text }) => text)
        .join('\n');
    expect(words(at('restore', false))).toContain('op-1 rehearsing the way back');
    expect(words(at('verify-restored', false))).toContain('op-1 proving the way back');
    expect(words(at('switch', true))).toMatch(/us-east-op-1\*? went back to v1\.0\.0 as a rehearsal, proven at/);
    expect(words(at('switch', true))).toContain('The way back works: us-east-op-1 went back and was proven at');
    const done = drive(start, world, {
      from: tuesday,
      until: ({ nodes }) => nodes['us-east-op-1']?.state.is === 'done',
    });
    expect(words(done.rollout)).toContain('its way back was rehearsed at');
  });
});
