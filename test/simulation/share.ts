import { expect, it } from 'vitest';
import { Night, type Outcome } from './night.ts';

/** Nights that one file plays; two files share those of a run of CI, so that two cores do. */
const nights = Number(process.env.NIGHTS ?? 150);
const first = Number(process.env.FIRST ?? 1);

export const play = (seed: number): Promise<Outcome> => new Night(seed).play();
const again = ({ seed, broken }: Outcome): string => `${broken}\nIt is played again by: npm run sim -- --seed ${seed}`;

/** The nights of one file: the first `NIGHTS` from `FIRST`, or those after them. */
export function playShare(share: 0 | 1): void {
  const from = first + share * nights;
  it(`in nights ${from} to ${from + nights - 1}, whatever fails, nothing is harmed and the channel says what is so`, {
    timeout: 60_000 + nights * 3_000,
  }, async () => {
    const ends = new Map<string, number>();
    for (let seed = from; seed < from + nights; seed += 1) {
      const outcome = await play(seed);
      if (outcome.broken !== null) expect.fail(again(outcome));
      const end = outcome.end.split(/[ :]/)[0] ?? '';
      ends.set(end, (ends.get(end) ?? 0) + 1);
    }
    // Nights in which nothing ever ended well would hold, and prove nothing.
    if (nights >= 50)
      for (const end of ['done', 'rolled-back', 'stopped']) expect(ends.get(end), end).toBeGreaterThan(0);
  });
}
