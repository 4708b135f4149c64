/** Stands for a file that is not there, where a hash is asked for; no file has it. */
export const missing = '0'.repeat(64);

/** One thing on a node that this run neither found nor put there. */
export interface Stranger {
  part: 'image' | 'disk' | 'env';
  sha256: string;
}

const words = new Map<string, Stranger['part']>([
  ['drift', 'image'],
  ['drift-disk', 'disk'],
  ['drift-env', 'env'],
  ['foreign-image', 'image'],
  ['foreign-disk', 'disk'],
  ['foreign-env', 'env'],
]);

/** What a script found in its way after the look had found nothing; null when it refused for another reason. */
export function strangerIn(word: string, detail: string): Stranger | null {
  const part = words.get(word);
  if (part === undefined) return null;
  return { part, sha256: /^[0-9a-f]{64}$/.test(detail) ? detail : missing };
}
