import type { Rollout } from '../rollout/types.ts';
import { backup } from './backup.ts';
import { cleanup } from './cleanup.ts';
import { diagnose } from './diagnose.ts';
import { gather } from './gather.ts';
import { recover } from './recover.ts';
import { lookBeforeRestart, restart } from './restart.ts';
import { restore } from './restore.ts';
import { stage } from './stage.ts';
import { switchStep } from './switch.ts';
import { drain, undrain } from './traffic.ts';
import type { Step, Steps } from './types.ts';
import { verify, verifyRestored } from './verify.ts';

const stagingOf = ({ recovery, change }: Rollout): Step => {
  if (recovery !== undefined) return gather;
  return change === undefined ? stage : lookBeforeRestart;
};

/** Every step of a node's way. */
export const steps: Steps = {
  stage: (context) => stagingOf(context.rollout)(context),
  backup,
  drain,
  switch: switchStep,
  verify,
  undrain,
  cleanup,
  diagnose,
  restore,
  'verify-restored': verifyRestored,
  recover,
  restart,
};

export { tidyNode } from './tidy.ts';
export type { Step, StepContext, StepResult, Steps } from './types.ts';
export { seeWayBack } from './way-back.ts';
