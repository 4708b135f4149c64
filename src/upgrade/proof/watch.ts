import { sameVersion } from '../../base/version.ts';
import type { Observation, UnitFacts } from '../host/observation.ts';
import { missing } from '../host/strangers.ts';
import type { Health } from '../http/types.ts';
import type { Proof } from '../rollout/types.ts';

/** What is to be proven of a node, and in which time. Durations in ms. */
export interface Goal {
  sha256: string;
  version: string | null;
  /** null: any will do. */
  envSha256: string | null;
  /** Another one that will do, since a person decided to keep it. */
  keptEnvSha256?: string | null;
  /** The invocation that must not be running any more; null when no restart is required. */
  oldInvocation: string | null;
  /** Consecutive healthy answers that start the soak. */
  answers: number;
  soak: number;
  /** Counted from the first sight of an active unit. */
  deadline: number;
  /** How much later than that at most, when the unit takes its time to stop and start. */
  slowStop: number;
}

/** All that was seen so far. Times are of a monotonic clock, ms. A plain value. */
export interface Watch {
  startedAt: number;
  activeAt: number | null;
  /** The unit at first sight: restarts are counted from here. */
  first: UnitFacts | null;
  seen: Observation | null;
  lookedAt: number | null;
  /** Why the last look failed; null when it did not. */
  blind: string | null;
  /** The last look did not reach the node, and neither did health: why, in words. */
  silent: string | null;
  health: Health | null;
  /** Consecutive healthy answers of the right version, and when they began. */
  streak: number;
  healthySince: number | null;
  /** When health last broke off, and how long it had lasted. */
  broke: { at: number; lasted: number } | null;
  /** Consecutive healthy answers of another version. */
  strangers: number;
  soak: { since: number; unit: UnitFacts } | null;
  /** It had begun to soak and its process was restarted by systemd or is gone. */
  died: { unit: UnitFacts; lasted: number; restartsBefore: number } | null;
}

export type Verdict =
  | { is: 'proven'; proof: Proof }
  | { is: 'failed'; reason: string }
  /** `silent`: neither health nor SSH answers. */
  | { is: 'unknown'; reason: string; silent?: true };

export const begin = (at: number): Watch => ({
  startedAt: at,
  activeAt: null,
  first: null,
  seen: null,
  lookedAt: null,
  blind: null,
  silent: null,
  health: null,
  streak: 0,
  healthySince: null,
  broke: null,
  strangers: 0,
  soak: null,
  died: null,
});

const isStranger = (health: Health, goal: Goal) =>
  health.is === 'healthy' &&
  health.version !== null &&
  goal.version !== null &&
  !sameVersion(health.version, goal.version);

/** One health answer. Anything but the right one ends the streak and with it the soak. */
export function heard(watch: Watch, health: Health, at: number, goal: Goal): Watch {
  const stranger = isStranger(health, goal);
  if (health.is === 'healthy' && !stranger) {
    return {
      ...watch,
      silent: null,
      health,
      streak: watch.streak + 1,
      healthySince: watch.healthySince ?? at,
      strangers: 0,
    };
  }
  const broke = watch.healthySince === null ? watch.broke : { at, lasted: at - watch.healthySince };
  const strangers = stranger ? watch.strangers + 1 : 0;
  return { ...watch, silent: null, health, streak: 0, healthySince: null, broke, strangers };
}

/** Another process than the one that the soak began with, or none. */
const replaced = (old: UnitFacts, unit: UnitFacts) =>
  unit.invocation !== old.invocation || unit.mainPid !== old.mainPid || unit.restarts !== old.restarts;

const gone = (unit: UnitFacts) => unit.mainPid === 0 || unit.active === 'failed';

export const hasMeantEnv = (seen: Observation, goal: Goal) =>
  goal.envSha256 === null || seen.env === goal.envSha256 || (seen.env ?? missing) === goal.keptEnvSha256;

/** The meant file lies there, and what runs has read another one. */
export const isStale = ({ stale }: Observation, { envSha256 }: Goal): boolean => stale && envSha256 !== null;

/** Whether this is the meant image in a new process, and a restart would bring it up again. */
function isMeant(seen: Observation, goal: Goal): boolean {
  const { unit } = seen;
  const right = seen.image === goal.sha256 && seen.disk === goal.sha256;
  return (
    right &&
    hasMeantEnv(seen, goal) &&
    !isStale(seen, goal) &&
    unit.active === 'active' &&
    unit.mainPid > 0 &&
    unit.invocation !== goal.oldInvocation
  );
}

/** One look at the node. Starts, keeps or ends the soak. */
export function looked(watch: Watch, seen: Observation, at: number, goal: Goal): Watch {
  const { unit } = seen;
  const next: Watch = {
    ...watch,
    seen,
    lookedAt: at,
    blind: null,
    first: watch.first ?? unit,
    activeAt: watch.activeAt ?? (unit.active === 'active' ? at : null),
  };
  if (watch.soak !== null && (replaced(watch.soak.unit, unit) || gone(unit))) {
    const lasted = (watch.healthySince === null ? (watch.broke?.lasted ?? 0) : at - watch.healthySince) || 0;
    const died = unit.restarts > watch.soak.unit.restarts || gone(unit);
    return {
      ...next,
      soak: null,
      streak: 0,
      healthySince: null,
      died: died ? { unit, lasted, restartsBefore: watch.soak.unit.restarts } : null,
    };
  }
  if (watch.streak < goal.answers || !isMeant(seen, goal)) return { ...next, soak: null };
  return { ...next, soak: watch.soak ?? { since: at, unit } };
}

/**
 * A look that did not succeed, folded in behind the health answer of the same moment. When the node was not `reached` and
 * does not answer health either, it is silent: nobody listening is an answer, silence is none.
 */
export function missed(watch: Watch, reason: string, at: number, reached: boolean): Watch {
  const { health } = watch;
  const mute = !reached && health?.is === 'unreachable' && health.refused !== true;
  const silent = mute ? `does not answer: SSH ${reason}, health ${health.detail}` : null;
  return { ...watch, lookedAt: at, blind: reason, silent };
}

const betweenLooks = 2000;

/** Whether to look at the node together with the next health answer: at first, at the soak's ends, after a bad answer, now and then. */
export function wantsLook(watch: Watch, at: number, goal: Goal): boolean {
  if (watch.lookedAt === null) return true;
  if (watch.soak === null && watch.streak > 0 && watch.streak >= goal.answers - 1) return true;
  if (watch.soak !== null && (watch.streak === 0 || at - watch.soak.since >= goal.soak)) return true;
  return at - watch.lookedAt >= Math.max(betweenLooks, watch.soak === null ? 0 : goal.soak / 5);
}
