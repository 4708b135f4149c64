import { afterAll, beforeAll, expect, it } from 'vitest';
import { crashAt, crashPoints, Lane, summary } from '../support/crash-points.ts';

let lanes: Lane[] = [];
beforeAll(async () => {
  lanes = await Lane.open(2);
});
afterAll(() => Promise.all(lanes.map((lane) => lane.close())));

it('a worker that is killed at any boundary of a node’s way, there and back, is taken over within 5 s, and nothing is done twice', async () => {
  const points = await crashPoints(lanes);
  expect(points.length).toBeGreaterThan(100);
  const { p95, wrong, words } = summary(await crashAt(points, lanes));
  console.log(words);
  expect(wrong).toEqual([]);
  expect(p95).toBeLessThan(5_000);
});
