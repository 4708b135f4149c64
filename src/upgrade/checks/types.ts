/** Where a check decides; whoever verifies asks all of them. */
export const checkPlaces = ['node', 'watch', 'verify'] as const;
export type CheckPlace = (typeof checkPlaces)[number];

/**
 * `watch`: not bad, and worth a look. `absent`: what was to be asked is not there, although the node answers. `unknown`: nobody can
 * tell, and that is never good.
 */
export type CheckVerdict = 'good' | 'watch' | 'bad' | 'absent' | 'unknown';

/** What one check came to on one node. A plain value; its words are redacted and in one line. */
export interface CheckResult {
  check: string;
  node: string;
  is: CheckVerdict;
  /** As its settings have it: `watch` is good enough, and what is absent is either bad or skipped. */
  counts: 'good' | 'bad' | 'unknown';
  /** What becomes of a node that it is bad on in its turn. */
  then: 'hold' | 'rollback';
  /** Why, in words. */
  says: string;
  /** Epoch ms. */
  at: number;
}

/** What is told of a node's checks where there is little room: how many count as good, and those that do not say just `good`. */
export interface ChecksSeen {
  good: number;
  others: OtherCheck[];
}
export type OtherCheck = Pick<CheckResult, 'check' | 'is' | 'counts' | 'says'>;

/**
 * `node`: those that decide about a node's turn, with all the time that their rates want; `before`: the same ones, as it stands
 * before the turn; `watch`: those of a watch, without waiting; `all`: every one, with a short wait.
 */
export type CheckOccasion = 'node' | 'before' | 'watch' | 'all';

/** Asks a node, now. Changes nothing there, and never throws for a host's fault. */
export type AskChecks = (node: string, occasion: CheckOccasion, signal: AbortSignal) => Promise<CheckResult[]>;
