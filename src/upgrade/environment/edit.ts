import { nearest } from '../../base/nearest.ts';
import { type Assignment, isName, parse, unreadable, variables } from './grammar.ts';

/** What is to become of the keys of one environment file. `expect`: what must stand there before anything is changed. */
export interface Changes {
  /** Of keys that are there. */
  set: Record<string, string>;
  unset: string[];
  /** Old name to new one; the value stays. */
  rename: Record<string, string>;
  /** Added where they are not there. */
  ensure: Record<string, string>;
  expect: Record<string, string>;
}

export const noChanges: Changes = { set: {}, unset: [], rename: {}, ensure: {}, expect: {} };

/** One key as it was and as it is then; null: not there. */
export interface Difference {
  key: string;
  from: string | null;
  to: string | null;
}

export type Edited =
  | { is: 'edited'; text: string; differences: Difference[] }
  /** All of it is so already. */
  | { is: 'same' }
  /** Nothing was changed. `reason` holds no value, with what to do. */
  | { is: 'refused'; reason: string };

/**
 * Changes a file by its keys. Every byte of a line that is not about one of these keys stays as it is, and so does what stands before a
 * value. What comes out is read again: where that is not exactly what was asked for, nothing is changed.
 */
export function edit(before: string, changes: Changes): Edited {
  const refusal = refusedFile(before) ?? refusedNames(changes);
  if (refusal !== null) return refused(refusal);
  try {
    unmet(before, changes.expect);
    let text = before;
    for (const [from, to] of Object.entries(changes.rename)) text = renamed(text, from, to);
    for (const [key, value] of Object.entries(changes.set)) text = set(text, key, value);
    for (const [key, value] of Object.entries(changes.ensure)) text = ensured(text, key, value);
    for (const key of changes.unset) text = without(text, key);
    return proven(before, text, changes);
  } catch (error) {
    if (error instanceof Unedited) return refused(error.message);
    throw error;
  }
}

class Unedited extends Error {}

const refused = (reason: string): Edited => ({ is: 'refused', reason });

function refusedFile(text: string): string | null {
  const found = parse(text);
  const broken = unreadable(text, found);
  if (broken !== null) return `systemd does not read this file: ${broken}`;
  const older = parse(text, 'go on');
  const reads = (each: typeof found): string => JSON.stringify(each.assignments.map(({ key, value }) => [key, value]));
  if (reads(found) === reads(older) && found.unfinished === older.unfinished) return null;
  return 'a comment ends with a backslash, and whether the next line belongs to it depends on the version of systemd: take the backslash away';
}

function refusedNames({ set, unset, rename, ensure, expect }: Changes): string | null {
  const written = [...Object.keys(set), ...unset, ...Object.keys(ensure), ...Object.entries(rename).flat()];
  const wrong = [...written, ...Object.keys(expect)].find((key) => !isName(key));
  if (wrong !== undefined) return `${wrong} is no name of a variable: letters, digits and _, no digit first`;
  const twice = written.find((key, index) => written.indexOf(key) !== index);
  if (twice !== undefined) return `${twice} is changed twice: say once what it is to be`;
  const torn = [...Object.entries(set), ...Object.entries(ensure)].find(([, value]) => /\p{Cc}/u.test(value));
  return torn === undefined ? null : `the value of ${torn[0]} holds a line break or another control character`;
}

/** The one line of a key; undefined where there is none. */
function lineOf(text: string, key: string): Assignment | undefined {
  const found = parse(text).assignments.filter((each) => each.key === key);
  if (found.length < 2) return found[0];
  const lines = found.map(({ line }) => line).join(' and ');
  throw new Unedited(
    `${key} stands ${found.length} times, in the lines ${lines}, and the last one counts: take the others out by hand`,
  );
}

function needed(text: string, key: string): Assignment {
  const found = lineOf(text, key);
  if (found !== undefined) return found;
  const known = [...variables(parse(text)).keys()];
  const meant = nearest(key, known);
  const hint = meant === null ? 'ensure adds it' : `did you mean ${meant}? ensure adds it`;
  throw new Unedited(`there is no ${key} in it: ${hint}`);
}

function unmet(text: string, expect: Changes['expect']): void {
  for (const [key, value] of Object.entries(expect))
    if (needed(text, key).value !== value)
      throw new Unedited(`${key} is not what --expect says: look what it is, and why`);
}

const put = (text: string, { start, end }: { start: number; end: number }, by: string): string =>
  text.slice(0, start) + by + text.slice(end);

function set(text: string, key: string, value: string): string {
  const found = needed(text, key);
  return found.value === value ? text : put(text, found.written, quoted(value));
}

/** Where only the new name is there, it was done before. */
function renamed(text: string, from: string, to: string): string {
  const [old, other] = [lineOf(text, from), lineOf(text, to)];
  if (old === undefined && other !== undefined) return text;
  if (old !== undefined && other !== undefined)
    throw new Unedited(`${from} and ${to} are both in it: unset the one that is not wanted`);
  return put(text, needed(text, from).name, to);
}

function ensured(text: string, key: string, value: string): string {
  const found = lineOf(text, key);
  if (found?.value === value) return text;
  if (found !== undefined) throw new Unedited(`${key} is in it and is something else: set changes it`);
  const { unfinished } = parse(text);
  if (unfinished)
    throw new Unedited(
      'its last line is not over (an open quote, or a backslash at its end), so nothing can be added: end it by hand',
    );
  const gap = text === '' || /[\n\r]$/.test(text) ? '' : '\n';
  return `${text}${gap}${key}=${quoted(value)}\n`;
}

function without(text: string, key: string): string {
  const found = lineOf(text, key);
  return found === undefined ? text : put(text, found.lines, '');
}

/** Read by both kinds of systemd before it is believed. */
function proven(before: string, text: string, changes: Changes): Edited {
  const [was, is] = [variables(parse(before)), variables(parse(text))];
  const differences = [...new Set([...was.keys(), ...is.keys()])].flatMap((key): Difference[] => {
    const [from, to] = [was.get(key) ?? null, is.get(key) ?? null];
    return from === to ? [] : [{ key, from, to }];
  });
  const wanted = wantedFrom(was, changes);
  const isRight = wanted.size === is.size && [...wanted].every(([key, value]) => is.get(key) === value);
  if (!isRight || refusedFile(text) !== null)
    throw new Unedited('it cannot be changed by key, since its lines run into each other: change it by hand');
  return text === before ? { is: 'same' } : { is: 'edited', text, differences };
}

function wantedFrom(was: Map<string, string>, { set, unset, rename, ensure }: Changes): Map<string, string> {
  const wanted = new Map(was);
  for (const [from, to] of Object.entries(rename)) {
    const value = wanted.get(from);
    if (value !== undefined) wanted.set(to, value);
    wanted.delete(from);
  }
  for (const [key, value] of [...Object.entries(set), ...Object.entries(ensure)]) wanted.set(key, value);
  for (const key of unset) wanted.delete(key);
  return wanted;
}

/** As every version of systemd reads it back; in quotes only where it must be. */
export function quoted(value: string): string {
  if (/^[A-Za-z0-9_.,:/@%+=-]*$/.test(value)) return value;
  return `"${value.replace(/["\\`$]/g, (char) => `\\${char}`)}"`;
}
