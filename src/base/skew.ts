/** Milliseconds that two clocks may differ. */
const tolerated = 2_000;

/** How far a clock is off, in words; null when it is near enough. `ahead` ms, known to within `blur` ms. */
export function skewIn(ahead: number, blur: number): string | null {
  const least = Math.abs(ahead) - blur;
  if (least <= tolerated) return null;
  return `${(Math.abs(ahead) / 1_000).toFixed(1)} s ${ahead > 0 ? 'ahead' : 'behind'}`;
}
