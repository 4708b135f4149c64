import { holdsSecret } from '../../base/redact.ts';
import { isSecretName } from '../../base/secret-names.ts';
import { type Changes, type Difference, edit } from './edit.ts';
import { isName, parse, variables } from './grammar.ts';

/** As it was typed, or in a file of this name that each worker has. */
export type Value = string | { file: string };

/** What somebody asked for: `Changes`, with values that are still to be found. */
export interface Wanted {
  set: Record<string, Value>;
  unset: string[];
  rename: Record<string, string>;
  ensure: Record<string, Value>;
  expect: Record<string, Value>;
}

export const wantsNothing: Wanted = { set: {}, unset: [], rename: {}, ensure: {}, expect: {} };

/** Several, in order: what a later one says of a key counts. */
export function merged(all: Wanted[]): Wanted {
  return all.reduce(
    (one, other) => ({
      set: { ...one.set, ...other.set },
      unset: [...new Set([...one.unset, ...other.unset])],
      rename: { ...one.rename, ...other.rename },
      ensure: { ...one.ensure, ...other.ensure },
      expect: { ...one.expect, ...other.expect },
    }),
    wantsNothing,
  );
}

/** What goes with every upgrade that crosses a version. */
export interface VersionChange extends Wanted {
  version: string;
}

/** What the settings say about the keys of the environment file. */
export interface KeyRules {
  /** Names that are never shown besides those that look like a secret's; `*` stands for anything. */
  secret: string[];
  /** What a value must be, by key. */
  values: Record<string, 'integer' | string[]>;
  /** Absolute path of the folder on a worker in which the files of `KEY=@FILE` lie; null: there is none. */
  files: string | null;
}

export const noRules: KeyRules = { secret: [], values: {}, files: null };

/** A key as it was and as it becomes, for people; null: not there. Of a hidden one an empty text stands for any value. */
export interface ShownDifference extends Difference {
  hidden?: true;
}

/** What a change comes to on one node. `after` is `before` where the file has all of it. */
export type EnvironmentSeen =
  | { is: 'read'; before: string; after: string; differences: ShownDifference[] }
  /** With what to do; no value is in it. */
  | { is: 'refused'; reason: string };

export type Resolved = { is: 'changes'; changes: Changes } | { is: 'refused'; reason: string };

/** Finds the values that nobody typed. */
export type Resolve = (wanted: Wanted) => Resolved;

/** Whether nobody may see what this key holds. */
export function isHidden(key: string, { secret }: Pick<KeyRules, 'secret'>): boolean {
  return isSecretName(key, '=') || secret.some((pattern) => matches(key, pattern));
}

function matches(key: string, pattern: string): boolean {
  const [first = '', ...others] = pattern.split('*');
  if (others.length === 0) return key === pattern;
  const last = others.pop() ?? '';
  if (!key.startsWith(first) || !key.endsWith(last) || key.length < first.length + last.length) return false;
  let rest = key.slice(first.length, key.length - last.length);
  return others.every((part) => {
    const at = rest.indexOf(part);
    rest = rest.slice(at + part.length);
    return at !== -1;
  });
}

const typed = ({ set, ensure, expect }: Wanted): [string, Value][] =>
  [set, ensure, expect].flatMap((each) => Object.entries(each));

const fileName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
const longest = 1_000;

/** Why this cannot be asked for at all, with what to do instead; null when it can. No value is in it. */
export function refusedWanted(wanted: Wanted, rules: KeyRules): string | null {
  const { set, unset, rename, ensure, expect } = wanted;
  const all = [...Object.keys(set), ...unset, ...Object.entries(rename).flat(), ...Object.keys(ensure)];
  const wrong = [...all, ...Object.keys(expect)].find((key) => !isName(key) || key.length > 100);
  if (wrong !== undefined) return 'one of the keys is no name of a variable: letters, digits and _, no digit first';
  if (all.length === 0) return 'nothing is to be changed';
  for (const [key, value] of typed(wanted)) {
    const reason = typeof value === 'string' ? refusedText(key, value, rules) : refusedFile(key, value, rules);
    if (reason !== null) return reason;
  }
  return null;
}

function refusedText(key: string, value: string, rules: KeyRules): string | null {
  if (isHidden(key, rules) || holdsSecret(`${key}=${value}`, []) || holdsSecret(value, []))
    return `${key} is a secret, and what is typed here is kept: put it into a file of each worker (config.files in the settings), and say ${key}=@FILE`;
  return refusedValue(key, value, rules);
}

function refusedFile(key: string, { file }: { file: string }, rules: KeyRules): string | null {
  if (!fileName.test(file)) return `${key}=@FILE wants the name of a file, without a folder`;
  if (rules.files === null) return `the settings do not say where workers have the file of ${key}: config.files`;
  if (isHidden(key, rules)) return null;
  return `${key} does not look like a secret, so what is in that file would be shown: name ${key} under config.secret in the settings`;
}

function refusedValue(key: string, value: string, { values }: KeyRules): string | null {
  if (value.length > longest) return `the value of ${key} is longer than ${longest} characters`;
  const rule = Object.hasOwn(values, key) ? values[key] : undefined;
  if (rule === 'integer' && !/^-?(?:0|[1-9]\d{0,17})$/.test(value)) return `${key} must be an integer`;
  if (Array.isArray(rule) && !rule.includes(value)) return `${key} must be one of ${rule.join(', ')}`;
  return null;
}

/** What a worker has under a name; `refused`: why it does not count, in words. */
export type ReadFile = (file: string) => { text: string } | { refused: string };

export function resolved(wanted: Wanted, rules: KeyRules, read: ReadFile): Resolved {
  const refusal = refusedWanted(wanted, rules);
  if (refusal !== null) return { is: 'refused', reason: refusal };
  const found: Record<'set' | 'ensure' | 'expect', Record<string, string>> = { set: {}, ensure: {}, expect: {} };
  for (const kind of ['set', 'ensure', 'expect'] as const) {
    for (const [key, value] of Object.entries(wanted[kind])) {
      const given = typeof value === 'string' ? { text: value } : read(value.file);
      if ('refused' in given) return { is: 'refused', reason: `${key}: ${given.refused}` };
      const text = typeof value === 'string' ? value : given.text.replace(/\r?\n$/, '');
      if (text === '' && value !== '') return { is: 'refused', reason: `${key}: its file on this worker is empty` };
      const reason = refusedValue(key, text, rules);
      if (reason !== null) return { is: 'refused', reason };
      found[kind][key] = text;
    }
  }
  return { is: 'changes', changes: { ...found, unset: wanted.unset, rename: wanted.rename } };
}

/** Keys that are there afterwards, and those that are not. */
export const keysAfter = ({ set, unset, rename, ensure }: Wanted): { there: string[]; gone: string[] } => ({
  there: [...Object.keys(set), ...Object.values(rename), ...Object.keys(ensure)],
  gone: [...unset, ...Object.keys(rename)],
});

/** All keys that it is about, as they were asked for. */
export const keysOf = ({ set, unset, rename, ensure }: Wanted): string[] => [
  ...Object.keys(set),
  ...Object.keys(rename),
  ...Object.keys(ensure),
  ...unset,
];

/**
 * What a process must have been started with: a line `KEY=value` for each key that is there afterwards, `!KEY` for each that is not.
 * null where a value is of several lines, which cannot be compared.
 */
export function linesToCompare(after: string, wanted: Wanted): string | null {
  const values = variables(parse(after));
  const { there, gone } = keysAfter(wanted);
  const lines = there.map((key) => [key, values.get(key) ?? null] as const);
  if (lines.some(([, value]) => value === null || /[\n\0]/.test(value))) return null;
  return [...lines.map(([key, value]) => `${key}=${value}\n`), ...gone.map((key) => `!${key}\n`)].join('');
}

export type Rewritten =
  | { is: 'edited'; text: string; differences: ShownDifference[] }
  | { is: 'same' }
  | { is: 'refused'; reason: string };

/** The file as it is to be, and what of that people may see. */
export function rewritten(before: string, wanted: Wanted, changes: Changes, rules: KeyRules): Rewritten {
  const edited = edit(before, changes);
  const after = edited.is === 'edited' ? edited.text : before;
  if (edited.is !== 'refused' && linesToCompare(after, wanted) === null)
    return { is: 'refused', reason: 'a value that is to be renamed is of several lines: rename it by hand' };
  if (edited.is !== 'edited') return edited;
  const bared = baredBy(edited.differences, wanted, rules);
  if (bared !== null) return { is: 'refused', reason: bared };
  const pairs = Object.entries(wanted.rename);
  const isSecret = ({ key, from, to }: Difference): boolean =>
    [key, ...pairs.filter((pair) => pair.includes(key)).flat()].some((each) => isHidden(each, rules)) ||
    [from, to].some((value) => value !== null && (holdsSecret(value, []) || holdsSecret(`${key}=${value}`, [])));
  const shown = edited.differences.map((each): ShownDifference => {
    const { key, from, to } = each;
    if (!isSecret(each)) return { key, from: cut(from), to: cut(to) };
    return { key, from: from === null ? null : '', to: to === null ? null : '', hidden: true };
  });
  return { ...edited, differences: shown };
}

/** Renamed first and looked at afterwards, a secret would be shown. */
function baredBy(differences: Difference[], { rename }: Wanted, rules: KeyRules): string | null {
  const bared = Object.entries(rename).find(
    ([from, to]) =>
      isHidden(from, rules) &&
      !isHidden(to, rules) &&
      differences.some(({ key, to: value }) => key === to && value && !holdsSecret(value, [])),
  );
  if (bared === undefined) return null;
  const [from, to] = bared;
  return `${from} is a secret, and under the name ${to} it would be shown from then on: name ${to} under config.secret in the settings`;
}

const cut = (value: string | null): string | null =>
  value === null || value.length <= 100 ? value : `${value.slice(0, 100)}…`;
