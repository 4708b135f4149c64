import {
  asked,
  isWatchedAfterwards,
  next,
  nextWake,
  plan,
  todo,
  whatRuns,
} from '../../../src/upgrade/rollout/index.ts';
import type { Event, LookTask, PlanInput, Policy, Rollout, Unwell } from '../../../src/upgrade/rollout/types.ts';
import { trialFleet } from '../../bot/support.ts';
import { journalOf } from '../../support/journal.ts';
import { approve } from '../../support/parts.ts';
import { hours, inputOf, minutes, surveyOf, tuesday } from '../../support/rollouts.ts';
import { apply, drive, type World, worldOf } from '../../support/simulation.ts';

export interface Told {
  planned: Rollout;
  events: Event[];
  rollout: Rollout;
  now: number;
}

export const journalIn = ({ planned, events }: Told) => journalOf(planned, events);

/** Goes on from there, until nothing is left to do or `until`. */
export function goOn(before: Told, world: World, until?: (rollout: Rollout) => boolean): Told {
  const driven = drive(before.rollout, world, { from: before.now, ...(until === undefined ? {} : { until }) });
  return { ...before, rollout: driven.rollout, now: driven.now, events: [...before.events, ...driven.events] };
}

/** Somebody decides. */
export function say(before: Told, event: (at: number) => Event, after = minutes(4)): Told {
  const events: Event[] = [];
  const now = before.now + after;
  const rollout = apply(before.rollout, event(now), events);
  if (next(before.rollout, event(now)) === before.rollout) throw new Error(`${event(now).type} has no effect`);
  return { ...before, rollout, now, events: [...before.events, ...events] };
}

export function begin(policy: Partial<Policy> = {}, input: Partial<PlanInput> = {}): { told: Told; world: World } {
  const planned = plan(inputOf(trialFleet(policy), { strategy: 'regions', requester: 'U0ROSA', ...input }));
  return { told: { planned, events: [], rollout: planned, now: tuesday }, world: worldOf(planned) };
}

const yes = (region: string) => (at: number) => approve(region, 'U0INES', at);

/** All goes well: three regions, each asked for. */
export function goodNight(): Told {
  const { told, world } = begin({ bake: minutes(10) });
  const first = goOn(told, world, (rollout) => asked(rollout).length > 0);
  const second = goOn(say(first, yes('eu-west')), world, (rollout) => asked(rollout).length > 0);
  return goOn(say(second, yes('ap-south')), world);
}

/** What runs is started anew. */
export function restartNight() {
  const fleet = trialFleet();
  const survey = surveyOf(fleet);
  return begin({ bake: minutes(10) }, { change: { is: 'restart' }, release: whatRuns(fleet, null, survey), survey });
}

/** The second node never gets well on the new build, goes back, is tried again when it was mended, and then all of it is rolled back. */
export function badNight(): Told {
  const { told, world } = begin({ bake: minutes(10) });
  world.bad.add('us-east-op-2');
  const held = goOn(told, world);
  world.bad.clear();
  const again = goOn(
    say(held, (at) => ({ type: 'retried', at, by: 'U0ROSA', epoch: at }), minutes(12)),
    world,
    (rollout) => asked(rollout).length > 0,
  );
  const no = say(again, (at) => ({
    type: 'declined',
    at,
    phase: 'approval/eu-west',
    by: 'U0INES',
    reason: 'errors | rise',
  }));
  const back = say(no, (at) => ({ type: 'rollback-asked', at, by: 'U0ROSA', scope: { is: 'all' }, epoch: at }));
  return goOn(back, world);
}

/** All goes well, and is watched for six hours, in which a node is restarted and one check is bad for a while. */
export function watchedNight(until = hours(20)): Told {
  const fleet = {
    ...trialFleet({ bake: 0 }),
    aftercare: { watch: hours(6), every: minutes(30), stable: null, keep: 2 },
  };
  const planned = plan(inputOf(fleet, { strategy: 'rolling', requester: 'U0ROSA', regions: ['us-east', 'eu-west'] }));
  const done = goOn({ planned, events: [], rollout: planned, now: tuesday }, worldOf(planned));
  const since = done.rollout.afterwards?.since ?? 0;
  const story = { ...done, events: [...done.events] };
  while (isWatchedAfterwards(story.rollout) && story.now < since + until) {
    const at = nextWake(story.rollout, story.now) ?? since + until;
    story.now = at;
    for (const { run, region, attempt } of todo(story.rollout, at) as LookTask[]) {
      const unwell = region === 'us-east' ? unwellThen(at - since) : [];
      const rates = { errors: { value: 0.001 * attempt, says: `0.${attempt % 10} % over 30 min` } };
      const event: Event = { type: 'looked-after', at, run, region, attempt, unwell, rates };
      story.rollout = apply(story.rollout, event, story.events);
    }
  }
  return story;
}

function unwellThen(ms: number): Unwell[] {
  if (ms === minutes(60)) {
    const runs = { invocation: 'i9', restarts: 1 };
    const says = 'systemd restarted it since it was proven (0 -> 1 restarts)';
    return [{ node: 'us-east-op-1', what: 'service', is: 'bad', sure: true, says, runs }];
  }
  const errors = { check: 'errors' };
  return ms >= minutes(120) && ms < minutes(180)
    ? [{ node: 'us-east-op-2', what: errors, is: 'bad', says: '7 % over 30 min, bad from 5 %' }]
    : [];
}
