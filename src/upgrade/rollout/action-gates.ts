import { describeLocal, fits, frozenBy, nextOpening, openInterval } from '../../windows/index.ts';
import { calendarNow, overridden } from './calendars.ts';
import { workingActions, workingNodes } from './queries.ts';
import { type Rule, rule, rules, shut, unapproved } from './rules.ts';
import type { ActionPhase, Evidence, EvidenceName, Gate, GateName, Rollout } from './types.ts';

/** What holds an action is what holds a node, but for what is of nodes alone: quorum, staging, their proof. */
const own: Partial<Record<GateName, Rule<ActionPhase>>> = {
  state: rules.state,
  pause: rules.pause,
  halt: rules.halt,
  schedule: rules.schedule,
  turn: rule([], (rollout, phase: ActionPhase, now) => {
    const { state, held } = phase.work;
    if (state.is !== 'waiting') return null;
    const before = rollout.phases.slice(0, rollout.phases.indexOf(phase)).find((each) => each.state.is !== 'done');
    if (before !== undefined && before.is !== 'approval') return shut(`${before.title} goes first`, before.title);
    const busy = [
      ...workingNodes(rollout).map(({ name }) => name),
      ...workingActions(rollout).map(({ title }) => title),
    ];
    if (busy.length > 0) return shut(`being worked on: ${busy.join(', ')}`, busy.join(', '));
    if (state.notBefore <= now) return null;
    const why = held?.gates.map(({ reason }) => reason).join('; ') ?? 'waiting to try again';
    return shut(why, 'the clock', state.notBefore);
  }),
  approval: rule([], (rollout, { id }: ActionPhase, now) => unapproved(rollout, id, now)),
  freeze: rules.freeze,
  window: rule(['freezes'], (rollout, { region, expected }: ActionPhase, now, known) => {
    const calendar = calendarNow(rollout, region, known?.freezes);
    if (overridden(rollout, now) || !calendar || frozenBy(calendar, now)) return null;
    const open = openInterval(calendar, now);
    if (open && fits(open, now, expected)) return null;
    const following = nextOpening(calendar, now);
    if (following.is === 'never') return shut(following.reason, 'whoever keeps the settings');
    const opens = following.interval.start;
    const why = open ? 'it no longer fits before the window closes' : 'the maintenance window is closed';
    return shut(`${region}: ${why}; opens ${describeLocal(opens, calendar.zone)}`, 'the clock', opens);
  }),
  alerts: rules.alerts,
};

const all = Object.keys(own) as (keyof typeof own)[];

/** What was begun is brought to its end: only whoever stops everything by a file keeps it waiting. */
const onceTouched: GateName[] = ['halt'];

const namesFor = ({ work }: ActionPhase): GateName[] =>
  work.touched &&
  work.state.is === 'working' &&
  (work.state.direction === 'back' || work.state.underWaySince !== undefined)
    ? onceTouched
    : all;

/** Every reason why an action may not be begun now, or gone on with; empty when it may. `now`: epoch ms. */
export function actionGates(
  rollout: Rollout,
  phase: ActionPhase,
  now: number,
  evidence: Evidence | null = null,
): Gate[] {
  return namesFor(phase).flatMap((name) => {
    const found = own[name]?.judge(rollout, phase, now, evidence) ?? null;
    return found === null ? [] : [{ name, ...found }];
  });
}

/** What must be found out right before, so that all of them can be asked. */
export const actionEvidence = (phase: ActionPhase): EvidenceName[] => [
  ...new Set(namesFor(phase).flatMap((name) => own[name]?.needs ?? [])),
];
