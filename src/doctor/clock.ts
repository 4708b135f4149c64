import { type Finding, right, wrong } from './finding.ts';

/** Milliseconds that two clocks may differ. */
const tolerated = 2_000;

/** How far a clock is off, in words; null when it is near enough. `ahead` ms, known to within `blur` ms. */
export function skewIn(ahead: number, blur: number): string | null {
  const least = Math.abs(ahead) - blur;
  if (least <= tolerated) return null;
  return `${(Math.abs(ahead) / 1_000).toFixed(1)} s ${ahead > 0 ? 'ahead' : 'behind'}`;
}

/** This machine's clock decides what is inside a window, so it has to be right. */
export function clockFinding(subject: string, whose: string, ahead: number, blur: number): Finding {
  const skew = skewIn(ahead, blur);
  if (skew === null) return right(subject, `agrees with ${whose}`);
  return wrong(
    subject,
    `compared with ${whose}, this machine is ${skew}: windows are counted by it, so switch time synchronisation on`,
  );
}
