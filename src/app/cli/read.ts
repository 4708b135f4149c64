import { nearest } from '../../base/nearest.ts';
import { Ended } from './exit.ts';
import { type Flag, type OwnWord, ownWords, usageOf } from './words.ts';

export interface Read {
  /** By flag; a switch that is given has one empty value. */
  values: Map<string, string[]>;
  operand: string | null;
}

/** Reads what follows one of our own words. @throws Ended saying which flag was probably meant */
export function readWord(name: string, args: string[]): Read {
  const word = ownWords[name];
  if (word === undefined) throw new Ended('usage', `${name}: no such command`);
  const read: Read = { values: new Map(), operand: null };
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? '';
    const [, flagName, inline] = /^--?([a-z][^=]*)(?:=([\s\S]*))?$/i.exec(arg) ?? [];
    if (flagName === undefined) {
      takeOperand(name, word, read, arg);
      continue;
    }
    const flag = arg.startsWith('--') && Object.hasOwn(word.flags, flagName) ? word.flags[flagName] : undefined;
    if (flag === undefined) throw wrong(name, unknownFlag(word, arg, flagName));
    const value = inline ?? (flag.value === null ? '' : args[++i]);
    read.values.set(flagName, taken(name, flagName, flag, value, read.values.get(flagName) ?? []));
  }
  if (word.operand?.needed && read.operand === null) throw wrong(name, `${word.operand.name} is missing`);
  return read;
}

function takeOperand(name: string, { operand }: OwnWord, read: Read, arg: string): void {
  if (operand === null || read.operand !== null) throw wrong(name, `"${arg}" is too much`);
  if (operand.choices.length > 0 && !operand.choices.includes(arg)) {
    throw wrong(name, `"${arg}": ${operand.choices.join(' or ')} is expected`);
  }
  read.operand = arg;
}

function taken(name: string, flagName: string, flag: Flag, value: string | undefined, before: string[]): string[] {
  if (flag.value !== null && (value === undefined || value === '')) {
    throw wrong(name, `--${flagName} needs a value: --${flagName} ${flag.value}`);
  }
  if (flag.value === null && value !== '') throw wrong(name, `--${flagName} takes no value`);
  if (before.length > 0 && !flag.many) throw wrong(name, `--${flagName} is given twice`);
  if (flag.choices.length > 0 && !flag.choices.includes(value ?? '')) {
    throw wrong(name, `--${flagName} ${value}: ${flag.choices.join(' or ')} is expected`);
  }
  return [...before, value ?? ''];
}

function unknownFlag({ flags }: OwnWord, arg: string, flagName: string): string {
  const known = Object.keys(flags);
  const bare = flagName.toLowerCase();
  const meant = known.includes(bare) ? bare : nearest(bare, known);
  if (meant !== null) return `${arg} is not known: did you mean --${meant}?`;
  const owner = Object.keys(ownWords).find((other) => Object.hasOwn(ownWords[other]?.flags ?? {}, bare));
  if (owner !== undefined) return `${arg} is not known here; it belongs to ${owner}: zeitwork ${usageOf(owner)}`;
  return `${arg} is not known: there ${known.length === 0 ? 'are no flags' : `is ${known.map((each) => `--${each}`).join(', ')}`}`;
}

const wrong = (name: string, problem: string) =>
  new Ended('usage', `${name}: ${problem}\nusage: zeitwork ${usageOf(name)}`);
