import type { Outcome } from '../../bot/context.ts';

/** How a process of ours ended. `settings`: they, or this machine, cannot be used as they are. */
export type End = Outcome | 'settings' | 'interrupted';

/** For scripts; docs/shell.md has the table, and a test compares. */
export const exitCodes: Record<End, number> = {
  done: 0,
  wrong: 1,
  usage: 2,
  refused: 3,
  denied: 4,
  outdated: 5,
  settings: 6,
  unreachable: 7,
  // sysexits.h: EX_SOFTWARE
  bug: 70,
  // 128 + SIGINT, as shells have it
  interrupted: 130,
};

/** Ends the process with a sentence instead of a stack trace. */
export class Ended extends Error {
  override readonly name = 'Ended';
  readonly end: End;

  constructor(end: End, message: string) {
    super(message);
    this.end = end;
  }
}
