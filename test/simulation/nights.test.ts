import { expect, it } from 'vitest';
import { Night, type Outcome } from './night.ts';

/** More of them: `NIGHTS=100000`; others than those of every run: `FIRST=…`. */
const nights = Number(process.env.NIGHTS ?? 300);
const first = Number(process.env.FIRST ?? 1);

const play = (seed: number): Promise<Outcome> => new Night(seed).play();
const again = ({ seed, broken }: Outcome): string => `${broken}\nIt is played again by: npm run sim -- --seed ${seed}`;

const limit = 60_000 + nights * 3_000;

it(`in ${nights} nights, whatever fails, nothing is harmed and the channel says what is so`, {
  timeout: limit,
}, async () => {
  const ends = new Map<string, number>();
  for (let seed = first; seed < first + nights; seed += 1) {
    const outcome = await play(seed);
    if (outcome.broken !== null) expect.fail(again(outcome));
    const end = outcome.end.split(/[ :]/)[0] ?? '';
    ends.set(end, (ends.get(end) ?? 0) + 1);
  }
  // Nights in which nothing ever ended well would hold, and prove nothing.
  if (nights >= 50) for (const end of ['done', 'rolled-back', 'stopped']) expect(ends.get(end), end).toBeGreaterThan(0);
});

it('is the same night for the same seed', { timeout: 120_000 }, async () => {
  for (const seed of [3, 20, 41]) expect((await play(seed)).trace).toBe((await play(seed)).trace);
});
