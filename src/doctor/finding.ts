import { plainLine } from '../base/plain.ts';
import { redact } from '../base/redact.ts';

/** What one check found. Only `wrong` needs something to be done; a `note` is worth knowing. */
export interface Finding {
  is: 'right' | 'note' | 'wrong';
  /** What was looked at: `redis`, a node's name. */
  subject: string;
  /** What is right, or what is wrong and what to do. One line. */
  text: string;
}

export const right = (subject: string, text: string): Finding => ({ is: 'right', subject, text });
export const note = (subject: string, text: string): Finding => ({ is: 'note', subject, text });
export const wrong = (subject: string, text: string): Finding => ({ is: 'wrong', subject, text });

const marks = { right: 'ok', note: 'note', wrong: 'FAIL' };

/** The finding as it may leave: without secrets, in one line. */
export const shown = (finding: Finding): Finding => ({ ...finding, text: plainLine(redact(finding.text)) });

/** The finding as a line, its subject padded to `width`. Secrets and line breaks never get through. */
export function lineOf({ is, subject, text }: Finding, width: number): string {
  return `${marks[is].padEnd(4)} ${subject.padEnd(width)}  ${plainLine(redact(text))}`;
}
