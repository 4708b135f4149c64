import { diagnoseNode } from '../host/collect.ts';
import { succeeded } from '../host/reports.ts';
import type { Step } from './types.ts';

/** Keeps what a rollback would destroy: the likely cause and the lines that show it. */
export const diagnose: Step = async ({ rollout, node, shell, probe, signal }) => {
  const diagnosis = await diagnoseNode(node.name, rollout.service, shell, probe, rollout.policy.commandTimeout, signal);
  signal.throwIfAborted();
  return succeeded({ diagnosis });
};
