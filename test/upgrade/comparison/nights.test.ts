import { describe, expect, it } from 'vitest';
import { type Build, comparedNight, holds } from '../../support/measured-nights.ts';

/** `npm run test:long` plays more of them. */
const nights = Number(process.env.COMPARED_NIGHTS ?? 1_000);
const correlations = [0, 0.2, 0.4, 0.6, 0.8];
const healthy: Build = { slower: 1, errors: 0, was: 0 };
const good: Build[] = [
  healthy,
  { slower: 1, errors: 0.0002, was: 0.0002 },
  { slower: 1, errors: 0.002, was: 0.002 },
  { slower: 1, errors: 0.05, was: 0.05 },
];

const play = (many: number, build: (night: number) => Build) =>
  Array.from({ length: many }, (_, night) =>
    comparedNight(night + 1, build(night), correlations[night % correlations.length] ?? 0),
  );

describe(`${nights} nights in which every look depends on the one before it`, () => {
  it('hold a good build in at most two of a hundred', () => {
    const held = play(nights, (night) => good[Math.floor(night / 5) % good.length] ?? healthy).filter(holds);
    expect(held.length / nights).toBeLessThanOrEqual(0.02);
  });

  it('hold one that is slower by half', () => {
    const many = nights / 5;
    const found = play(many, () => ({ slower: 1.5, errors: 0.0002, was: 0.0002 }));
    const slow = found.filter((all) => all.some(({ check, is }) => check === 'latency' && is === 'worse'));
    expect(slow.length / many).toBeGreaterThanOrEqual(0.98);
  });

  it('hold one of which one answer in twenty is an error, and there was none before', () => {
    const many = nights / 5;
    const found = play(many, () => ({ slower: 1, errors: 0.05, was: 0 }));
    expect(found.filter(holds).length / many).toBeGreaterThanOrEqual(0.99);
  });
});
