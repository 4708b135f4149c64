import { short } from '../../base/hash.ts';
import type { NodeSurvey } from '../../upgrade/rollout/types.ts';
import { foreign, utc } from './text.ts';

/** What the nodes were found to be, a line for those that are alike; behind them those that are not taken over, and why. */
export function foundLines(seen: readonly NodeSurvey[], leftOut: readonly { node: string; why: string }[]): string[] {
  const out = new Map(leftOut.map(({ node, why }) => [node, why]));
  const taken = seen.filter(({ node }) => !out.has(node));
  return [
    ...grouped(taken, foundWords).map(([words, nodes]) => `✓ ${nodes}: ${words}`),
    ...grouped(
      seen.filter(({ node }) => out.has(node)),
      ({ node }) => foreign(out.get(node) ?? '', 200),
    ).map(([why, nodes]) => `✗ ${nodes}: not taken over, ${why}`),
  ];
}

function grouped(seen: readonly NodeSurvey[], wordsOf: (seen: NodeSurvey) => string): [words: string, nodes: string][] {
  const alike = new Map<string, string[]>();
  for (const each of seen) {
    const words = wordsOf(each);
    alike.set(words, [...(alike.get(words) ?? []), foreign(each.node, 80)]);
  }
  return [...alike].map(([words, nodes]) => [words, nodes.join(', ')]);
}

/** Backups that are named; the others are counted. */
const named = 4;

function foundWords({ version, sha256, held = 0, lies }: NodeSurvey): string {
  const all = lies?.backups ?? [];
  const shown = all.slice(0, named).map((kept) => imageWords(kept.version, kept.sha256));
  const more = all.length > named ? ` and ${all.length - named} more` : '';
  const backups = all.length === 0 ? 'no backup' : `backups of ${shown.join(', ')}${more}`;
  const run = held === 0 ? 'no run was there' : `last changed by ${runName(held)}`;
  return `${imageWords(version, sha256 ?? '')}; ${run}; ${backups}`;
}

const imageWords = (version: string | null, sha256: string): string =>
  `${foreign(version ?? 'unknown version', 60)} (${short(sha256)})`;

/** The last instant that can be spelled. */
const latest = 8_640_000_000_000_000;

/** A number of a run is when it was decided, in epoch ms. */
export const runName = (epoch: number): string => (epoch > latest ? `run ${epoch}` : `run ${epoch} (${utc(epoch)})`);
