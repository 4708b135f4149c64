import { describe, expect, it } from 'vitest';
import { rolloutFacts } from '../../../src/bot/facts/rollout.ts';
import { posts } from '../../../src/bot/views/posts.ts';
import type { Comparison } from '../../../src/upgrade/comparison/index.ts';
import {
  asked,
  asksComparison,
  familiesOf,
  groupsOf,
  next,
  phaseOf,
  todo,
  watching,
} from '../../../src/upgrade/rollout/index.ts';
import type { Event, Rollout, WatchPhase } from '../../../src/upgrade/rollout/types.ts';
import { minutes, planned, tuesday } from '../../support/rollouts.ts';
import { drive, worldOf } from '../../support/simulation.ts';

const region = 'us-east';
const interval = 15_000;
const others = ['eu-west', 'ap-south'].flatMap((name) => [1, 2, 3].map((at) => `${name}-op-${at}`));

interface Moment {
  rollout: Rollout;
  now: number;
}

function watched(changes = {}, input = {}): Moment {
  const start = planned({ bake: minutes(1), pause: 0, ...changes }, { strategy: 'regions', ...input });
  return drive(start, worldOf(start), { from: tuesday, until: (each) => watching(each) !== null });
}

const found = (is: Comparison['is'], check = 'latency'): Comparison => ({
  ...{ check, is, factor: 1.62, low: 1.4, high: 1.9, before: 12, after: 15 },
  ...{ nodes: { of: 3, so: is === 'worse' ? 3 : 0 }, control: { of: 6, near: false } },
});

/** The next look at the region; with what was found where it asks for that, or in spite of that. */
function looked({ rollout, now }: Moment, compared?: Comparison[], standing: 'healthy' | 'down' = 'healthy'): Moment {
  const at = now + interval;
  const seen = Object.fromEntries(
    (rollout.peers[region] ?? []).map((name) => [name, { standing, detail: standing, proof: 'holds' as const }]),
  );
  const attempt = (rollout.looks[region]?.count ?? 0) + 1;
  const more = compared === undefined ? {} : { compared };
  const event: Event = { type: 'watched', at, run: rollout.run, region, attempt, seen, ...more };
  return { rollout: next(rollout, event), now: at };
}
const almost = () => looked(looked(looked(watched())));
const watch = ({ rollout }: Moment) => phaseOf(rollout, `watch/${region}`) as WatchPhase;

describe('upgraded nodes are held against the others', () => {
  it('when their region was watched for as long as was wanted, and not before', () => {
    let moment = watched();
    for (const asks of [false, false, false, true]) {
      expect(asksComparison(moment.rollout, region, moment.now + interval)).toBe(asks);
      expect(asksComparison(moment.rollout, 'eu-west', moment.now + interval)).toBe(false);
      moment = looked(moment);
    }
    expect(watch(moment).state.is).toBe('done');
    expect(asksComparison(moment.rollout, region, moment.now + interval)).toBe(false);
  });

  it('never in a restart, which brings nothing', () => {
    const { rollout, now } = almost();
    const restart: Rollout = { ...rollout, change: { is: 'restart' } };
    expect(asksComparison(rollout, region, now + interval)).toBe(true);
    expect(asksComparison(restart, region, now + interval)).toBe(false);
  });

  it('those of other regions where none is left in their own', () => {
    const { rollout } = watched();
    const { upgraded, control, near } = groupsOf(rollout, region);
    expect(upgraded.map(({ node }) => node)).toEqual([1, 2, 3].map((at) => `us-east-op-${at}`));
    for (const { node, until, from } of upgraded) {
      expect(until).toBe(rollout.nodes[node]?.touchedAt);
      expect(from).toBeGreaterThan(until);
    }
    expect({ control: [...control].sort(), near }).toEqual({ control: [...others].sort(), near: false });
  });

  it('those of their own region first', () => {
    const { rollout } = watched({}, { strategy: 'canary-all' });
    expect(groupsOf(rollout, region)).toMatchObject({
      ...{ upgraded: [{ node: 'us-east-op-1' }], control: ['us-east-op-2', 'us-east-op-3'], near: true },
    });
    expect(familiesOf(rollout)).toBe(3);
  });

  it('neither those that had the release already, nor those that went there and back', () => {
    const { rollout } = watched();
    const [first, second] = others;
    const nodes = { ...rollout.nodes };
    for (const [name, changes] of [
      [first, { already: true }],
      [second, { touchedAt: tuesday }],
      ['us-east-op-1', { already: true }],
    ] as const)
      nodes[name ?? ''] = { ...(nodes[name ?? ''] as Rollout['nodes'][string]), ...changes };
    const groups = groupsOf({ ...rollout, nodes }, region);
    expect(groups.control).toHaveLength(4);
    expect(groups.upgraded).toHaveLength(2);
  });
});

describe('what was found', () => {
  it('stands in the watch that is over, and beside the approval that is asked for on it', () => {
    const { rollout } = looked(almost(), [found('same'), found('inconclusive', 'errors')]);
    expect(rollout.status.is).toBe('running');
    expect(watch({ rollout, now: 0 })).toMatchObject({
      state: { is: 'done' },
      compared: { [region]: [{ is: 'same' }, {}] },
    });
    expect(asked(rollout)).toHaveLength(1);
    const line = '○ latency: same, 1.62 times (1.4 to 1.9) that of 6 not yet upgraded elsewhere, 12 + 15 blocks';
    const texts = posts(rollout).map(({ text }) => text);
    expect(texts[0]).toContain(line);
    expect(texts.filter((text) => text.includes(`Held against nodes that were not upgraded:\n${line}`))).toHaveLength(
      2,
    );
    expect(texts.join()).toContain('○ errors: inconclusive');
    const phase = rolloutFacts(rollout).phases.find(({ id }) => id === `watch/${region}`);
    expect(phase?.compared?.[0]).toMatchObject({
      region,
      check: 'latency',
      is: 'same',
      blocks: { before: 12, after: 15 },
    });
  });

  it('holds the rollout where it is worse, with the numbers, and nothing goes on by itself', () => {
    const { rollout, now } = looked(almost(), [found('same', 'errors'), found('worse')]);
    expect(rollout.status).toMatchObject({
      is: 'held',
      reason:
        'upgraded nodes are worse than those that are not yet: latency: worse on 3 of 3, 1.62 times (1.4 to 1.9) that of 6 not yet upgraded elsewhere, 12 + 15 blocks in us-east',
    });
    expect(asked(rollout)).toEqual([]);
    expect(todo(rollout, now + minutes(30))).toEqual([]);
    expect(posts(rollout)[0]?.text).toContain('worse on 3 of 3');
  });

  it.each(['same', 'better', 'inconclusive', 'no control group'] as const)('holds nothing where it is: %s', (is) => {
    const { rollout } = looked(almost(), [found(is)]);
    expect(rollout.status.is).toBe('running');
    expect(asked(rollout)).toHaveLength(1);
  });

  it('holds once: whoever lets it go on is asked to approve, beside what is worse', () => {
    const held = looked(almost(), [found('worse')]);
    let rollout = next(held.rollout, { type: 'resumed', at: held.now + 1, by: 'U1' });
    expect(watch({ rollout, now: 0 }).state.is).toBe('done');
    rollout = looked({ rollout, now: held.now }).rollout;
    expect(rollout.status.is).toBe('running');
    expect(asked(rollout)).toHaveLength(1);
    expect(
      posts(rollout)
        .map(({ text }) => text)
        .join('\n'),
    ).toContain('‼ latency: worse on 3 of 3');
  });

  it('counts for nothing while the watch is not over', () => {
    const early = looked(watched(), [found('worse')]);
    expect(watch(early).compared).toBeUndefined();
    expect(looked(looked(looked(early))).rollout.status.is).toBe('running');
    const down = looked(almost(), [found('worse')], 'down');
    expect(watch(down)).not.toHaveProperty('compared');
    expect(down.rollout.status.is).toBe('running');
  });

  it('is forgotten when the region is watched anew', () => {
    const { rollout, now } = looked(almost(), [found('same')]);
    const back = next(rollout, {
      ...{
        type: 'rollback-asked',
        at: now + 1,
        by: 'U1',
        scope: { is: 'node', node: 'us-east-op-1' },
        epoch: rollout.epoch + 2,
      },
    });
    expect(watch({ rollout: back, now })).not.toHaveProperty('compared');
  });

  it('is nothing where nobody compared: the watch ends as ever', () => {
    const { rollout } = looked(almost());
    expect(watch({ rollout, now: 0 })).not.toHaveProperty('compared');
    expect(asked(rollout)).toHaveLength(1);
    expect(
      posts(rollout)
        .map(({ text }) => text)
        .join('\n'),
    ).not.toContain('Held against');
  });
});
