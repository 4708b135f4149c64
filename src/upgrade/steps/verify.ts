import { failed } from '../host/reports.ts';
import { prove, slowStop } from '../proof/prove.ts';
import { fileOf, isCanary } from '../rollout/index.ts';
import { checked } from './checked.ts';
import { withConfiguration } from './configure.ts';
import { keptEnvironment } from './foreign.ts';
import type { Step } from './types.ts';

/**
 * Proves that the node runs the release: its image hashes to the artifact, the process is a new one and stays the same
 * over the soak, and health answers healthy all the time; then, that what the settings ask of every node is good.
 */
export const verify: Step = async (context) => {
  const { rollout, node } = context;
  const { release, policy } = rollout;
  const canary = isCanary(rollout, node);
  const isNew = rollout.change !== undefined || (node.before !== null && node.before.sha256 !== release.binarySha256);
  const restarted = !node.already && isNew;
  const proven = await prove(context, {
    sha256: release.binarySha256,
    version: release.version,
    // An upgrade leaves the environment file alone; a recovery puts it there, and a change of configuration another one.
    envSha256: fileOf(rollout, node)?.after ?? node.gets?.envSha256 ?? null,
    keptEnvSha256: keptEnvironment(node),
    oldInvocation: restarted ? (node.before?.invocation ?? null) : null,
    answers: policy.healthyAnswers,
    soak: canary ? policy.canarySoak : policy.soak,
    deadline: policy.healthDeadline,
    slowStop,
  });
  return checked(context, await withConfiguration(context, proven));
};

/** The same proof for what the node was before: it need not be a new process, but the recorded image, and stable. */
export const verifyRestored: Step = async (context) => {
  const { rollout, node } = context;
  if (node.before === null) return failed('nothing was recorded of this node before the upgrade');
  return prove(context, {
    sha256: node.before.sha256,
    version: node.before.version,
    envSha256: node.before.envSha256,
    keptEnvSha256: keptEnvironment(node),
    oldInvocation: null,
    answers: rollout.policy.healthyAnswers,
    soak: rollout.policy.soak,
    deadline: rollout.policy.healthDeadline,
    slowStop,
  });
};
