import { describe, expect, it } from 'vitest';
import {
  type Block,
  blockLength,
  type Compare,
  compared,
  comparisonWords,
  type Groups,
  leastBlocks,
  type Measured,
  measuredIn,
} from '../../../src/upgrade/comparison/index.ts';
import { random } from '../../support/random.ts';

const compare: Compare = { look: 30_000, before: 48 * 60_000, least: 24 * 60_000, margin: 1.2 };
const length = blockLength(compare);

/** Three nodes changed in the blocks 13 to 15, six not. */
const groups: Groups = {
  upgraded: ['a', 'b', 'c'].map((node) => ({ node, until: 14 * length, from: 15 * length })),
  control: ['d', 'e', 'f', 'g', 'h', 'i'],
  near: false,
};
const names = [...groups.upgraded.map(({ node }) => node), ...groups.control];
const isMine = (node: string) => groups.upgraded.some((each) => each.node === node);

/** @param of what a node measured in a block; null: nothing */
function story(of: (node: string, index: number) => Measured | null, last = 30): Block[] {
  return Array.from({ length: last + 1 }, (_, index) => ({
    index,
    nodes: Object.fromEntries(
      names.map((node) => {
        const measured = of(node, index);
        return [node, measured === null ? {} : { it: measured }];
      }),
    ),
  }));
}

/** No two are the same, and none goes on as the one before. */
const wobble = (node: string, index: number) => 1 + 0.02 * Math.sin(names.indexOf(node) * 7 + index * 13);
const level = (value: number): Measured => ({ level: value, grown: value * 100.5, per: 100.5 });
const counted = (grown: number, per = 1_000): Measured => ({ level: grown / per, grown, per });

const judge = (blocks: Block[], of: Groups = groups, checks = ['it'], now = 31 * length, by = compare) =>
  compared(checks, blocks, of, by, now)[0];

const factorAfter = (factor: number) => (node: string, index: number) =>
  level(wobble(node, index) * (isMine(node) && index >= 15 ? factor : 1));

describe('levels', () => {
  it.each([
    [1.5, 'worse', 3],
    [1.25, 'worse', 3],
    [1.1, 'same', 0],
    [1, 'same', 0],
    [0.9, 'same', 0],
    [0.6, 'better', 3],
  ])('of %f times as much are %s', (factor, is, so) => {
    const found = judge(story(factorAfter(factor)));
    expect(found).toMatchObject({ is, before: 12, after: 15, nodes: { of: 3, so }, control: { of: 6, near: false } });
    expect(found?.factor).toBeCloseTo(factor, 1);
  });

  it('are not taken for worse where all nodes have more by then', () => {
    expect(judge(story((node, index) => level(wobble(node, index) * (index >= 15 ? 3 : 1))))?.is).toBe('same');
  });

  it('are not taken for worse where these nodes always had more', () => {
    expect(judge(story((node, index) => level(wobble(node, index) * (isMine(node) ? 4 : 1))))?.is).toBe('same');
  });

  it('are not taken for worse where one of the nodes alone has more', () => {
    expect(judge(story((node, index) => level(wobble(node, index) * (node === 'a' && index >= 15 ? 5 : 1))))?.is).toBe(
      'same',
    );
  });

  it('count neither the block before a change nor the one after the restart', () => {
    const odd = (node: string, index: number) =>
      level(wobble(node, index) * (isMine(node) && index >= 13 && index <= 15 ? 9 : 1));
    expect(judge(story(odd))).toMatchObject({ is: 'same', before: 12, after: 15 });
  });

  it('count no block that is not over', () => {
    expect(judge(story(factorAfter(1)), groups, ['it'], 31 * length - 1)).toMatchObject({ after: 14 });
  });

  it('are inconclusive where the interval is wide', () => {
    const wild = (node: string, index: number) => level(Math.exp(Math.sin(names.indexOf(node) * 5 + index * 17)));
    expect(judge(story(wild))?.is).toBe('inconclusive');
  });

  it('are no worse by a large factor alone', () => {
    const found = Array.from({ length: 60 }, (_, seed) => {
      const draw = random(seed + 1);
      return judge(story(() => level(Math.exp(3 * draw()))));
    });
    const large = found.filter((each) => (each?.factor ?? 0) >= 1.5 && (each?.low ?? 0) <= 1);
    expect(large.length).toBeGreaterThan(0);
    expect(large.map((each) => each?.is)).toEqual(large.map(() => 'inconclusive'));
  });
});

describe('too little', () => {
  it('is inconclusive, and says how much there is', () => {
    const found = judge(story(factorAfter(2)), groups, ['it'], 21 * length);
    expect(found).toMatchObject({ is: 'inconclusive', factor: null, before: 12, after: 5 });
    expect(comparisonWords(found ?? never())).toBe('it: inconclusive, 12 + 5 blocks, and 6 + 6 are wanted');
  });

  it('is what a gap leaves: blocks that half of a side did not measure are none', () => {
    const gaps = (node: string, index: number) =>
      index >= 15 && ['a', 'b'].includes(node) ? null : factorAfter(2)(node, index);
    expect(judge(story(gaps))).toMatchObject({ is: 'inconclusive', after: 0 });
    const others = (node: string, index: number) =>
      index < 9 && 'defg'.includes(node) ? null : factorAfter(2)(node, index);
    expect(judge(story(others))).toMatchObject({ is: 'inconclusive', before: 4 });
  });

  it('is too few blocks for so many checks', () => {
    const many = Array.from({ length: 30 }, () => 'it');
    const found = judge(story(factorAfter(2), 21).slice(7), groups, many, 22 * length);
    expect(found).toMatchObject({
      is: 'inconclusive',
      before: 6,
      after: 6,
      why: expect.stringContaining('so many checks'),
    });
  });

  it('is a check that nobody measured', () => {
    expect(judge(story(factorAfter(2)), groups, ['other'])).toMatchObject({ is: 'inconclusive', before: 0, after: 0 });
    expect(judge(story(factorAfter(2)), groups, ['toString'])).toMatchObject({ is: 'inconclusive', before: 0 });
  });

  it('is no control group', () => {
    const found = judge(story(factorAfter(2)), { ...groups, control: [] });
    expect(found).toMatchObject({ is: 'no control group', factor: null });
  });

  it('is never less than six blocks', () => {
    expect(leastBlocks({ look: 30_000, least: 1 })).toBe(6);
    expect(leastBlocks({ look: 30_000, least: 48 * 60_000 })).toBe(12);
  });
});

describe('what is rare', () => {
  const rare =
    (mine: number, others: number, before = 0) =>
    (node: string, index: number) =>
      counted(index < 15 ? before : isMine(node) ? mine : index % 3 === 0 ? others : 0);

  it('is worse where the others have none at all', () => {
    const found = judge(story(rare(5, 0)));
    expect(found).toMatchObject({ is: 'worse', high: null, nodes: { of: 3, so: 3 } });
    expect(comparisonWords(found ?? never())).toMatch(
      /^it: worse on 3 of 3, \d+ times \([\d.]+ or more\) that of 6 not yet upgraded elsewhere, 12 \+ 15 blocks$/,
    );
  });

  it('is the same where nobody has any', () => {
    const found = judge(story(() => counted(0)));
    expect(found).toMatchObject({ is: 'same', factor: null });
    expect(comparisonWords(found ?? never())).toBe('it: same, none was counted anywhere');
  });

  it('is better where it is gone, and all others still have it', () => {
    const gone = (node: string, index: number) => counted(isMine(node) && index >= 15 ? 0 : 5);
    expect(judge(story(gone))?.is).toBe('better');
  });

  it('is not worse for one burst', () => {
    const burst = (node: string, index: number) => counted(isMine(node) && index >= 20 && index <= 22 ? 500 : 0);
    expect(judge(story(burst))?.is).toBe('inconclusive');
  });

  it('is not worse where one node alone has it', () => {
    expect(judge(story((node, index) => counted(node === 'a' && index >= 15 ? 50 : 0)))?.is).toBe('inconclusive');
  });

  it('is not worse where the others have it, too, and hardly less of it', () => {
    const some = (node: string, index: number) =>
      counted(index < 15 ? 0 : isMine(node) ? Number(index % 5 !== 0) : Number('def'.includes(node)));
    const found = judge(story(some), groups, ['it'], 23 * length);
    expect(found).toMatchObject({ is: 'inconclusive', after: 7, nodes: { of: 3 } });
    expect(found?.factor).toBeGreaterThan(1.5);
    expect(found?.low).toBeLessThan(1);
  });

  it('is not worse where all have it by then, or these always had it', () => {
    expect(judge(story((_, index) => counted(index >= 15 ? 20 : 0)))?.is).not.toBe('worse');
    expect(judge(story((node) => counted(isMine(node) ? 20 : 0)))?.is).not.toBe('worse');
    const twice = (node: string, index: number) =>
      counted((isMine(node) ? 40 : index % 9 === 8 ? 0 : 20) * (index >= 15 ? 2 : 1));
    expect(judge(story(twice))?.is).not.toBe('worse');
  });
});

describe('a block', () => {
  const look = (grown: number, per = 100) => ({ grown, per });

  it('is the median of its looks', () => {
    expect(measuredIn([1, 2, 3, 4, 5, 6, 7, 800].map((each) => look(each)))).toEqual({
      level: 0.045,
      grown: 828,
      per: 800,
    });
  });

  it('is none when fewer than half of them saw anything', () => {
    expect(measuredIn([look(1), look(2), look(3), look(9, 0), look(9, 0)])).toBeNull();
    expect(measuredIn([look(1), look(2), look(3), look(4)])).toEqual({ level: 0.025, grown: 10, per: 400 });
  });
});

function never(): never {
  throw new Error('nothing was found');
}
