import { checkWords } from '../../upgrade/checks/index.ts';
import type { CheckResult, ChecksSeen } from '../../upgrade/checks/types.ts';
import type { NodeSurvey, Rollout } from '../../upgrade/rollout/types.ts';
import type { Part } from './parts.ts';
import { clean, clip, count, escaped, foreign, names } from './text.ts';

/** What the settings ask of nodes, as people read it. */

const glyphs: Record<CheckResult['counts'], string> = { good: '○', bad: '✗', unknown: '✗' };

export const asksChecks = (seen: readonly NodeSurvey[]): boolean => seen.some(({ checks = [] }) => checks.length > 0);

const resultsIn = (seen: readonly NodeSurvey[]): CheckResult[] => seen.flatMap(({ checks = [] }) => checks);

/** What is bad, and what nobody knows: that is not right either. */
export const unmetIn = (seen: readonly NodeSurvey[]): CheckResult[] =>
  resultsIn(seen).filter(({ counts }) => counts !== 'good');

/** So many lines are read; the table has the rest. */
const shown = 12;

/** One line for what several nodes have in common. */
export function unmetLines(results: readonly CheckResult[]): string[] {
  const alike = new Map<string, CheckResult[]>();
  for (const each of results) {
    const words = checkWords(each);
    alike.set(words, [...(alike.get(words) ?? []), each]);
  }
  const lines = [...alike].map(
    ([words, [first, ...others]]) =>
      `${glyphs[first?.counts ?? 'bad']} ${names([first, ...others].flatMap((each) => each?.node ?? []))}: ${foreign(words, 250)}`,
  );
  return lines.length > shown ? [...lines.slice(0, shown), `… and ${lines.length - shown} more`] : lines;
}

/** Rows that a chat shows without being opened. */
const rows = 30;

/** A row for each node, a column for each check; of a large fleet only the rows in which something is not good. */
export function checkTable(seen: readonly NodeSurvey[]): Part[] {
  const columns = [...new Set(resultsIn(seen).map(({ check }) => check))];
  if (columns.length === 0) return [];
  const asked = seen.filter(({ checks = [] }) => checks.length > 0);
  const isGood = ({ checks = [] }: NodeSurvey) => checks.every(({ is }) => is === 'good');
  const told = asked.length <= rows ? asked : asked.filter((each) => !isGood(each));
  const body = told
    .slice(0, rows)
    .map(({ node, checks = [] }) => [
      node,
      ...columns.map((name) => checks.find(({ check }) => check === name)?.is ?? '-'),
    ]);
  const table = [['', ...columns], ...body].map((row) =>
    row.map((cell) => escaped(clip(clean(cell), 40)).replaceAll('`', 'ʼ')),
  );
  const widths = table[0]?.map((_, at) => Math.max(...table.map((row) => row[at]?.length ?? 0))) ?? [];
  const text = table
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
  const left = asked.length - body.length;
  const more = left === 0 ? [] : [`${count(left, 'other node')} not shown`];
  return [{ is: 'code', text }, ...(more.length === 0 ? [] : [{ is: 'lines' as const, lines: more }])];
}

/** What is asked of the finished nodes of a region, as its last look found it; beside what an approval is given on. */
export function checksNow({ looks }: Rollout, region: string): string[] {
  const all = Object.entries(looks[region]?.checks ?? {});
  if (all.length === 0) return [];
  const others = all.flatMap(([node, { others: found }]) => found.map((each) => ({ node, ...each })));
  const good = all.reduce((sum, [, checks]) => sum + checks.good, 0);
  const head = others.length === 0 ? `all ${good} good` : `${good} good`;
  const lines = others
    .slice(0, 5)
    .map(
      (each) => `${each.counts === 'good' ? '○' : '‼'} ${foreign(each.node, 80)}: ${foreign(checkWords(each), 200)}`,
    );
  const more = others.length > 5 ? [`… and ${others.length - 5} more`] : [];
  return [`Checks in ${foreign(region, 80)}: ${head}`, ...lines, ...more];
}

/** Why a watch does not come to its end, or is begun anew: nothing where all is good enough. */
export const checksAgainst = (rollout: Rollout, region: string): string[] =>
  Object.values(rollout.looks[region]?.checks ?? {}).some(({ others }) =>
    others.some(({ counts }) => counts !== 'good'),
  )
    ? checksNow(rollout, region)
    : [];

/** Of a proof. */
export function checksProven(checks: ChecksSeen | undefined): string[] {
  if (checks === undefined) return [];
  const notes = checks.others.map(({ check, is }) => `${foreign(check, 40)} ${is === 'watch' ? 'worth a look' : is}`);
  return [[`${count(checks.good, 'check')} good`, ...notes].join(', ')];
}
