import type { NodeRun } from '../rollout/types.ts';
import type { Command, Shell } from '../ssh/types.ts';
import { type Answer, read } from './answer.ts';
import { glance, lookUnderLock, observe, type Turn } from './commands.ts';
import { type Observation, readObservation } from './observation.ts';

/** Somebody's turn on one node, with the way to it: a step's context is one. */
export interface Visit extends Turn {
  node: Pick<NodeRun, 'name'>;
  shell: Shell;
  signal: AbortSignal;
}

export type Look = { is: 'seen'; seen: Observation } | Exclude<Answer, { is: 'ok' }>;

/** Runs one command on the step's node and reads the answer. */
export async function runScript(visit: Visit, command: Command): Promise<Answer> {
  const outcome = await visit.shell.run(visit.node.name, command, visit.signal);
  visit.signal.throwIfAborted();
  return read(outcome);
}

/** What runs on the step's node and what lies on its disk. */
export function look(visit: Visit): Promise<Look> {
  const { service, policy } = visit.rollout;
  return see(visit, glance(service, policy.commandTimeout));
}

/** That under the node's lock; from now on an older try changes nothing there. */
export function lookBeforeChange(visit: Visit): Promise<Look> {
  return see(visit, lookUnderLock(visit));
}

/** That, and all that staging needs, with the version of the installed binary. */
export function lookClosely(visit: Visit): Promise<Look> {
  const { rollout } = visit;
  return see(visit, observe(rollout.service, rollout.policy.commandTimeout, rollout, true));
}

/** The same without asking the installed binary anything: it may be broken. */
export function lookWithoutAsking(visit: Visit): Promise<Look> {
  const { rollout } = visit;
  return see(visit, observe(rollout.service, rollout.policy.commandTimeout, rollout));
}

async function see(visit: Visit, command: Command): Promise<Look> {
  const answer = await runScript(visit, command);
  return answer.is === 'ok' ? { is: 'seen', seen: readObservation(answer.output) } : answer;
}
