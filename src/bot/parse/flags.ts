import { nearest } from '../../base/nearest.ts';

/** `one`: the next word; `maybe`: the same, or nothing; `many`: all words up to the next flag; `none`: a switch. */
type Takes = 'none' | 'maybe' | 'one' | 'many';
export type FlagShape = Record<string, Takes>;

export interface Flags {
  /** Words that belong to no flag. */
  rest: string[];
  values: Map<string, string>;
}

/** Something in the input that cannot be read; the message is shown to the person. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable';
}

/** Separates flags from words. @throws Unreadable for an unknown, doubled or empty flag. */
export function readFlags(input: string[], shape: FlagShape): Flags {
  const flags: Flags = { rest: [], values: new Map() };
  for (let i = 0; i < input.length; i++) {
    const word = input[i] ?? '';
    if (!/^-+[a-z]/i.test(word)) {
      flags.rest.push(word);
      continue;
    }
    const [name, inline] = nameOf(word, shape);
    if (flags.values.has(name)) throw new Unreadable(`--${name} is given twice`);
    const value = [...(inline === null ? [] : [inline])];
    const wanted = shape[name] ?? 'none';
    while (takesMore(wanted, value.length) && isValue(input[i + 1])) value.push(input[++i] ?? '');
    if (wanted === 'none' && inline !== null) throw new Unreadable(`--${name} takes no value`);
    if (wanted !== 'none' && wanted !== 'maybe' && value.join(' ').trim() === '')
      throw new Unreadable(`--${name} needs a value`);
    flags.values.set(name, value.join(' ').trim());
  }
  return flags;
}

function takesMore(wanted: Takes, have: number): boolean {
  return wanted === 'many' || (wanted !== 'none' && have === 0);
}

function isValue(word: string | undefined): boolean {
  return word !== undefined && !word.startsWith('--');
}

function nameOf(word: string, shape: FlagShape): [string, string | null] {
  const [, dashes = '', raw = '', inline] = /^(-+)([^=]*)(?:=([\s\S]*))?$/.exec(word) ?? [];
  const name = raw.toLowerCase();
  if (dashes.length >= 2 && Object.hasOwn(shape, name)) return [name, inline ?? null];
  const known = Object.keys(shape);
  const meant = Object.hasOwn(shape, name) ? name : nearest(name, known);
  if (known.length === 0) throw new Unreadable(`${word} is not known here: this command takes no flags`);
  throw new Unreadable(
    `${word} is not known${meant === null ? `; there are ${known.map((each) => `--${each}`).join(', ')}` : `: did you mean --${meant}?`}`,
  );
}
