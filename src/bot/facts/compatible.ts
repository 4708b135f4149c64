import type { Verdict } from '../../upgrade/compatibility/index.ts';

/** What the matrix says, for programs; null where there is none, or nothing is asked of it. */
export function compatibleFacts(verdict: Verdict | null) {
  if (verdict === null) return null;
  const { refusals, found, noReturn } = verdict;
  const said = refusals.filter(({ text }, at) => refusals.findIndex((other) => other.text === text) === at);
  return {
    right: said.length === 0,
    found,
    noReturn,
    mismatches: said.map(({ what, about, text }) => ({ is: what, about, words: text })),
  };
}
