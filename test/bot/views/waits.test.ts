import { describe, expect, it } from 'vitest';
import { outdated, posts } from '../../../src/bot/views/posts.ts';
import { next, plan, waitingForPeople, waitKey } from '../../../src/upgrade/rollout/index.ts';
import type { Event, NodeRun, NodeState, Phase, Rollout } from '../../../src/upgrade/rollout/types.ts';
import { fleetOf, inputOf, minutes, planned, tuesday } from '../../support/rollouts.ts';

const name = 'us-east-op-1';
const working = (changes: Partial<Extract<NodeState, { is: 'working' }>> = {}): NodeState => ({
  is: 'working',
  direction: 'forward',
  phase: 'nodes/all',
  index: 2,
  step: 'verify',
  failures: 0,
  unknowns: 0,
  notBefore: tuesday,
  since: tuesday,
  lastReason: null,
  ...changes,
});

function withNode(changes: Partial<NodeRun>): Rollout {
  const rollout = planned();
  const node = rollout.nodes[name];
  if (!node) throw new Error('no node');
  return { ...rollout, nodes: { ...rollout.nodes, [name]: { ...node, ...changes } } };
}
const waits = (rollout: Rollout) => posts(rollout).filter(({ key }) => key.startsWith('wait.'));

describe('a node that falls silent after its switch', () => {
  const silent = (unknowns: number) => {
    const state = working({ unknowns, lastReason: 'SSH connection timed out', silent: true });
    const rollout = withNode({ state, touched: true, silentSince: tuesday });
    const standing = { [name]: 'unclear', 'us-east-op-2': 'healthy', 'us-east-op-3': 'healthy' } as const;
    return { ...rollout, looks: { ...rollout.looks, 'us-east': { count: 3, at: tuesday, standing, misses: {} } } };
  };

  it('is told after the first look, by broadcast, with what still serves', () => {
    const [post] = waits(silent(1));
    expect(post?.place).toEqual({ is: 'thread', broadcast: true });
    expect(post?.text).toMatchInlineSnapshot(`
      "? *us-east-op-1 does not answer*; 2 of 3 healthy in us-east; after 5 tries a person decides
      Since <!date^1795505400^{date_short_pretty} {time}|2026-11-24 07:30 UTC> (after its restart): SSH connection timed out
      Tried 1 of 5. Nothing else is begun.
      Called: <@U-requester>
      I have it: /zeitwork mine"
    `);
  });

  it("is somebody's who said so, and then the first line says whose", () => {
    const waits = waitingForPeople(silent(1)).map(waitKey);
    const [post] = posts(next(silent(1), { type: 'taken-on', at: tuesday, by: 'U0OTTO', waits })).filter(({ key }) =>
      key.startsWith('wait.'),
    );
    expect(post?.text).toMatch(/^\? \*us-east-op-1 does not answer\*; .*; <@U0OTTO> has it since .*, after 5 tries/);
    expect(post?.text).not.toContain('I have it');
  });

  it('is one message however often it is tried', () => {
    expect(waits(silent(7))[0]?.key).toBe(waits(silent(1))[0]?.key);
    expect(waits(silent(7))[0]?.text).toContain('Tried 7 of 5');
  });

  it('loses its urgency when it is over, and is not posted anew', () => {
    const key = waits(silent(1))[0]?.key ?? '';
    const [post] = outdated(planned(), [key]);
    expect(post).toMatchObject({ key, onlyEdit: true });
    expect(post?.text).toMatchInlineSnapshot(`"→ This wait is over; the live message above says how it went on."`);
  });
});

describe('a gate that stays shut', () => {
  const held = (forMs: number) =>
    withNode({
      state: { is: 'ready', notBefore: tuesday },
      held: {
        gates: [{ name: 'quorum', reason: 'stopping it would leave 1 healthy', owner: 'us-east-op-2', opensAt: null }],
        since: tuesday,
        at: tuesday + forMs,
        times: 5,
        until: tuesday + forMs,
      },
    });

  it('is told after a minute, with its reason', () => {
    expect(waits(held(59_000))).toEqual([]);
    expect(waits(held(minutes(1)))[0]?.text).toMatchInlineSnapshot(`
      "‼ *Stuck: us-east-op-1 waits*; no node was restarted yet; it goes on by itself once that changes
      Since <!date^1795505400^{date_short_pretty} {time}|2026-11-24 07:30 UTC>: stopping it would leave 1 healthy
      Asked 5 times, the last time <!date^1795505460^{date_short_pretty} {time}|2026-11-24 07:31 UTC>. Nothing else is begun.
      Called: <@U-requester>
      I have it: /zeitwork mine"
    `);
  });
});

describe('work that nobody takes up', () => {
  const ticks = (silent: string[], ...ats: number[]): Rollout =>
    ats.reduce(
      (rollout: Rollout, at) => next(rollout, { type: 'ticked', at: tuesday + at, silent } as Event),
      planned(),
    );

  it('is told with the region that has no living worker, and how to start one', () => {
    const all = waits(ticks(['us-east'], 10_000, 20_000));
    expect(all.map(({ text }) => text)).toMatchInlineSnapshot(`
      [
        "‼ *No living worker serves us-east*; no node was restarted yet; nothing moves there until one is started
      Since <!date^1795505410^{date_short_pretty} {time}|2026-11-24 07:30 UTC>. Start one where its nodes can be reached: \`zeitwork worker --region us-east\`. One that is older than the bot counts when it is updated.
      Called: <@U-requester>
      I have it: /zeitwork mine",
      ]
    `);
  });

  it('says which start is missed for it', () => {
    const planned = plan(inputOf(fleetOf(), { startAt: tuesday + minutes(5) }));
    const ready = { is: 'ready', notBefore: 0 } as const;
    const nodes = Object.entries(planned.nodes).map(([each, node]) => [each, { ...node, state: ready }]);
    const [stage, ...phases] = planned.phases;
    const done = { ...stage, state: { is: 'done', since: tuesday, at: tuesday } } as Phase;
    const staged: Rollout = { ...planned, nodes: Object.fromEntries(nodes), phases: [done, ...phases] };
    const alone = [minutes(5), minutes(5) + 20_000].reduce(
      (rollout: Rollout, at) => next(rollout, { type: 'ticked', at: tuesday + at, silent: ['us-east'] }),
      staged,
    );
    expect(waits(alone)[0]?.text).toMatch(
      /^‼ \*No living worker serves us-east\*.*\nv2\.0\.0 was to begin <[^>]*07:35/s,
    );
  });

  it('is not told for a worker that was only restarted', () => {
    expect(waits(ticks(['us-east'], 10_000))).toEqual([]);
  });

  it('is told when workers live and take nothing up, within a minute', () => {
    const all = waits(ticks([], 10_000, 20_000, 30_000, 40_000));
    expect(all.map(({ text }) => text.split('\n')[0])).toHaveLength(3);
  });
});

describe('a rollout that nobody signed', () => {
  const unsigned: Rollout = { ...planned(), unsigned: true };

  it('says who has to do what, and offers nothing but to end it', () => {
    const [post, ...more] = waits(unsigned);
    expect(more).toEqual([]);
    expect(post?.text).toMatch(/Nobody signed what led to this.*\/zeitwork adopt /s);
    const [main] = posts(unsigned);
    expect(main?.text).toContain('waiting to be adopted');
    const labels = [...JSON.stringify(main?.blocks).matchAll(/"type":"button".*?"text":"([^"]+)"/g)].map(
      ([, label]) => label,
    );
    expect(labels).toEqual(['Stop']);
  });
});
