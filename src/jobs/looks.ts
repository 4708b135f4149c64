import type { Clock } from '../base/clock.ts';
import { timeLimit } from '../base/time-limit.ts';
import { checksSeen } from '../upgrade/checks/index.ts';
import type { AskChecks, ChecksSeen } from '../upgrade/checks/types.ts';
import type { Health, Probe } from '../upgrade/http/types.ts';
import type { ProofLook, StillProven } from '../upgrade/proof/types.ts';
import type { BackSeen, NodeRun, Proof, Seen, Standing } from '../upgrade/rollout/types.ts';
import { orAborted } from './lease.ts';
import { reasonOf } from './log.ts';

/** A bad answer is asked for this often before it proves anything, with this pause (ms). */
const looks = { times: 3, pause: 150 };

/** One node that hangs must not make old answers of all others: ms, less than a look counts as fresh. */
const lookLimit = 12_000;

/** What a node says of itself, and what that proves. */
export interface Answered {
  standing: Standing;
  /** In words. */
  detail: string;
}

/** Asks all `nodes` now, at once. A probe that breaks proves nothing. */
export async function askAll(
  probe: Probe,
  nodes: readonly string[],
  clock: Pick<Clock, 'sleep'>,
): Promise<Record<string, Answered>> {
  const answers = await Promise.all(nodes.map(async (node) => [node, await ask(probe, node, clock)] as const));
  return Object.fromEntries(answers);
}

/** Healthy at the first answer; down when every answer in a row is a refusal or a wrong one; else nobody can tell. */
async function ask(probe: Probe, node: string, clock: Pick<Clock, 'sleep'>): Promise<Answered> {
  for (let time = 1; ; time += 1) {
    const health = await probe.health(node).catch((error: unknown) => silence(reasonOf(error)));
    if (health.is === 'healthy') {
      return time === 1
        ? { standing: 'healthy', detail: 'healthy' }
        : { standing: 'unclear', detail: 'not healthy all the time' };
    }
    if (!provesDown(health)) return { standing: 'unclear', detail: health.detail };
    if (time === looks.times) return { standing: 'down', detail: health.detail };
    await clock.sleep(looks.pause);
  }
}

const silence = (detail: string): Health => ({ is: 'unreachable', detail });

const provesDown = (health: Health): boolean =>
  health.is === 'unhealthy' || (health.is === 'unreachable' && health.refused === true);

export const standings = (answers: Record<string, Answered>): Record<string, Standing> =>
  Object.fromEntries(Object.entries(answers).map(([name, { standing }]) => [name, standing]));

/** What looks, and what the settings ask of finished nodes; absent: nothing, or not this time. */
export interface LookParts {
  probe: Probe;
  stillProven: StillProven;
  checks?: AskChecks;
  clock: Pick<Clock, 'sleep'>;
}

const unanswered = { check: 'checks', is: 'unknown', counts: 'unknown', says: 'no answer in time' } as const;

/**
 * One look at a region: HTTP of all its nodes and, when asked for, SSH of those that are finished.
 * @param wayBack looks at that of a node; null: not this time
 */
export async function lookAt(
  names: readonly string[],
  finished: readonly NodeRun[],
  { probe, stillProven, checks, clock }: LookParts,
  signal: AbortSignal,
  wayBack: (node: string, signal: AbortSignal) => Promise<BackSeen> | null = () => null,
): Promise<Record<string, Seen>> {
  const inTime = async <T>(ask: (signal: AbortSignal) => Promise<T>, late: T): Promise<T> => {
    const limit = timeLimit(clock, lookLimit);
    try {
      return await orAborted(ask(AbortSignal.any([signal, limit.signal])), limit.signal);
    } catch (error) {
      if (!limit.signal.aborted) throw error;
      return late;
    } finally {
      limit.lift();
    }
  };
  const proofLook = (name: string, proof: Proof): Promise<ProofLook> =>
    inTime((until) => stillProven(name, proof, until), {
      is: 'unseen',
      reason: `cannot be looked at: no answer within ${lookLimit / 1000} s`,
    });
  const backLook = async (name: string): Promise<Pick<Seen, 'back'>> => {
    const back = await inTime(async (until) => wayBack(name, until), 'unseen');
    return back === null ? {} : { back };
  };
  const checksLook = async (name: string): Promise<Pick<Seen, 'checks'>> => {
    if (checks === undefined) return {};
    const late: ChecksSeen = { good: 0, others: [unanswered] };
    const found = await inTime(async (until) => checksSeen(await checks(name, 'watch', until)), late);
    return found.good + found.others.length === 0 ? {} : { checks: found };
  };
  const proofOf = async (name: string): Promise<Omit<Seen, 'standing'> | null> => {
    const proof = finished.find((node) => node.name === name)?.proof;
    if (!proof) return null;
    const [look, back, told] = await Promise.all([proofLook(name, proof), backLook(name), checksLook(name)]);
    return { proof: look.is, detail: look.is === 'holds' ? 'as it was proven' : look.reason, ...back, ...told };
  };
  const [answers, proofs] = await Promise.all([
    askAll(probe, names, clock),
    Promise.all(names.map(async (name) => [name, await proofOf(name)] as const)),
  ]);
  return Object.fromEntries(
    proofs.map(([name, proof]) => {
      const { standing = 'unclear', detail = 'no answer' } = answers[name] ?? {};
      const shown = standing !== 'healthy' || proof === null || proof.proof === 'holds' ? detail : proof.detail;
      const { proof: is = 'not asked', detail: _, ...more } = proof ?? {};
      return [name, { standing, detail: shown, proof: is, ...more }];
    }),
  );
}
