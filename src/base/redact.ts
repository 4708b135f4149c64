import { firstOf, longestSecret } from './cut.ts';
import { plain } from './plain.ts';
import { addressSpans } from './secret-addresses.ts';
import { argumentSpans, codeSpans, digestSpans, typedSpans } from './secret-arguments.ts';
import { namedSpans } from './secret-names.ts';
import { optionSpans } from './secret-options.ts';
import { pairSpans, toldSpans, wrappedSpans } from './secret-prose.ts';
import { keySpans, shapeSpans, slackToken } from './secret-shapes.ts';
import type { Span } from './secret-span.ts';

/** A longer text is cut here, so that the work is bounded; characters. */
const limit = 64 * 1024;

const leftOut = '***\n[the rest was left out]';

/** The text as a person sees it. */
const seenIn = (text: string): string =>
  listed(text.length > limit ? `${firstOf(text, limit)}${leftOut.slice(3)}` : text);

/** A list of assignments that zero bytes keep apart, as of `/proc/PID/environ`, becomes lines. Other zero bytes are unseen. */
function listed(text: string): string {
  if (!text.includes('\0')) return plain(text);
  let before = '';
  return text
    .split('\0')
    .map((part) => {
      const seen = plain(part);
      const parted = before.includes('=') && /^[A-Za-z_][A-Za-z0-9_]{0,80}=/.test(seen);
      before = parted ? seen : before.slice(-limit) + seen;
      return parted ? `\n${seen}` : seen;
    })
    .join('');
}

/** Overlapping spans become one; the text is gone through once. Lines are kept, so that none moves. */
function without(text: string, spans: Span[]): string {
  const parts: string[] = [];
  let at = 0;
  for (const [from, to] of spans.sort((a, b) => a[0] - b[0])) {
    if (to <= at) continue;
    if (from >= at) parts.push(text.slice(at, from), '***');
    parts.push(text.slice(Math.max(at, from), to).replace(/[^\n]+/g, ''));
    at = to;
  }
  return parts.join('') + text.slice(at);
}

/** Text in quotes as it was before it was quoted, each character at its place; a line that goes on behind a backslash too. */
const unquoted = (text: string) =>
  text.replace(/(\\{1,16})(["'nrt]|u0000)/g, (_, { length }: string, char: string) => {
    if (char === 'u0000') return `${' '.repeat(length + 4)}\n`;
    if (char === 't') return ' '.repeat(length + 1);
    if (char !== 'n' && char !== 'r') return ' '.repeat(length) + char;
    return length < 3 ? `${' '.repeat(length)}\n` : `${' '.repeat(length - 1)}\\\n`;
  });

const spansIn = (text: string): Span[] =>
  text.includes('\\') ? [...spansAsWritten(text), ...spansAsWritten(unquoted(text))] : spansAsWritten(text);

const spansAsWritten = (text: string): Span[] => [
  ...keySpans(text),
  ...shapeSpans(text),
  ...addressSpans(text),
  ...namedSpans(text),
  ...optionSpans(text),
  ...pairSpans(text),
  ...toldSpans(text),
  ...argumentSpans(text),
  ...digestSpans(text),
  ...typedSpans(text),
  ...codeSpans(text),
  ...wrappedSpans(text, (inner) => namedSpans(inner).length > 0 || addressSpans(inner).length > 0),
];

/** Where secrets stand that are known as they are. */
const knownSpans = (text: string, known: readonly string[]): Span[] =>
  known.flatMap((secret) => {
    const spans: Span[] = [];
    for (let at = text.indexOf(secret); at !== -1 && secret !== ''; at = text.indexOf(secret, at + secret.length)) {
      spans.push([at, at + secret.length]);
    }
    return spans;
  });

/** What is left of one of them where the text was cut. */
function begunSpans(seen: string, known: readonly string[]): Span[] {
  if (!seen.endsWith(leftOut)) return [];
  const text = seen.slice(0, -leftOut.length);
  return known.flatMap((secret) => {
    const lengths = Array.from(secret, (_, at) => secret.length - at);
    const begun = lengths.find((length) => text.endsWith(secret.slice(0, length)));
    return begun === undefined ? [] : [[text.length - begun, text.length] satisfies Span];
  });
}

/** The text in pieces that the work is bounded for; what is no longer than any secret is whole in one of them. */
function piecesOf(text: string): string[] {
  const step = limit - longestSecret;
  const starts = Array.from(
    { length: Math.max(1, Math.ceil((text.length - longestSecret) / step)) },
    (_, at) => at * step,
  );
  return starts.map((start) => listed(text.slice(start, start + limit)));
}

/**
 * The text without what looks like a secret: keys, tokens of known forms, passwords in addresses, values of secret-looking
 * names and options, long random words. What is cut off at the end of a line counts as well. Terminal sequences and unseen
 * characters go first. Give it the whole text and cut afterwards; the work grows with the length alone.
 * @param known secrets that go whatever they look like
 */
export function redact(text: string, known: readonly string[] = []): string {
  const seen = seenIn(text);
  return without(seen, [...spansIn(seen), ...knownSpans(seen, known), ...begunSpans(seen, known)]);
}

/**
 * Whether the text certainly holds a secret: a private key, a token of Slack, an address with a password, or one of
 * `known`. Names and hashes may look like other tokens, so those are only hidden, never refused.
 */
export function holdsSecret(text: string, known: readonly string[] = []): boolean {
  return piecesOf(text).some(
    (seen) =>
      keySpans(seen).length > 0 ||
      slackToken.test(seen) ||
      /:\/\/[^/\s:@"']{0,200}:[^/\s@"']{1,500}@/.test(seen) ||
      knownSpans(seen, known).length > 0,
  );
}

/** Stands for a line break within a line; nothing that can be seen holds it. */
const inner = '\v';

/** The same for lines of separate origin, one by one; only a private key may go over several. As many come back. */
export function redactLines(lines: string[]): string[] {
  const whole = lines.map((line) => seenIn(line).replaceAll('\n', inner)).join('\n');
  return without(whole, keySpans(whole))
    .split('\n')
    .map((line) => line.replaceAll(inner, '\n'))
    .map((line) => without(line, spansIn(line)).replaceAll('\n', ' '));
}
