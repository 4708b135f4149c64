import { redact } from './redact.ts';

export const errorLine = /\b(?:FATAL|CRITICAL|PANIC|panic:|ERROR)\b/;
export const fatalLine = /\b(?:FATAL|CRITICAL|PANIC|panic:)/;
const startLine = /\bsystemd\[\d+\]: Started\b/;
const stopLine = /\bsystemd\[\d+\]: Stopping\b/;

/** The message of a journal line, without time, host and process. */
export function messageOf(line: string): string {
  const text = line.replace(/^\S+ \S+ [^\s:]+(?:\[\d+\])?: /, '');
  return (/\bmsg="((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? text).trim();
}

/** What was written since the service was last stopped on purpose; a restart by systemd itself stops nothing. */
export function recent(journal: string[]): string[] {
  const stopped = journal.findLastIndex((line) => stopLine.test(line));
  return journal.slice(Math.max(0, stopped));
}

/** The message of the newest fatal line, else of the newest error line, redacted; null when there is none. */
export function lastError(journal: string[]): string | null {
  const lines = recent(journal);
  const line = lines.findLast((entry) => fatalLine.test(entry)) ?? lines.findLast((entry) => errorLine.test(entry));
  return line === undefined ? null : redact(messageOf(line)).slice(0, 200);
}

const timeOf = (line: string | undefined) => Date.parse(line?.split(' ')[0] ?? '');

/** How long the process lived that wrote the newest fatal line, ms; null when that cannot be told. */
export function lifetime(journal: string[]): number | null {
  const end = timeOf(journal.findLast((line) => fatalLine.test(line)));
  // By time, not by place: the line of systemd may come after the first ones of the process.
  const start = timeOf(journal.findLast((line) => startLine.test(line) && timeOf(line) <= end));
  return Number.isFinite(end - start) ? end - start : null;
}
