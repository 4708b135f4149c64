import { isSecretName } from './secret-names.ts';
import type { Span } from './secret-span.ts';
import { lineEnd, valueEnd } from './secret-values.ts';

const plainLead = { name: '', colon: false, quoted: true, first: false, within: null, encoded: false };

const told =
  /(?<![\w-])(?:pass(?:word|wd|phrase|code)|secret|token|credentials?|auth|requirepass|(?:api|access|private|secret) key)s?[ \t]{1,4}(?:(?:is|was|are|has been|set|reset|changed|now|to|as|of|plain|login|->|→)[ \t]{1,4}){0,4}(?=\\{0,16}["'`]?\S)/gi;

/** "the password is hunter2", "invalid token 'abc123'": what a sentence tells, when it looks like no word of it. */
export function toldSpans(text: string): Span[] {
  return [...text.matchAll(told)].flatMap(({ 0: found, index }) => {
    const from = index + found.length;
    const to = valueEnd(text, from, plainLead);
    return isNoWord(text.slice(from, Math.min(to, from + 200))) ? [[from, to] satisfies Span] : [];
  });
}

/** A letter and a digit in one word; the name of a node, a version and a time are made of parts. */
function isNoWord(value: string): boolean {
  const word = value.replace(/^[\\"'`]+|[\\"'`.,;:!?)\]]+$/g, '');
  if (word.length < 6 || !/[A-Za-z]/.test(word) || !/[0-9]/.test(word) || word.includes('=')) return false;
  const mixed = /[a-z]/.test(word) && /[A-Z]/.test(word) && !/[:/]/.test(word);
  return !/[-./:()[\]{}]/.test(word) || mixed;
}

const pair =
  /(?<![\w.-])(?:name|key)[ \t]{0,16}["']?[ \t]{0,4}[:=][ \t]{0,16}["']?([A-Za-z][\w.-]{1,79})[ \t]{0,16}["']?,?(\n[ \t]{1,20}|[ \t\n]{0,20})["']?value[ \t]{0,16}["']?[ \t]{0,4}[:=]/gi;

/** `{"name": "DB_PASSWORD", "value": "x"}`, also as YAML and XML have it: the name stands beside its value. */
export function pairSpans(text: string): Span[] {
  return [...text.matchAll(pair)].flatMap(({ 0: found, 1: name = '', 2: gap = '', index }) => {
    if (!isSecretName(name, 'quoted')) return [];
    const from = index + found.length;
    const written = gap.includes('\n') && !/^[ \t]{0,20}["']/.test(text.slice(from, from + 30));
    const to = written ? lineEnd(text, from) : valueEnd(text, from, { ...plainLead, colon: true });
    return [[from + (/^[ \t]*/.exec(text.slice(from, Math.min(to, from + 20)))?.[0].length ?? 0), to] satisfies Span];
  });
}

/** What was written as base64 and holds an assignment or an address with a secret. */
export function wrappedSpans(text: string, holds: (inner: string) => boolean): Span[] {
  return [...text.matchAll(/[A-Za-z0-9+/_-]{16,}={0,2}/g)].flatMap(({ 0: found, index }) => {
    // Whole groups only: the last of a text that was cut is left to what stands before it.
    const inner = Buffer.from(
      found.slice(0, found.length - (found.replace(/=+$/, '').length % 4 === 1 ? 1 : 0)),
      'base64',
    );
    if (!isText(inner)) return [];
    return holds(inner.toString('latin1')) ? [[index, index + found.length] satisfies Span] : [];
  });
}

function isText(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte !== 9 && byte !== 10 && byte !== 13 && (byte < 32 || byte > 126)) return false;
  return bytes.length > 0;
}
