import { describe, expect, it } from 'vitest';
import { posts } from '../../../src/bot/views/posts.ts';
import type { CheckResult, ChecksSeen } from '../../../src/upgrade/checks/types.ts';
import { asked, asksChecks, next, phaseOf, watching } from '../../../src/upgrade/rollout/index.ts';
import type { Event, Facts, NodeRun, Report, Rollout, WatchPhase } from '../../../src/upgrade/rollout/types.ts';
import { fc } from '../../support/fast-check.ts';
import { minutes, planned, tuesday } from '../../support/rollouts.ts';
import { drive, worldOf } from '../../support/simulation.ts';

const region = 'us-east';
const node = 'us-east-op-2';
const interval = 15_000;

interface Moment {
  rollout: Rollout;
  now: number;
}

function reached(until: (rollout: Rollout) => boolean, changes = {}): Moment {
  const start = planned({ bake: minutes(1), pause: 0, ...changes }, { strategy: 'regions' });
  return drive(start, worldOf(start), { from: tuesday, until });
}
const watched = () => reached((each) => watching(each) !== null);

const seenAs = (is: CheckResult['is'], counts: CheckResult['counts']): ChecksSeen =>
  is === 'good'
    ? { good: 2, others: [] }
    : { good: 1, others: [{ check: 'errors', is, counts, says: '7 % over 60 s' }] };
const good = seenAs('good', 'good');
const bad = seenAs('bad', 'bad');
const unknown = seenAs('unknown', 'unknown');

/** The next look at the region, a while later, at which one node's checks are these. */
function looked({ rollout, now }: Moment, checks: ChecksSeen | undefined, after = interval): Moment {
  const at = now + after;
  const seen = Object.fromEntries(
    (rollout.peers[region] ?? []).map((name) => [
      name,
      {
        standing: 'healthy' as const,
        detail: 'healthy',
        proof: rollout.nodes[name]?.state.is === 'done' ? ('holds' as const) : ('not asked' as const),
        ...(checks === undefined ? {} : { checks: name === node ? checks : good }),
      },
    ]),
  );
  const attempt = (rollout.looks[region]?.count ?? 0) + 1;
  const event: Event = { type: 'watched', at, run: rollout.run, region, attempt, seen };
  return { rollout: next(rollout, event), now: at };
}
const looks = (begun: Moment, ...all: (ChecksSeen | undefined)[]) =>
  all.reduce((moment, checks) => looked(moment, checks), begun);
const watch = ({ rollout }: Moment) => phaseOf(rollout, `watch/${region}`) as WatchPhase;
const healthy = (moment: Moment) => watch(moment).healthy[region];

describe('while a region is watched', () => {
  it('time counts where all checks are good, or good enough', () => {
    for (const checks of [good, seenAs('watch', 'good'), seenAs('absent', 'good'), undefined])
      expect(healthy(looks(watched(), checks, checks))?.ms).toBe(2 * interval);
  });

  it.each([bad, seenAs('absent', 'bad')])('a bad check begins the watch anew: %j', (checks) => {
    const moment = looks(watched(), good, good, checks);
    expect(healthy(moment)).toEqual({ ms: 0, at: null });
    expect(watch(moment).unwell).toEqual({ [node]: 1 });
    // Nobody takes it for a node that is gone.
    expect(moment.rollout.looks[region]).toMatchObject({ misses: { [node]: 0 }, standing: { [node]: 'healthy' } });
    expect(moment.rollout.status.is).toBe('running');
  });

  it('an unknown one lets no time count, and takes none away', () => {
    const moment = looks(watched(), good, good, unknown, unknown, unknown, unknown);
    expect(healthy(moment)).toEqual({ ms: 2 * interval, at: null });
    expect(moment.rollout.status.is).toBe('running');
    expect(healthy(looks(moment, good, good))?.ms).toBe(3 * interval);
  });

  it.each([
    ['bad', bad],
    ['unknown', unknown],
  ])('it does not end with a look that finds one %s', (_, checks) => {
    const almost = looks(watched(), good, good, good);
    expect(watch(looks(almost, good)).state.is).toBe('done');
    const moment = looks(almost, checks);
    expect(watch(moment).state.is).toBe('active');
    expect(asked(looks(moment, checks).rollout)).toEqual([]);
  });

  it('three bad looks in a row hold the rollout, with the check, the node and its words', () => {
    const twice = looks(watched(), bad, bad);
    expect(twice.rollout.status.is).toBe('running');
    expect(looks(twice, bad).rollout.status).toMatchObject({
      is: 'held',
      node,
      reason: `errors is bad on ${node} while us-east was being watched: 7 % over 60 s`,
    });
    expect(looks(twice, good, bad, bad).rollout.status.is).toBe('running');
    expect(looks(twice, unknown, bad).rollout.status.is).toBe('held');
    expect(looks(twice, unknown, unknown).rollout.status.is).toBe('running');
  });

  it('says of what was so before its turn that it was', () => {
    const { rollout, now } = watched();
    const ill = { ...(rollout.nodes[node] as NodeRun), illBefore: bad.others };
    const begun = { rollout: { ...rollout, nodes: { ...rollout.nodes, [node]: ill } }, now };
    expect(looks(begun, bad, bad, bad).rollout.status).toMatchObject({
      is: 'held',
      reason: `errors is bad on ${node} while us-east was being watched: 7 % over 60 s (it was bad before this node was touched, too)`,
    });
    expect(posts(looks(begun, bad).rollout)[0]?.text).toContain('errors is bad: 7 % over 60 s (before its turn, too)');
  });

  it('is looked at anew from the beginning when somebody lets it go on', () => {
    const held = looks(watched(), bad, bad, bad);
    const on = { ...held, rollout: next(held.rollout, { type: 'resumed', at: held.now + 1, by: 'U1' }) };
    expect(on.rollout.status.is).toBe('running');
    expect(looks(on, bad, bad).rollout.status.is).toBe('running');
    expect(looks(on, bad, bad, bad).rollout.status.is).toBe('held');
  });

  it('says in the live message what keeps it from its end', () => {
    const text = posts(looks(watched(), unknown).rollout)[0]?.text ?? '';
    expect(text).toContain('Watching us-east until');
    expect(text).toContain(`Checks in us-east: 5 good\n‼ ${node}: errors is unknown: 7 % over 60 s`);
    expect(posts(looks(watched(), good).rollout)[0]?.text).not.toContain('Checks in');
  });
});

it('whatever looks find: a watch ends by a good one alone, and only three bad ones without a good one between hold it', () => {
  const begun = watched();
  const kinds = { good, bad, unknown };
  const story = fc.array(fc.constantFrom('good', 'good', 'good', 'bad', 'unknown'), { maxLength: 25 });
  fc.assert(
    fc.property(story, (found) => {
      let moment = begun;
      let ill = 0;
      for (const kind of found as (keyof typeof kinds)[]) {
        const before = healthy(moment)?.ms ?? 0;
        const next = looks(moment, kinds[kind]);
        ill = kind === 'bad' ? ill + 1 : kind === 'good' ? 0 : ill;
        const isOver = watch(next).state.is === 'done';
        if (kind !== 'good') expect([isOver, (healthy(next)?.ms ?? 0) <= before]).toEqual([false, true]);
        expect(next.rollout.status.is === 'held').toBe(kind === 'bad' && ill >= 3);
        if (isOver || next.rollout.status.is === 'held') return;
        moment = next;
      }
    }),
  );
});

describe('while an approval is asked for', () => {
  const waiting = () => reached((each) => asked(each).length > 0);
  const message = ({ rollout }: Moment) => posts(rollout).find(({ key }) => key.startsWith('gate.'))?.text ?? '';

  it('what the checks say stands beside its button', () => {
    expect(message(looks(waiting(), good))).toContain('Checks in us-east: all 6 good');
    expect(message(looks(waiting(), seenAs('watch', 'good')))).toContain(
      `Checks in us-east: 5 good\n○ ${node}: errors is worth a look: 7 % over 60 s`,
    );
    expect(message(looks(waiting(), undefined))).not.toContain('Checks in');
  });

  it('three bad looks in a row hold the rollout, too', () => {
    expect(looks(waiting(), bad, bad).rollout.status.is).toBe('running');
    expect(looks(waiting(), bad, bad, bad).rollout.status).toMatchObject({
      is: 'held',
      reason: `errors is bad on ${node} after it was finished: 7 % over 60 s`,
    });
  });

  it('and while one is watched alone are they asked: whoever begins a node does not wait for them', () => {
    expect(asksChecks(waiting().rollout, region)).toBe(true);
    expect(asksChecks(watched().rollout, region)).toBe(true);
    expect(asksChecks(watched().rollout, 'eu-west')).toBe(false);
    const working = reached(({ nodes }) => nodes['us-east-op-2']?.state.is === 'working');
    expect(asksChecks(working.rollout, region)).toBe(false);
    const held = looks(watched(), bad, bad, bad);
    expect(asksChecks(held.rollout, region)).toBe(false);
  });
});

describe('a node whose checks are bad in its turn', () => {
  const first = 'us-east-op-1';
  const at = (step: 'verify', changes = {}) =>
    reached(({ nodes }) => {
      const state = nodes[first]?.state;
      return state?.is === 'working' && state.step === step;
    }, changes);
  function reported({ rollout, now }: Moment, report: Report): Rollout {
    const { attempt = 0, begun } = rollout.nodes[first] ?? {};
    const here = { at: now + 1, run: 1, node: first, step: 'verify', attempt } as const;
    const under = begun === attempt ? rollout : next(rollout, { type: 'begun', ...here });
    return next(under, { type: 'reported', ...here, report });
  }
  const failed = (facts: Facts): Report => ({ is: 'failed', reason: 'errors is bad', retry: false, facts });

  it('goes back by itself, as the policy says', () => {
    const after = reported(at('verify'), failed({}));
    expect(after.nodes[first]?.state).toMatchObject({ is: 'working', direction: 'back' });
    expect(after.status).toMatchObject({ is: 'held', reason: `${first}: errors is bad` });
  });

  it.each(['node', 'region', 'everything'])(
    'stays as it is where it is to be held, also with autoRollback %s',
    (autoRollback) => {
      const after = reported(at('verify', { autoRollback }), failed({ stays: true }));
      expect(after.nodes[first]).toMatchObject({ state: { is: 'unproven', step: 'verify' }, touched: true });
      expect(after.status).toMatchObject({ is: 'held', node: first, reason: `${first}: errors is bad` });
      expect(after.wentBack).toBeUndefined();
      // A person may let it be proven again, or bring it back.
      const back = next(after, {
        type: 'rollback-asked',
        at: tuesday + minutes(60),
        by: 'U1',
        scope: { is: 'all' },
        epoch: 1,
      });
      expect(back.status).toMatchObject({ is: 'rolling-back', queue: [first] });
    },
  );

  it('what was so before its turn is kept, and nothing that was found later', () => {
    const illBefore = bad.others;
    const succeeded: Report = { is: 'succeeded', facts: { illBefore } };
    const { rollout, now } = at('verify');
    const untouched = { ...rollout.nodes, [first]: { ...(rollout.nodes[first] as NodeRun), touched: false } };
    const before = { rollout: { ...rollout, nodes: untouched }, now };
    expect(reported(before, succeeded).nodes[first]?.illBefore).toEqual(illBefore);
    expect(reported({ rollout, now }, succeeded).nodes[first]?.illBefore).toBeUndefined();
  });
});
