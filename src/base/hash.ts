/** Enough of a hash for a person to compare. */
export function short(hash: string): string {
  return hash.slice(0, 12);
}
