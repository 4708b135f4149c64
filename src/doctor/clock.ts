import { skewIn } from '../base/skew.ts';
import { type Finding, right, wrong } from './finding.ts';

/** This machine's clock decides what is inside a window, so it has to be right. */
export function clockFinding(subject: string, whose: string, ahead: number, blur: number): Finding {
  const skew = skewIn(ahead, blur);
  if (skew === null) return right(subject, `agrees with ${whose}`);
  return wrong(
    subject,
    `compared with ${whose}, this machine is ${skew}: windows are counted by it, so switch time synchronisation on`,
  );
}
