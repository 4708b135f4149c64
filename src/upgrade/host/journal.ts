import { redactLines } from '../../base/redact.ts';

export const errorLine = /\b(?:FATAL|CRITICAL|PANIC|panic:|ERROR)\b/;
export const fatalLine = /\b(?:FATAL|CRITICAL|PANIC|panic:)/;
const startLine = /\bsystemd\[\d+\]: Started\b/;
const stopLine = /\bsystemd\[\d+\]: Stopping\b/;
const stoppedLine = /\bsystemd\[\d+\]: Stopped\b/;
const level =
  /\blevel"?[=:] ?"?([a-z]+)|(?:^|[\s[(])(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL|PANIC)(?=[\s\]):|]|$)/i;
const quiet = /^(?:trace|debug|info|notice)$/i;

/** A line of a journal: causes are looked for in what was written, and only what is redacted is shown. */
export interface Line {
  written: string;
  shown: string;
}

/** Redacted as a whole, since a key may go over several lines. */
export function linesOf(journal: string[]): Line[] {
  const shown = redactLines(journal);
  return journal.map((written, at) => ({ written, shown: shown[at] ?? '' }));
}

const messageAndMore = (line: string): string => line.replace(/^\S+ \S+ [^\s:]+(?:\[\d+\])?: /, '');

/** The message of a journal line, without time, host and process. */
export function messageOf(line: string): string {
  const text = messageAndMore(line);
  return (/\bmsg="((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? text).trim();
}

/** By what it says itself it tells of nothing wrong, whatever else stands in it. */
export function isQuiet(line: string): boolean {
  const [, named, alone] = level.exec(messageAndMore(line)) ?? [];
  return quiet.test(named ?? alone ?? '');
}

/**
 * What was written since the service was last stopped on purpose; a restart by systemd itself stops nothing. What the process from
 * before wrote while it was being stopped says nothing of the one after it.
 */
export function recent(journal: Line[]): Line[] {
  const stopping = Math.max(
    0,
    journal.findLastIndex(({ written }) => stopLine.test(written)),
  );
  const stopped = journal.findIndex(({ written }, at) => at > stopping && stoppedLine.test(written));
  const isStopped = stopLine.test(journal[stopping]?.written ?? '') && stopped !== -1;
  return journal.slice(isStopped ? stopped : stopping);
}

/** The message of the newest fatal line, else of the newest error line, redacted; null when there is none. */
export function lastError(journal: Line[]): string | null {
  const lines = recent(journal);
  const line =
    lines.findLast(({ written }) => fatalLine.test(written) && !isQuiet(written)) ??
    lines.findLast(({ written }) => errorLine.test(written) && !isQuiet(written));
  return line === undefined ? null : messageOf(line.shown).slice(0, 200);
}

const timeOf = (line: Line | undefined) => Date.parse(line?.written.split(' ')[0] ?? '');

/** How long the process lived that wrote the newest fatal line, ms; null when that cannot be told. */
export function lifetime(journal: Line[]): number | null {
  const end = timeOf(journal.findLast(({ written }) => fatalLine.test(written)));
  // By time, not by place: the line of systemd may come after the first ones of the process.
  const start = timeOf(journal.findLast((line) => startLine.test(line.written) && timeOf(line) <= end));
  return Number.isFinite(end - start) ? end - start : null;
}
