import { backup } from './backup.ts';
import { cleanup } from './cleanup.ts';
import { diagnose } from './diagnose.ts';
import { gather } from './gather.ts';
import { recover } from './recover.ts';
import { restore } from './restore.ts';
import { stage } from './stage.ts';
import { switchStep } from './switch.ts';
import { drain, undrain } from './traffic.ts';
import type { Steps } from './types.ts';
import { verify, verifyRestored } from './verify.ts';

/** Every step of a node's way. */
export const steps: Steps = {
  stage: (context) => (context.rollout.recovery === undefined ? stage(context) : gather(context)),
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
};

export { tidyNode } from './tidy.ts';
export type { Step, StepContext, StepResult, Steps } from './types.ts';
export { seeWayBack } from './way-back.ts';
