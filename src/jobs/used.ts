import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { reasonOf } from './log.ts';

/** What counts once, until an instant (epoch ms), kept outside Redis: whoever writes there can put it back. */
export interface Used {
  has(mark: string): boolean;
  add(mark: string, until: number, now: number): void;
}

/**
 * Kept in `file`, which programs of one machine share; null: in this process only. What was used is written down before it is acted on.
 * @param warn told when it cannot be written, and so is remembered by this process alone
 */
export function openUsed(file: string | null, warn: (reason: string) => void = () => undefined): Used {
  const own = new Map<string, number>();
  const known = (): Map<string, number> => new Map([...(file === null ? [] : readUsed(file, warn)), ...own]);
  return {
    has: (mark) => known().has(mark),
    add(mark, until, now) {
      own.set(mark, until);
      const all = [...known()].filter(([, end]) => end > now);
      for (const [each, end] of own) if (end <= now) own.delete(each);
      if (file === null) return;
      try {
        writeFileSync(`${file}.new`, JSON.stringify(Object.fromEntries(all)), { mode: 0o600 });
        renameSync(`${file}.new`, file);
      } catch (error) {
        warn(`${file} cannot be written: ${reasonOf(error)}`);
      }
    },
  };
}

function readUsed(file: string, warn: (reason: string) => void): [string, number][] {
  try {
    return Object.entries(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (!isMissing) warn(`${file} cannot be read: ${reasonOf(error)}`);
    return [];
  }
}
