import { afterAll, beforeAll, expect, it } from 'vitest';
import { aTenthOf, crashAt, crashPoints, crowd, Lane, summary } from '../support/crash-points.ts';

let lanes: Lane[] = [];
beforeAll(async () => {
  lanes = await Lane.open(3);
});
afterAll(() => Promise.all(lanes.map((lane) => lane.close())));

/** All of them: test/long/crash-points.test.ts. */
it('a worker that is killed at a tenth of all boundaries is taken over within 5 s where the machine is quiet, and nothing is done twice', async () => {
  const points = await crashPoints(lanes);
  expect(points.length).toBeGreaterThan(100);
  const { p95, wrong, words } = summary(await crashAt(aTenthOf(points, 1), lanes));
  console.log(words);
  expect(wrong).toEqual([]);
  // Beside others that want the machine, a process gets its share of it.
  expect(p95).toBeLessThan(5_000 * crowd());
});
