import { expect } from 'vitest';

export interface Sequences {
  /** Of the first one: `FIRST=…`. */
  first: number;
  count: number;
  /** Plays one of them again, in words for a shell. */
  again: (seed: number) => string;
}

/**
 * Plays one after another, each to its first difference (what `play` throws); fails with how many differ, how the first does,
 * and how that is played again.
 */
export async function allAgree(
  { first, count, again }: Sequences,
  play: (seed: number) => Promise<void>,
): Promise<void> {
  const differ: { seed: number; how: string }[] = [];
  for (let seed = first; seed < first + count; seed += 1) {
    try {
      await play(seed);
    } catch (error) {
      differ.push({ seed, how: error instanceof Error ? error.message : String(error) });
    }
  }
  const [one] = differ;
  if (one === undefined) return;
  expect.fail(
    `${differ.length} of ${count} sequences differ; number ${one.seed}:\n${one.how}\nagain: ${again(one.seed)}`,
  );
}
