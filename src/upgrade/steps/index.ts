import { isBalancer } from '../rollout/index.ts';
import type { Rollout } from '../rollout/types.ts';
import { backup } from './backup.ts';
import { beside, lbBack, lbHome, lbSwitch, lookAtBalancer, retire, traffic, trafficBack } from './balance.ts';
import { cleanup } from './cleanup.ts';
import { configure, keepPair, stageConfiguration } from './configure.ts';
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
  if (change === undefined) return stage;
  return change.is === 'restart' ? lookBeforeRestart : stageConfiguration;
};

/** Every step of a node's way. */
export const steps: Steps = {
  stage: (context) => (isBalancer(context.node) ? lookAtBalancer : stagingOf(context.rollout))(context),
  backup: (context) => (context.rollout.change?.is === 'config' ? keepPair : backup)(context),
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
  configure,
  beside,
  'lb-switch': lbSwitch,
  traffic,
  'lb-back': lbBack,
  'traffic-back': trafficBack,
  'lb-home': lbHome,
  retire,
};

export { type Balancing, stillSwitched } from './balance.ts';
export { tidyNode } from './tidy.ts';
export type { Step, StepContext, StepResult, Steps } from './types.ts';
export { seeWayBack } from './way-back.ts';
