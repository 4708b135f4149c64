/** What was typed, before anybody looks at the word itself. */
export interface Asked {
  /** The first word; null when there is none. */
  word: string | null;
  rest: string[];
  help: boolean;
  version: boolean;
  json: boolean;
}

/** Takes out what may stand anywhere: `--help`, `--version`, `--json`. The latter only as whole words, so never out of a reason in quotes. */
export function readAsked(argv: string[]): Asked {
  const has = (...names: string[]) => argv.some((arg) => names.includes(arg));
  const common = ['-h', '--help', '-V', '--version', '--json'];
  const [word = null, ...rest] = argv.filter((arg) => !common.includes(arg));
  return { word, rest, help: has('-h', '--help'), version: has('-V', '--version'), json: has('--json') };
}

/** One line for `parse`, which reads what is typed in a chat: words with blanks are held together by quotes. */
export function typed(words: string[]): string {
  return words.map((word) => (/\s/.test(word) ? `"${word.replaceAll('"', '')}"` : word)).join(' ');
}
