/** An instant (epoch ms) as ISO 8601 in UTC; null stays null. */
export function iso(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
