import { Refused } from '../../base/errors.ts';
import type { Verdict } from './types.ts';

/** The matrix says that a version does not go with what is there; each mismatch as data besides. */
export class Incompatible extends Refused {
  readonly verdict: Verdict;

  constructor(message: string, verdict: Verdict) {
    super(message);
    this.verdict = verdict;
  }
}
