/** Milliseconds that two clocks may differ. */
const tolerated = 2_000;

/** How far a clock is off, in words; null when it is near enough. `ahead` ms, known to within `blur` ms. */
export function skewIn(ahead: number, blur: number): string | null {
  const least = Math.abs(ahead) - blur;
  if (least <= tolerated) return null;
  return `${roughly(Math.abs(ahead))} ${ahead > 0 ? 'ahead' : 'behind'}`;
}

/** As exact as it helps: what several nodes have in common is one line only where it reads the same. */
function roughly(ms: number): string {
  if (ms < 120_000) return `${(ms / 1_000).toFixed(1)} s`;
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`;
}
