import type { Mutant } from './mutant.ts';

const arithmetic = ['test/upgrade/comparison/arithmetic.test.ts'];
const judged = ['test/upgrade/comparison/judge.test.ts'];
const nights = ['test/upgrade/comparison/nights.test.ts'];
const folded = ['test/upgrade/rollout/compared.test.ts'];
const measured = ['test/jobs/measuring.test.ts'];
const asked = ['test/upgrade/host/measure.test.ts'];
const settings = ['test/config/comparison.test.ts'];

/** Upgraded nodes held against those that are not yet. */
export const rows: Mutant[] = [
  {
    name: 'an interval is wrong twice as often as was asked for',
    file: 'src/upgrade/comparison/ranks.ts',
    from: 'rankOf(before.length, after.length, alpha / 2)',
    to: 'rankOf(before.length, after.length, alpha)',
    tests: arithmetic,
  },
  {
    name: 'an exact binomial leaves one out',
    file: 'src/upgrade/comparison/shares.ts',
    from: 'for (let i = k; i < n &&',
    to: 'for (let i = k + 1; i < n &&',
    tests: arithmetic,
  },
  {
    name: 'shares are not held against what was counted over',
    file: 'src/upgrade/comparison/shares.ts',
    from: '(share / (1 - share)) * (others.per / mine.per)',
    to: 'share / (1 - share)',
    tests: arithmetic,
  },
  {
    name: 'however small a difference is, it counts',
    file: 'src/upgrade/comparison/judge.ts',
    from: 'if (low > 1 && estimate >= margin && steady && most)',
    to: 'if (low > 1 && steady && most)',
    tests: judged,
  },
  {
    name: 'a wide interval counts as worse',
    file: 'src/upgrade/comparison/judge.ts',
    from: 'if (low > 1 && estimate >= margin && steady && most)',
    to: 'if (estimate >= margin && steady && most)',
    tests: nights,
  },
  {
    name: 'one burst counts as worse',
    file: 'src/upgrade/comparison/judge.ts',
    from: 'return so >= after.length / 3 && so >= 3 * not;',
    to: 'return so >= 3 * not;',
    tests: judged,
  },
  {
    name: 'one node of three counts as all',
    file: 'src/upgrade/comparison/judge.ts',
    from: 'so * 2 > upgraded.length)',
    to: 'so > 0)',
    tests: judged,
  },
  {
    name: 'few blocks are enough',
    file: 'src/upgrade/comparison/blocks.ts',
    from: 'Math.max(fewestBlocks, Math.ceil(',
    to: 'Math.min(fewestBlocks, Math.ceil(',
    tests: judged,
  },
  {
    name: 'as many checks as there are share no error',
    file: 'src/upgrade/comparison/judge.ts',
    from: 'wrongAtMost / Math.max(1, checks.length * families)',
    to: 'wrongAtMost / Math.max(1, families)',
    tests: judged,
  },
  {
    name: 'the block of a restart counts',
    file: 'src/upgrade/comparison/judge.ts',
    from: 'Math.max(...groups.upgraded.map((each) => each.from)) + length',
    to: 'Math.max(...groups.upgraded.map((each) => each.from))',
    tests: judged,
  },
  {
    name: 'a block counts that is not over',
    file: 'src/upgrade/comparison/judge.ts',
    from: '(index + 1) * length <= end)',
    to: 'index * length <= end)',
    tests: judged,
  },
  {
    name: 'one node speaks for a side that nobody saw',
    file: 'src/upgrade/comparison/judge.ts',
    from: 'mine.length * 2 > upgraded.length && others.length * 2 > control.length',
    to: 'mine.length > 0 && others.length > 0',
    tests: judged,
  },
  {
    name: 'what all have by now counts against the upgraded',
    file: 'src/upgrade/comparison/judge.ts',
    from: 'const low = Math.min(now.low, since.low, estimate);',
    to: 'const low = Math.min(since.low, estimate);',
    tests: judged,
  },
  {
    name: 'a block of one look is one',
    file: 'src/upgrade/comparison/blocks.ts',
    from: 'if (seen.length < looksInBlock / 2) return null;',
    to: 'if (seen.length === 0) return null;',
    tests: judged,
  },
  {
    name: 'it is judged at every look',
    file: 'src/upgrade/rollout/compared.ts',
    from: 'return watchEndOf(phase, region, Math.max(since, rollout.looks[region]?.at ?? since)) <= at;',
    to: 'return at > 0;',
    tests: folded,
  },
  {
    name: 'a verdict before the end of a watch counts',
    file: 'src/upgrade/rollout/compared.ts',
    from: 'if (found === undefined || at === null || ms < phase.for) return {};',
    to: 'if (found === undefined) return {};',
    tests: folded,
  },
  {
    name: 'what is worse goes on',
    file: 'src/upgrade/rollout/compared.ts',
    from: 'if (worse.length === 0) return rollout;',
    to: 'if (worse.length >= 0) return rollout;',
    tests: folded,
  },
  {
    name: 'what is inconclusive holds',
    file: 'src/upgrade/rollout/compared.ts',
    from: "filter(({ found }) => found.is === 'worse')",
    to: "filter(({ found }) => found.is !== 'same')",
    tests: folded,
  },
  {
    name: 'a node that had the release already is a control group',
    file: 'src/upgrade/rollout/compared.ts',
    from: '!touched && touchedAt === null && !already &&',
    to: '!touched && touchedAt === null &&',
    tests: folded,
  },
  {
    name: 'a node that was changed and brought back is a control group',
    file: 'src/upgrade/rollout/compared.ts',
    from: '!touched && touchedAt === null && !already &&',
    to: '!touched && !already &&',
    tests: folded,
  },
  {
    name: 'a verdict outlives the watch that it was made in',
    file: 'src/upgrade/rollout/phases.ts',
    from: 'const { unwell: _, anewAt: __, compared: ___, ...rest }',
    to: 'const { unwell: _, anewAt: __, ...rest }',
    tests: folded,
  },
  {
    name: 'anybody may say what was measured',
    file: 'src/jobs/measurements.ts',
    from: "return notary.fault(text(region, length, block), stored, ['reports']) === null ? [block] : [];",
    to: 'return [block];',
    tests: measured,
  },
  {
    name: 'what was measured grows for ever',
    file: 'src/jobs/measurements.ts',
    from: 'await redis.ltrim(key, -keptBlocks, -1);',
    to: '',
    tests: measured,
  },
  {
    name: 'two workers measure a region',
    file: 'src/jobs/scripts.ts',
    from: 'if holder and holder ~= ARGV[1] then return 0 end\n  redis.call',
    to: 'redis.call',
    tests: measured,
  },
  {
    name: 'a worker measures by a clock that is wrong',
    file: 'src/jobs/measuring.ts',
    from: '!parts.serves() || ',
    to: '',
    tests: measured,
  },
  {
    name: 'what grew over a gap counts for one look',
    file: 'src/upgrade/host/measure.ts',
    from: 'before === undefined || now.at - before.at > furthest * compare.look',
    to: 'before === undefined',
    tests: asked,
  },
  {
    name: 'settings are accepted that can never compare anything',
    file: 'src/config/checks.ts',
    from: '...(bake !== null && bake < watched',
    to: '...(bake !== null && bake < 0',
    tests: settings,
  },
];
