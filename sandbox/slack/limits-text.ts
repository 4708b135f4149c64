import { isRecord, Refusal } from './args.ts';

export type Problems = string[];

/** Characters as Slack counts them: code points, so an emoji is one. */
export function characters(text: string): number {
  return [...text].length;
}

export function checkText(value: unknown, at: string, most: number, problems: Problems, only?: 'plain_text'): void {
  if (!isRecord(value) || (value.type !== 'plain_text' && value.type !== 'mrkdwn')) {
    return void problems.push(`must be a text object [json-pointer:${at}]`);
  }
  if (only && value.type !== only) problems.push(`must be ${only} [json-pointer:${at}/type]`);
  if (typeof value.text !== 'string' || value.text === '') {
    problems.push(`must be more than 0 characters [json-pointer:${at}/text]`);
  } else if (characters(value.text) > most) {
    problems.push(`must be less than ${most + 1} characters [json-pointer:${at}/text]`);
  }
}

export function checkLength(value: unknown, at: string, most: number, problems: Problems): void {
  if (value === undefined) return;
  if (typeof value !== 'string') problems.push(`must be a string [json-pointer:${at}]`);
  else if (characters(value) > most) problems.push(`must be less than ${most + 1} characters [json-pointer:${at}]`);
}

export function checkId(value: unknown, at: string, problems: Problems): void {
  checkLength(value, at, 255, problems);
}

/** The fallback text of a message. Slack cuts it at 40,000 and refuses an edit over 4,000; this one always refuses. */
export function checkMessageText(text: string): void {
  if (characters(text) > 4000)
    throw new Refusal('msg_too_long', [`[ERROR] text has ${characters(text)} characters, 4000 allowed`]);
}
