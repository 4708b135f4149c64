/** For what is typed in passing: few words are known there, and most are short. */
const strict = (letters: number): number => (letters <= 4 ? 1 : 2);

/** For what is written into a file: long words, in which a third may be wrong. */
export const lenient = (letters: number): number => (letters < 4 ? 1 : Math.max(2, Math.floor(letters / 3)));

/**
 * The candidate that was probably meant, by edit distance with swaps; null when none is near.
 * @param reach how many mistakes a word of so many letters may have
 */
export function nearest(word: string, candidates: readonly string[], reach = strict): string | null {
  const typed = word.toLowerCase().slice(0, 40);
  const limit = reach(typed.length);
  let best: { candidate: string; distance: number } | null = null;
  for (const candidate of candidates) {
    const distance = editDistance(typed, candidate.toLowerCase());
    if (distance <= limit && (best === null || distance < best.distance)) best = { candidate, distance };
  }
  return best?.candidate ?? null;
}

/** Optimal string alignment: insert, delete, replace, swap neighbours. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, (before[j - 2] ?? 0) + 1);
      }
      row.push(least);
    }
    before = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
