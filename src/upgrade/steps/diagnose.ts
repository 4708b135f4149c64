import { diagnoseNode } from '../host/collect.ts';
import { succeeded } from '../host/reports.ts';
import type { Step } from './types.ts';

/** Keeps what a rollback would destroy: the likely cause and the lines that show it. */
export const diagnose: Step = async ({ rollout, node, shell, probe, clock, signal }) => {
  const { service, policy, release } = rollout;
  const beside = { wanted: release.version, now: () => clock.now() };
  const diagnosis = await diagnoseNode(node.name, service, shell, probe, policy.commandTimeout, signal, beside);
  signal.throwIfAborted();
  return succeeded({ diagnosis });
};
