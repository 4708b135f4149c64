import {
  type Block,
  type Compare,
  type Comparison,
  compared,
  type Groups,
  type Growth,
  looksInBlock,
  measuredIn,
} from '../../src/upgrade/comparison/index.ts';
import { random } from './random.ts';

/** What a build does to the two things that are compared: times as slow, and answers that are errors, before and after. */
export interface Build {
  slower: number;
  errors: number;
  was: number;
}

export const usual: Compare = { look: 30_000, before: 48 * 60_000, least: 24 * 60_000, margin: 1.2 };
const length = usual.look * looksInBlock;
const [before, between, after] = [12, 3, 16];
const nodes = Array.from({ length: 9 }, (_, at) => `op-${at + 1}`);

export const groups: Groups = {
  upgraded: nodes
    .slice(0, 3)
    .map((node) => ({ node, until: (before + 1) * length, from: (before + between) * length })),
  control: nodes.slice(3),
  near: false,
};

/**
 * A night in which three of nine nodes get a build. Each look depends on the one before it (`correlation`); each node has a level of
 * its own, all drift together, and errors come in bursts.
 */
export const comparedNight = (seed: number, build: Build, correlation: number): Comparison[] =>
  comparedBy(measuredNight(seed, build, correlation), after);

/** What is said after so many blocks. */
export const comparedBy = (blocks: readonly Block[], many: number): Comparison[] =>
  compared(['latency', 'errors'], blocks, groups, usual, (before + between + many + 1) * length);

export function measuredNight(seed: number, build: Build, correlation: number): Block[] {
  const draw = random(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw());
  const drift = { size: draw() * 0.5, from: draw() * 100 };
  const at = nodes.map(() => ({ own: Math.exp(normal() * 0.3), noise: normal(), burst: 0 }));
  const blocks: Block[] = [];
  for (let index = 0; index < before + between + after + 1; index += 1) {
    const looks = nodes.map((): Record<string, Growth[]> => ({ latency: [], errors: [] }));
    for (let look = 0; look < looksInBlock; look += 1) {
      const shared = Math.exp(drift.size * Math.sin((index * looksInBlock + look + drift.from) / 60));
      for (const [node, state] of at.entries()) {
        const isNew = node < 3 && index >= before + between;
        state.noise = correlation * state.noise + Math.sqrt(1 - correlation ** 2) * normal();
        state.burst = state.burst > 0 ? state.burst - 1 : draw() < 0.001 ? Math.ceil(draw() * 12) : 0;
        const requests = Math.round(300 * shared * (0.8 + 0.4 * draw()));
        const latency = 0.02 * state.own * shared * Math.exp(0.2 * state.noise) * (isNew ? build.slower : 1);
        const share = (isNew ? build.errors : build.was) * shared + (state.burst > 0 ? 0.02 : 0);
        looks[node]?.latency?.push({ grown: latency * requests, per: requests });
        looks[node]?.errors?.push({ grown: among(requests, share, draw), per: requests });
      }
    }
    const measured = looks.map((checks, node) => {
      const of = Object.entries(checks).flatMap(([check, all]) => {
        const one = measuredIn(all);
        return one === null ? [] : [[check, one] as const];
      });
      return [nodes[node] ?? '', Object.fromEntries(of)] as const;
    });
    blocks.push({ index, nodes: Object.fromEntries(measured) });
  }
  return blocks;
}

/** How many of so many are errors: by their waiting times, which is quick where they are rare. */
function among(requests: number, share: number, draw: () => number): number {
  if (share <= 0) return 0;
  let [count, next] = [0, 0];
  for (;;) {
    next += Math.ceil(Math.log(1 - draw()) / Math.log(1 - share));
    if (next > requests) return count;
    count += 1;
  }
}

export const holds = (all: readonly Comparison[]): boolean => all.some(({ is }) => is === 'worse');
