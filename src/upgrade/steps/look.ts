import type { Command } from '../ssh/types.ts';
import { type Answer, read } from './answer.ts';
import { glance, lookUnderLock, observe } from './commands.ts';
import { type Observation, readObservation } from './observation.ts';
import type { StepContext } from './types.ts';

export type Look = { is: 'seen'; seen: Observation } | Exclude<Answer, { is: 'told' }>;

/** Runs one command on the step's node and reads the answer. */
export async function tell(context: StepContext, command: Command): Promise<Answer> {
  const outcome = await context.shell.run(context.node.name, command, context.signal);
  context.signal.throwIfAborted();
  return read(outcome);
}

/** What runs on the step's node and what lies on its disk. */
export function look(context: StepContext): Promise<Look> {
  const { service, policy } = context.rollout;
  return see(context, glance(service, policy.commandTimeout));
}

/** That under the node's lock; from now on an older try changes nothing there. */
export function lookBeforeChange(context: StepContext): Promise<Look> {
  return see(context, lookUnderLock(context));
}

/** That, and all that staging needs, with the version of the installed binary. */
export function lookClosely(context: StepContext): Promise<Look> {
  const { rollout } = context;
  return see(context, observe(rollout.service, rollout.policy.commandTimeout, rollout, true));
}

async function see(context: StepContext, command: Command): Promise<Look> {
  const answer = await tell(context, command);
  return answer.is === 'told' ? { is: 'seen', seen: readObservation(answer.said) } : answer;
}
