import { afterAll, describe, expect, it } from 'vitest';
import type { People } from '../../src/bot/views/people.ts';
import { type Post, posts } from '../../src/bot/views/posts.ts';
import { asked, next, onlyBack, plan, waitingForPeople, waitKey, watching } from '../../src/upgrade/rollout/index.ts';
import type { Rollout } from '../../src/upgrade/rollout/types.ts';
import { Run, scenario } from '../support/chance.ts';
import { fc } from '../support/fast-check.ts';
import { fleetOf, hours, inputOf, minutes, tuesday } from '../support/rollouts.ts';
import { drive, worldOf } from '../support/simulation.ts';

/** What still serves: counted, as it was before, or what all nodes run in the end. */
const serves =
  /\d+ of \d+ healthy in |nobody has looked at |no node (?:was|is) restarted|\d+ of \d+ nodes? (?:still )?on |is on (?:all \d+ nodes|its one node)/i;

/** Messages that need not say in their first line what serves, and why. */
const without: Record<string, string> = {
  main: 'edited in place, wakes nobody; its title is the state, and each region has a line below',
  node: 'a line of the thread that wakes nobody, of one node: it says what that node runs',
  region: 'the same for a region, and what serves there is its second half',
  started: 'stands for ever and tells of one moment',
};

/** Messages that wake somebody: state; what serves; who acts, all in the first line. */
const wakes = ['wait', 'failed', 'stuck', 'declined', 'remind', 'freeze'];

/** As a phone shows it. */
const seen = (line: string): string =>
  line
    .replace(/<!date\^[^>]*>/g, 'Nov 24, 07:30')
    .replace(/<[@!][^>]*>/g, '@somebody')
    .replace(/[*`]/g, '');
/** Long names and a failure's whole outcome fit. */
const longest = 220;

const people: People = {
  onCall: { users: ['U0OTTO'], groups: ['S0CALL'] },
  escalation: { users: [], groups: ['S0BOSS'] },
  members: {},
};
const kindOf = ({ key }: Post): string =>
  key.startsWith('dm.') ? `dm ${key.split('.')[1]}` : (key.split('.')[0] ?? '');

const met = new Set<string>();
const left = new Set<string>();

function tells(rollout: Rollout): void {
  for (const post of posts({ ...rollout, requester: 'U0ROSA' }, people)) {
    // A line below a message that stands there: what it is put below said it.
    if (post.closes) continue;
    const kind = kindOf(post);
    const [first = ''] = post.text.split('\n');
    met.add(kind);
    if (Object.hasOwn(without, kind)) left.add(kind);
    else expect(first, `${post.key} says in its first line what serves`).toMatch(serves);
    if (!wakes.includes(kind)) continue;
    expect(seen(first).length, first).toBeLessThan(longest);
    const isQuestion = kind === 'remind' && first.includes(', may *');
    // What is being brought back, is tried again or is over waits for nobody.
    const isOver =
      (kind === 'failed' || kind === 'stuck') && (rollout.status.is !== 'held' || / is being /.test(first));
    if (!isQuestion && !isOver)
      expect(first.split('; ').length, `${post.key} says who acts: ${first}`).toBeGreaterThan(2);
  }
}

/** A reminder of everything that waits was sent. */
function reminded(rollout: Rollout): Rollout {
  const counts = waitingForPeople(rollout).map((waiting) => [waitKey(waiting), 1]);
  return { ...rollout, policy: { ...rollout.policy, reminders: [1] }, reminded: Object.fromEntries(counts) };
}

/** As it is; and if nobody had signed what led to it, somebody had gone back without looking, has it, or said no. */
const kinds: ((rollout: Rollout, at: number) => Rollout)[] = [
  (rollout) => rollout,
  (rollout) => ({ ...rollout, unsigned: true }),
  onlyBack,
  reminded,
  (rollout, at) => {
    const waits = waitingForPeople(rollout).map(waitKey);
    return next(rollout, { type: 'taken-on', at, by: 'U0OTTO', waits });
  },
  (rollout, at) =>
    asked(rollout).reduce(
      (acc: Rollout, { id }) =>
        reminded(next(acc, { type: 'declined', at, phase: id, by: 'U0OTTO', reason: 'the error rate is up' })),
      rollout,
    ),
];
const lookAt = (rollout: Rollout, at: number): void => {
  for (const as of kinds) tells(as(rollout, at));
};

describe('every message says in its first line what still serves', () => {
  it('at every step of every run', { timeout: 600_000 }, () => {
    fc.assert(
      fc.property(scenario, (chance) => {
        const run = new Run(chance);
        for (const move of chance.moves) {
          const before = run.rollout;
          run.step(move);
          if (run.rollout !== before) lookAt(run.rollout, run.now);
        }
      }),
      { numRuns: Number(process.env.RUNS ?? 40), endOnFailure: true },
    );
  });

  it('of a start that is ahead, moved, near, missed, and of one that nobody serves', () => {
    const announce = [hours(24), hours(1)];
    const reminders = [minutes(15)];
    const start = plan(
      inputOf(fleetOf({ announce, reminders }, { windows: 'guide' }), { startAt: tuesday + hours(48) }),
    );
    const moved = next(start, { type: 'rescheduled', at: tuesday, by: 'U0OTTO', startAt: tuesday + hours(72) });
    const ticks = [hours(47.5), hours(48.5), hours(71.5), hours(72.5)];
    for (const from of [start, moved])
      for (const at of ticks) lookAt(next(from, { type: 'ticked', at: tuesday + at }), tuesday + at);
    const alone = [10_000, 20_000, 30_000].reduce(
      (acc: Rollout, at) => next(acc, { type: 'ticked', at: tuesday + at, silent: ['us-east', 'eu-west'] }),
      start,
    );
    lookAt(alone, tuesday + minutes(1));
  });

  it('of a question, a no, a freeze that was declared, and the steps between', () => {
    const fleet = fleetOf({ reminders: [minutes(15)] }, { windows: 'guide' });
    const start = plan(inputOf(fleet, { strategy: 'regions', startAt: tuesday + minutes(1) }));
    const until = (rollout: Rollout, now: number): boolean => {
      if (rollout.revision % 10 === 0) lookAt(rollout, now);
      return asked(rollout).length > 0;
    };
    const { rollout, now } = drive(start, worldOf(start), { from: tuesday, until });
    lookAt(rollout, now + minutes(1));
    const freeze = { id: 'f1', start: now, end: now + hours(1), reason: 'audit', author: 'U0INES' };
    const looks = Object.fromEntries(
      Object.entries(rollout.looks).map(([region, look]) => [region, { ...look, freezes: [freeze] }]),
    );
    lookAt({ ...rollout, looks }, now);
    const large = plan(inputOf(fleetOf({ atOnce: 4, pause: 0 }, { perRegion: 11 })));
    drive(large, worldOf(large), { from: tuesday, until, limit: 400 });
  });

  it('of a watch that nodes keep from its end', () => {
    const start = plan(inputOf(fleetOf({ reminders: [minutes(15)] }), { strategy: 'regions' }));
    const { rollout, now } = drive(start, worldOf(start), { from: tuesday, until: (each) => watching(each) !== null });
    const at = now + hours(3);
    const looks = Object.fromEntries(Object.entries(rollout.looks).map(([region, look]) => [region, { ...look, at }]));
    for (const unwell of [{}, { 'us-east-op-2': 7 }, { 'us-east-op-2': 7, 'us-east-op-3': 1 }]) {
      const phases = rollout.phases.map((each) => (each.is === 'watch' ? { ...each, unwell } : each));
      const late = { ...rollout, looks, phases };
      expect(waitingForPeople(late).map(({ what }) => what)).toEqual(['watch/us-east']);
      lookAt(late, at);
    }
  });
});

afterAll(() => {
  console.info([...left].map((kind) => `${kind} does not say what serves: ${without[kind]}`).join('\n'));
  // What was never met was not read; what is left out for nothing hides what comes later.
  const expected = [...wakes, 'gate', 'scheduled', 'moved', 'soon', 'stopped', 'dm gate', 'dm declined', 'dm held'];
  expect([...met]).toEqual(expect.arrayContaining(expected));
  expect([...met]).toEqual(expect.arrayContaining(Object.keys(without)));
});
