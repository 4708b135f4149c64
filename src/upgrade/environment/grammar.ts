/** One `KEY=value` of an EnvironmentFile. Offsets are of the text, half-open. */
export interface Assignment {
  key: string;
  value: string;
  /** Where the key stands as it is written, and what follows its `=` up to the end of the line, or of the last one of several. */
  name: { start: number; end: number };
  written: { start: number; end: number };
  /** Whole lines, with the break at their end. */
  lines: { start: number; end: number };
  /** Of its first line, from 1. */
  line: number;
}

export interface Environment {
  assignments: Assignment[];
  /** What stands at the end is not over: whatever is added there becomes part of it. */
  unfinished: boolean;
}

type State =
  | 'before key'
  | 'key'
  | 'before value'
  | 'value'
  | 'value escape'
  | 'single'
  | 'double'
  | 'double escape'
  | 'comment'
  | 'comment escape';

const isBreak = (char: string): boolean => char === '\n' || char === '\r';
const isSpace = (char: string): boolean => char === ' ' || char === '\t' || isBreak(char);
const trimmed = (text: string, spaceFrom: number): string => (spaceFrom === -1 ? text : text.slice(0, spaceFrom));

/** What the escape of one of these in double quotes means; before others the backslash stays, as in a shell. */
const escaped = '"\\`$';

/**
 * The grammar of systemd's `EnvironmentFile=` (`parse_env_file_internal` in its src/basic/env-file.c), letter by letter, with what it
 * makes of backslashes, quotes and blanks. Anything is a file: what is no assignment means nothing.
 * @param comments whether a comment that ends with a backslash goes on in the next line: it did before systemd 254
 */
export function parse(text: string, comments: 'end' | 'go on' = 'end'): Environment {
  const assignments: Assignment[] = [];
  let state: State = 'before key';
  let line = 1;
  let key = '';
  let value = '';
  let keySpace = -1;
  let valueSpace = -1;
  let start = { at: 0, line: 1 };
  let equals = 0;
  /** Where the line begins in which the next key may stand. */
  let fresh = 0;

  const push = (at: number, isBroken: boolean): void => {
    const end = isBroken ? at + (text.startsWith('\r\n', at) ? 2 : 1) : at;
    const name = trimmed(key, keySpace);
    assignments.push({
      key: name,
      value: state === 'value' ? trimmed(value, valueSpace) : value,
      name: { start: start.at, end: start.at + name.length },
      written: { start: equals + 1, end: at },
      lines: { start: fresh, end },
      line: start.line,
    });
  };
  const begin = (at: number): void => {
    [state, key, value, keySpace, valueSpace] = ['before key', '', '', -1, -1];
    fresh = at + 1;
  };

  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at);
    switch (state) {
      case 'before key':
        if (char === '#' || char === ';') state = 'comment';
        else if (!isSpace(char)) {
          [state, key, start] = ['key', char, { at, line }];
        } else if (isBreak(char)) fresh = at + 1;
        break;
      case 'key':
        if (isBreak(char)) begin(at);
        else if (char === '=') [state, equals] = ['before value', at];
        else {
          keySpace = isSpace(char) ? (keySpace === -1 ? key.length : keySpace) : -1;
          key += char;
        }
        break;
      case 'before value':
        if (isBreak(char)) {
          push(at, true);
          begin(at);
        } else if (char === "'") state = 'single';
        else if (char === '"') state = 'double';
        else if (char === '\\') state = 'value escape';
        else if (!isSpace(char)) {
          state = 'value';
          value += char;
        }
        break;
      case 'value':
        if (isBreak(char)) {
          push(at, true);
          begin(at);
        } else if (char === '\\') [state, valueSpace] = ['value escape', -1];
        else {
          valueSpace = isSpace(char) ? (valueSpace === -1 ? value.length : valueSpace) : -1;
          value += char;
        }
        break;
      case 'value escape':
        state = 'value';
        if (!isBreak(char)) value += char;
        break;
      case 'single':
        if (char === "'") state = 'before value';
        else value += char;
        break;
      case 'double':
        if (char === '"') state = 'before value';
        else if (char === '\\') state = 'double escape';
        else value += char;
        break;
      case 'double escape':
        state = 'double';
        if (escaped.includes(char)) value += char;
        else if (char !== '\n') value += `\\${char}`;
        break;
      case 'comment':
        if (char === '\\') state = 'comment escape';
        else if (isBreak(char)) begin(at);
        break;
      case 'comment escape':
        if (comments === 'end' && isBreak(char)) begin(at);
        else state = 'comment';
        break;
    }
    if (char === '\n') line += 1;
  }
  const inside: State[] = ['before value', 'value', 'value escape', 'single', 'double', 'double escape'];
  if (inside.includes(state)) push(text.length, false);
  const open: State[] = ['value escape', 'single', 'double', 'double escape', 'comment escape'];
  return { assignments, unfinished: open.includes(state) };
}

/** As systemd takes it: others are left out of the environment, with a warning in its journal. */
export const isName = (key: string): boolean => /^[A-Za-z_][A-Za-z0-9_]*$/.test(key);

/** What the process gets: of a key that stands several times the last one. */
export function variables({ assignments }: Environment): Map<string, string> {
  return new Map(assignments.flatMap(({ key, value }) => (isName(key) ? [[key, value] as const] : [])));
}

/** Noncharacters and lone surrogates, which systemd takes for no UTF-8. */
const noText = /[\p{Surrogate}\p{Noncharacter_Code_Point}]/u;

/** Why systemd would not read the file at all, in words; null when it would. */
export function unreadable(text: string, { assignments }: Environment): string | null {
  if (text.includes('\0')) return 'it holds a zero byte';
  const bad = assignments.find(({ key, value }) => noText.test(key) || noText.test(value));
  return bad === undefined ? null : `line ${bad.line} is no UTF-8`;
}
