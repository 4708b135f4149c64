import type { Command } from '../node/types.ts';
import { type Answer, read } from './answer.ts';
import { observe } from './commands.ts';
import { type Observation, readObservation } from './observation.ts';
import type { StepContext } from './types.ts';

export type Look = { is: 'seen'; seen: Observation } | Exclude<Answer, { is: 'told' }>;

/** Runs one command on the step's node and reads the answer. */
export async function tell(context: StepContext, command: Command): Promise<Answer> {
  const outcome = await context.shell.run(context.node.name, command, context.signal);
  context.signal.throwIfAborted();
  return read(outcome);
}

/** Observes the step's node; `ask` also asks the installed binary for its version. */
export async function look(context: StepContext, ask = false): Promise<Look> {
  const { rollout } = context;
  const answer = await tell(context, observe(rollout.service, rollout.policy.commandTimeout, rollout, ask));
  return answer.is === 'told' ? { is: 'seen', seen: readObservation(answer.said) } : answer;
}
