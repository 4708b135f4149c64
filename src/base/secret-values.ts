/** How a secret value is introduced. */
export interface Lead {
  name: string;
  colon: boolean;
  /** The name stands in quotes, as in JSON. */
  quoted: boolean;
  /** The name is the first of its line. */
  first: boolean;
  /** The quote right before the name, when the name is the first in a quoted text. */
  within: string | null;
  /** Separator and value are written as in an address. */
  encoded: boolean;
}

const isBlank = (char: string | undefined) => char === ' ' || char === '\t';
const isSpace = (char: string | undefined) => isBlank(char) || char === '\n' || char === undefined;

/** The end of the line that holds `at`. */
export function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end;
}

/** Where the value ends that begins at or, after blanks, behind `from`; `from` itself when there is none. */
export function valueEnd(text: string, from: number, lead: Lead): number {
  const at = skipBlanks(text, from, lead.quoted && lead.colon);
  if (
    lead.first &&
    lead.colon &&
    /^(?:[|>][-+0-9]*)?$/.test(text.slice(at, Math.min(lineEnd(text, at), at + 4)).trim())
  ) {
    return blockEnd(text, at);
  }
  if (lead.within !== null) return innerEnd(text, at, lead.within);
  if (closing[text[at] ?? ''] !== undefined && !lead.first) return bracketEnd(text, at);
  const threefold = /^(\\{0,16}["'])\1\1/.exec(text.slice(at, at + 54))?.[0];
  if (threefold !== undefined) return threefoldEnd(text, at, threefold);
  const quote = quoteAt(text, at) ?? quoteInCall(text, at);
  if (quote !== null) return afterQuote(text, quotedEnd(text, quote), lead);
  if (lead.encoded) return plainEnd(text, at);
  if (/authoriz|cookie/i.test(lead.name)) return lineEnd(text, at);
  if (lead.first) return lead.colon ? lineEnd(text, at) : assignmentEnd(text, at);
  if (lead.colon && !lead.quoted && isProse(text, from, at, lead.name)) return from;
  return plainEnd(text, at);
}

/** Blanks, a line that goes on behind a backslash and, in JSON, line ends; a few of each. */
function skipBlanks(text: string, from: number, lines: boolean): number {
  let at = from;
  while (at < from + 40) {
    if (isBlank(text[at]) || (lines && text[at] === '\n')) at += 1;
    else if (text[at] === '\\' && text[at + 1] === '\n') at += 2;
    else break;
  }
  return at;
}

interface Quote {
  /** Backslashes before it: a quote within a text that is quoted itself. */
  depth: number;
  mark: string;
  /** Where the content begins. */
  from: number;
}

function quoteAt(text: string, at: number): Quote | null {
  let from = at;
  while (text[from] === '\\' && from < at + 16) from += 1;
  const mark = text[from] ?? '';
  if (mark !== '"' && mark !== "'" && mark !== '`') return null;
  return { depth: from - at, mark, from: from + 1 };
}

/** `Some("x")`, `Secret('x')`. */
function quoteInCall(text: string, at: number): Quote | null {
  const call = /^[A-Za-z_][\w.:]{0,40}\(/.exec(text.slice(at, at + 42))?.[0];
  return call === undefined ? null : quoteAt(text, at + call.length);
}

/** A text of several lines, as TOML and Python have it. */
function threefoldEnd(text: string, at: number, marks: string): number {
  const end = text.indexOf(marks, at + marks.length);
  return end === -1 ? text.length : end + marks.length;
}

/** Behind the closing quote, or the end of the text. A quote with more backslashes belongs to the content. */
function quotedEnd(text: string, { depth, mark, from }: Quote): number {
  for (let at = text.indexOf(mark, from); at !== -1; at = text.indexOf(mark, at + 1)) {
    let slashes = 0;
    while (slashes <= depth && text[at - 1 - slashes] === '\\') slashes += 1;
    if (slashes <= depth) return at + 1;
  }
  return text.length;
}

const closing: Partial<Record<string, string>> = { '[': ']', '{': '}' };

/** What was found last: many names may stand before the same brackets, or in the same run, and each is gone through once. */
let brackets: { text: string; ends: Map<number, number> } = { text: '', ends: new Map() };
const none = { text: '', from: 0, to: 0 };
const runs = { quotes: none, noQuotes: none };

/** A list or an object of values, up to the bracket that closes it; without one the rest of the text. */
function bracketEnd(text: string, from: number): number {
  if (brackets.text !== text) brackets = { text, ends: endsOf(text) };
  return brackets.ends.get(from) ?? text.length;
}

/** Behind which place each bracket ends that is closed, whatever brackets of the other kind lie between. */
function endsOf(text: string): Map<number, number> {
  const ends = new Map<number, number>();
  const opened: Record<string, number[]> = { ']': [], '}': [] };
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? '';
    const close = closing[char];
    if (close !== undefined) opened[close]?.push(at);
    const from = opened[char]?.pop();
    if (from !== undefined) ends.set(from, at + 1);
  }
  return ends;
}

/** Before the quote that closes the text in which a name is the first, if that is in the same line. */
function innerEnd(text: string, from: number, quote: string): number {
  const line = lineEnd(text, from);
  const end = quotedEnd(text, { depth: quote.length - 1, mark: quote.at(-1) ?? '', from });
  return end > line ? line : end - quote.length;
}

/** `'it'\''s'` goes on behind the quote. */
function afterQuote(text: string, at: number, lead: Lead): number {
  if (isSpace(text[at]) || `,;:)}]&<>.|"'\`\\`.includes(text[at] ?? '')) {
    const joined = text[at] === '"' || text[at] === "'" || /^\\{1,16}'/.test(text.slice(at, at + 17));
    return joined && !lead.quoted ? plainEnd(text, at, false) : at;
  }
  return plainEnd(text, at, false);
}

/** Up to the next blank or, outside of quotes that were joined, quote. */
function plainEnd(text: string, from: number, quotes = true): number {
  let at = runEnd(text, from, quotes);
  // The backslash belongs to the quote that ends a text within a text.
  while (at > from && at < text.length && quotes && !isSpace(text[at]) && text[at - 1] === '\\') at -= 1;
  return at;
}

function runEnd(text: string, from: number, quotes: boolean): number {
  const kind = quotes ? 'quotes' : 'noQuotes';
  const last = runs[kind];
  if (last.text === text && last.from <= from && from <= last.to) return last.to;
  let at = from;
  while (!isSpace(text[at]) && !(quotes && (text[at] === '"' || text[at] === "'" || text[at] === '`'))) at += 1;
  runs[kind] = { text, from, to: at };
  return at;
}

/** A line of an environment file: up to its end, or to the next assignment. */
function assignmentEnd(text: string, from: number): number {
  const line = text.slice(from, lineEnd(text, from));
  const next = /[ \t][A-Za-z_][A-Za-z0-9_.]{0,60}=/.exec(line);
  return from + (next === null ? line.length : next.index);
}

/** A block of YAML, or a value on lines of its own: what is indented below. */
function blockEnd(text: string, from: number): number {
  let end = lineEnd(text, from);
  while (end < text.length && isBlank(text[end + 1])) end = lineEnd(text, end + 1);
  return end;
}

/** "wrong password: try again": a bare word, a blank, and a word of small letters. */
function isProse(text: string, from: number, at: number, name: string): boolean {
  if (at === from || !/^[A-Za-z]+$/.test(name)) return false;
  const word = text.slice(at, Math.min(plainEnd(text, at), at + 40));
  return /^[a-z]{1,20}[.,;:!?)]?$/.test(word);
}
