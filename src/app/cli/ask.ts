import { takeWhich, type Which } from './fleets.ts';

/** What was typed, before anybody looks at the word itself. */
export interface Asked {
  /** The first word; null when there is none. */
  word: string | null;
  rest: string[];
  help: boolean;
  version: boolean;
  json: boolean;
  which: Which;
}

/**
 * Takes out what may stand anywhere: `--help`, `--version`, `--json`, `--config FILE`, `--fleet NAME`. Only as whole words, so never out of a
 * reason in quotes. @throws Ended
 */
export function readAsked(argv: string[]): Asked {
  const { rest: typed, ...which } = takeWhich(argv);
  const has = (...names: string[]) => typed.some((arg) => names.includes(arg));
  const common = ['-h', '--help', '-V', '--version', '--json'];
  const [word = null, ...rest] = typed.filter((arg) => !common.includes(arg));
  return { word, rest, which, help: has('-h', '--help'), version: has('-V', '--version'), json: has('--json') };
}

/** One line for `parse`, which reads what is typed in a chat: words with blanks are held together by quotes. */
export function typed(words: string[]): string {
  return words.map((word) => (/\s/.test(word) ? `"${word.replaceAll('"', '')}"` : word)).join(' ');
}
