/**
 * How a text is cut that was not redacted yet. What is whole tells by its form that it is a secret; what was cut may not, so
 * nothing that was cut is kept. Where a text can be redacted whole, it is, and is cut afterwards.
 */

/** The beginning of a text, without the word at its end that was cut. Of a line that holds terminal codes nothing is kept. */
export function firstOf(text: string, length: number): string {
  if (text.length <= length) return text;
  const kept = text.slice(0, length);
  const line = kept.lastIndexOf('\n') + 1;
  // A blank within a terminal code separates no words: for whoever reads it, it is not there.
  const hidden = /[\x1b\x9b]/.test(kept.slice(line));
  const word = hidden ? line : Math.max(line, kept.lastIndexOf(' ') + 1, kept.lastIndexOf('\t') + 1);
  return `${kept.slice(0, word)}***`;
}

/** No secret of several lines is longer; a private key of 16,384 bits has 13 kB. */
export const longestSecret = 16 * 1024;

/** Where whole lines begin behind a cut at 0 that are no part of a secret before it; their length when none do. */
export function beginBehind(text: string | Buffer): number {
  const end = text.indexOf('\n', longestSecret);
  return end === -1 ? text.length : end + 1;
}

/** The last lines of a text: whole ones, and none of them within a secret that began before the cut. */
export function lastOf(text: string, length: number): string {
  if (text.length <= length) return text;
  const kept = text.slice(-length);
  return kept.slice(beginBehind(kept));
}
