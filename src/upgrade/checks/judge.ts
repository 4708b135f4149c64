import { search } from '@jmespath-community/jmespath';
import { inWords } from '../../base/duration.ts';
import { wordsOf } from '../../base/errors.ts';
import { jsonIn } from '../../base/json.ts';
import { judgeLimits } from './rate.ts';
import type {
  Check,
  CheckResult,
  ChecksSeen,
  CommandCheck,
  DatabaseCheck,
  GetCheck,
  Heard,
  JournalCheck,
  Judged,
} from './types.ts';
import { absent, bad, good, tame, unknown } from './words.ts';

/** Statuses that say: there is no such thing here. */
const gone = [404, 410];

/** Nothing to ask there; whether the node answers elsewhere tells an absent endpoint from an absent service. */
export const isMissing = (heard: Heard, wanted: number): boolean =>
  heard.is === 'answered' ? heard.status !== wanted && gone.includes(heard.status) : heard.refused;

/** @param answers whether the node's health address answers, whatever it says */
export function judgeGet({ status, that }: GetCheck, heard: Heard, answers: boolean): Judged {
  const missing = judgeMissing(heard, status, answers);
  if (missing !== null) return missing;
  if (heard.is === 'silent') return unknown(tame(heard.detail));
  if (heard.status !== status) return bad(`it answered ${heard.status}`);
  if (that === null) return good(`it answered ${status}`);
  const answer = jsonIn(heard.text);
  return answer === undefined ? unknown('it did not answer with JSON') : judgeThat(answer, that);
}

/** null: something is there. */
export function judgeMissing(heard: Heard, wanted: number, answers: boolean): Judged | null {
  if (!isMissing(heard, wanted)) return null;
  const what = heard.is === 'answered' ? `it answered ${heard.status}` : tame(heard.detail);
  return answers ? absent(`${what}, and health answers`) : unknown(`${what}, and health does not answer either`);
}

/** Only the literal `true` is good: what is nothing, or no number, or throws, tells nobody anything. */
export function judgeThat(answer: unknown, that: string): Judged {
  try {
    const said: unknown = search(answer as Parameters<typeof search>[0], that);
    if (said === true) return good(`${tame(that)} holds`);
    return said === false ? bad(`${tame(that)} does not hold`) : unknown(`${tame(that)} is neither true nor false`);
  } catch (error) {
    return unknown(`${tame(that)} cannot be told: ${tame(wordsOf(error))}`);
  }
}

/** @param whole whether all entries of that time were looked at */
export function judgeJournal(check: JournalCheck, entries: number, whole: boolean): Judged {
  const words = (count: number) => `${count} ${count === 1 ? 'entry' : 'entries'} of ${check.priority}`;
  const judged = judgeLimits(entries, check, words, `in ${inWords(check.over)}`);
  return judged.is === 'bad' || whole ? judged : unknown('it wrote more than can be counted');
}

/** EX_TEMPFAIL of sysexits.h. */
const cannotSay = 75;

/** How a program ended: 0 is good, 75 cannot say, and one that is not there says nothing. @param said its last line */
export function judgeCommand({ command: [program = ''] }: CommandCheck, code: number, said: string): Judged {
  const words = said === '' ? `it ended with ${code}` : `${tame(said)} (exit code ${code})`;
  if (code === 0) return good(words);
  if (code === 126 || code === 127) return absent(`there is no program ${tame(program)}`);
  if (code === 124 || code === 137) return unknown('it did not end in time');
  return code === cannotSay ? unknown(words) : bad(words);
}

export function judgeRows({ that }: DatabaseCheck, rows: unknown): Judged {
  return that === null ? good('it answered the query') : judgeThat(rows, that);
}

/** What a check was found to be, and what its settings make of that. */
export function resultOf(
  { name, absent: none, onBad }: Check,
  node: string,
  { is, says, rate }: Judged,
  at: number,
): CheckResult {
  const counts = is === 'unknown' ? 'unknown' : is === 'bad' || (is === 'absent' && none === 'bad') ? 'bad' : 'good';
  return { check: name, node, is, counts, onBad, says, ...(rate === undefined ? {} : { rate }), at };
}

/** Of those that are not simply good so many are named. */
const named = 5;

/** What counts against the node first. */
export function checksSeen(results: readonly CheckResult[]): ChecksSeen {
  const order = ['bad', 'unknown', 'good'];
  const others = results
    .filter(({ is }) => is !== 'good')
    .sort((a, b) => order.indexOf(a.counts) - order.indexOf(b.counts))
    .slice(0, named)
    .map(({ check, is, counts, says }) => ({ check, is, counts, says }));
  return { good: results.filter(({ is }) => is === 'good').length, others };
}

/** `errors is bad: 7 % over 60 s`. */
export const checkWords = ({ check, is, says }: Pick<CheckResult, 'check' | 'is' | 'says'>): string =>
  `${check} is ${is === 'watch' ? 'worth a look' : is}: ${says}`;
