import { checkWords } from '../../upgrade/checks/index.ts';
import type { Check, CheckResult, ChecksSeen } from '../../upgrade/checks/types.ts';
import { wasIllBefore } from '../../upgrade/rollout/index.ts';
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

/** With what is to be asked by the settings here, and was not, although its worker answered: nobody knows what it would have said. */
export const withUnasked = (
  wanted: readonly Pick<Check, 'name' | 'onBad'>[],
  seen: readonly NodeSurvey[],
): NodeSurvey[] =>
  seen.map((each) => {
    const { node, at, checks = [], unanswered } = each;
    const left = wanted.filter(({ name }) => !checks.some(({ check }) => check === name));
    if (unanswered || left.length === 0) return each;
    const none = left.map(({ name, onBad }): CheckResult => {
      return { check: name, node, is: 'unknown', counts: 'unknown', onBad, says: unasked, at };
    });
    return { ...each, checks: [...checks, ...none] };
  });

const unasked = 'its worker did not ask: give it the same settings, and start it again';

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

/** Characters of a table that a chat shows whole. */
const room = 2_700;

/** A row for each node, a column for each check; where there is no room for all, of those rows in which something is not good. */
export function checkTable(seen: readonly NodeSurvey[]): Part[] {
  const columns = [...new Set(resultsIn(seen).map(({ check }) => check))];
  if (columns.length === 0) return [];
  const asked = seen.filter(({ checks = [] }) => checks.length > 0);
  const isGood = ({ checks = [] }: NodeSurvey) => checks.every(({ is }) => is === 'good');
  const whole = tableOf(asked, columns);
  const fitting = Math.max(1, Math.floor(room / ((whole[0]?.length ?? 0) + 1)) - 1);
  const told = whole.length - 1 <= fitting ? asked : asked.filter((each) => !isGood(each)).slice(0, fitting);
  const text = told === asked ? whole : tableOf(told, columns);
  const left = asked.length - told.length;
  const more: Part[] = left === 0 ? [] : [{ is: 'lines', lines: [`${count(left, 'other node')} not shown`] }];
  return [{ is: 'code', text: text.join('\n') }, ...more];
}

/** All lines are as long as the first; a head, then one for each node. */
function tableOf(seen: readonly NodeSurvey[], columns: readonly string[]): string[] {
  const body = seen.map(({ node, checks = [] }) => [
    node,
    ...columns.map((name) => checks.find(({ check }) => check === name)?.is ?? '-'),
  ]);
  const cells = [['', ...columns], ...body].map((row) => row.map((cell) => clip(clean(cell), 40).replaceAll('`', 'ʼ')));
  const widths = ['', ...columns].map((_, at) => Math.max(...cells.map((row) => row[at]?.length ?? 0)));
  return cells.map((row) => escaped(row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ')));
}

/** What is asked of the finished nodes of a region, as its last look found it; beside what an approval is given on. */
export function checksNow(rollout: Rollout, region: string): string[] {
  const all = Object.entries(rollout.looks[region]?.checks ?? {});
  if (all.length === 0) return [];
  const others = all.flatMap(([node, { others: found }]) => found.map((each) => ({ node, ...each })));
  const good = all.reduce((sum, [, checks]) => sum + checks.good, 0);
  const head = others.length === 0 ? `all ${good} good` : `${good} good`;
  const lines = others.slice(0, 5).map((each) => {
    const before = wasIllBefore(rollout, each.node, each.check) ? ' (before its turn, too)' : '';
    return `${each.counts === 'good' ? '○' : '‼'} ${foreign(each.node, 80)}: ${foreign(checkWords(each), 200)}${before}`;
  });
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
