import { expect, it } from 'vitest';
import { play, playShare } from './share.ts';

playShare(0);

it('is the same night for the same seed', { timeout: 120_000 }, async () => {
  for (const seed of [3, 20, 41]) expect((await play(seed)).trace).toBe((await play(seed)).trace);
});
