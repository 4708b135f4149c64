import { inSeconds } from '../../base/duration.ts';
import { short } from '../../base/hash.ts';
import { redact } from '../../base/redact.ts';
import { ending } from '../host/observation.ts';
import type { Health } from '../http/types.ts';
import { type Goal, hasMeantEnv, isStale, type Verdict, type Watch } from './watch.ts';

const failed = (reason: string): Verdict => ({ is: 'failed', reason });

function words(health: Health | null): string {
  if (health === null) return 'health was not asked';
  if (health.is === 'healthy') return 'health says healthy';
  const detail = redact(health.detail);
  if (health.is === 'unreachable') return `health does not answer (${detail})`;
  return health.httpStatus === 200 ? `health says ${detail} (HTTP 200)` : `health stays ${detail}`;
}

/** What is wrong for good, so that waiting helps nobody. */
function hopeless(watch: Watch, goal: Goal): Verdict | null {
  const { seen, first, died, health } = watch;
  if (died !== null) {
    const { unit, restartsBefore, lasted } = died;
    const restarts =
      unit.restarts > restartsBefore
        ? `restarted by systemd (NRestarts ${restartsBefore} -> ${unit.restarts})`
        : ending(unit);
    return failed(`answered healthy for ${inSeconds(lasted)}, then died: ${restarts}`);
  }
  if (seen === null || first === null || watch.blind !== null) return null;
  const { unit } = seen;
  const restarts = unit.restarts - first.restarts;
  if (restarts >= 2) return failed(`restarted ${restarts} times: ${ending(unit)}`);
  if (unit.active === 'failed') return failed(`the unit failed: ${ending(unit)}`);
  if (unit.active !== 'active') return null;
  if (watch.streak >= goal.answers && seen.image !== null && seen.image !== goal.sha256) {
    const version = health?.is === 'healthy' ? health.version : null;
    const runs = version === null || version === goal.version ? `the image ${short(seen.image)}` : version;
    return failed(`runs ${runs}, not ${goal.version ?? short(goal.sha256)}`);
  }
  if (watch.strangers >= goal.answers && health?.is === 'healthy') {
    return failed(`runs ${health.version}, not ${goal.version}`);
  }
  return null;
}

/** Why the time is up; null while there is some left. A soak that began in time is let to its end. */
function overdue(watch: Watch, at: number, goal: Goal): Verdict | null {
  const from = watch.activeAt ?? watch.startedAt + (watch.first === null ? 0 : goal.slowStop);
  const wasHealthy = watch.soak !== null || watch.broke !== null || watch.streak > 0;
  const limit = from + goal.deadline + (wasHealthy ? goal.soak : 0);
  if (at < limit || (watch.soak !== null && watch.soak.since <= from + goal.deadline && watch.blind === null))
    return null;
  if (watch.blind !== null || watch.seen === null) {
    return {
      is: 'unknown',
      reason: `${words(watch.health)}, and the node cannot be looked at: ${watch.blind ?? 'no answer'}`,
    };
  }
  const { unit, image, disk } = watch.seen;
  if (watch.activeAt === null) {
    return failed(
      `the unit did not become active within ${inSeconds(at - watch.startedAt)}: ${unit.active}/${unit.sub}`,
    );
  }
  if (watch.streak >= goal.answers) return failed(unmeant(watch, goal, image, disk));
  if (watch.broke !== null) return failed(`did not stay healthy for ${inSeconds(goal.soak)}: ${words(watch.health)}`);
  const how =
    watch.health?.is === 'unhealthy' ? words(watch.health) : `${words(watch.health)}, unit ${unit.active}/${unit.sub}`;
  return failed(`${how} for ${inSeconds(at - from)}`);
}

function unmeant(watch: Watch, goal: Goal, image: string | null, disk: string | null): string {
  if (image !== null && disk !== image) return 'the file on disk is not the one that runs: someone replaced it';
  if (watch.seen !== null && !hasMeantEnv(watch.seen, goal)) return 'the environment file is not the recorded one';
  if (watch.seen?.unit.invocation === goal.oldInvocation || (watch.seen !== null && isStale(watch.seen, goal)))
    return 'the service was not restarted: the old process still answers';
  const broke = watch.broke === null ? '' : `, it broke off after ${inSeconds(watch.broke.lasted)}`;
  return `did not stay healthy for ${inSeconds(goal.soak)} as one process${broke}`;
}

/** What is known now; null: watch on. Of a silent node nothing is, and waiting longer tells nobody. Proven needs a look and a healthy answer at the end of the soak. */
export function judge(watch: Watch, at: number, goal: Goal): Verdict | null {
  if (watch.silent !== null) return { is: 'unknown', reason: redact(watch.silent), silent: true };
  const wrong = hopeless(watch, goal);
  if (wrong !== null) return wrong;
  const { soak, seen, lookedAt } = watch;
  const soaked = soak === null || lookedAt === null ? -1 : lookedAt - soak.since;
  if (soak !== null && seen !== null && watch.blind === null && watch.streak >= goal.answers && soaked >= goal.soak) {
    const { unit } = seen;
    const version = watch.health?.is === 'healthy' ? watch.health.version : null;
    const { invocation, mainPid, restarts } = unit;
    return { is: 'proven', proof: { sha256: goal.sha256, invocation, mainPid, restarts, version, soaked } };
  }
  return overdue(watch, at, goal);
}
