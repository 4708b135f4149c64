import type { Span } from './secret-span.ts';
import { valueEnd } from './secret-values.ts';

const plainLead = { name: '', colon: false, quoted: false, first: false, within: null, encoded: false };

interface Word {
  at: number;
  text: string;
}

/** Which words of what follows a program are secret; `from`: where in the word. */
type Pick = (words: Word[]) => { word: Word; from: number }[];

const whole = (word: Word | undefined) => (word === undefined ? [] : [{ word, from: 0 }]);
const isOption = ({ text }: Word) => text.startsWith('-');

/** `htpasswd -b [-C cost] FILE USER PASSWORD`; without a file behind `-n`. What follows these is another command's. */
const ofHtpasswd: Pick = (words) => {
  const isGiven = (word: Word, at: number) => !isOption(word) && !/^-[A-Za-z]*[Cr]$/.test(words[at - 1]?.text ?? '');
  const begin = words.findIndex(isGiven);
  const letters = words
    .slice(0, begin)
    .filter(isOption)
    .map(({ text }) => text.slice(1));
  if (!letters.some((text) => /^[A-Za-z]*b/.test(text))) return [];
  return whole(words.slice(begin)[letters.some((text) => text.includes('n')) ? 1 : 2]);
};

/** `vault login TOKEN`; "vault login failed" is prose. */
const ofVault: Pick = (words) => {
  const word = words.find((each) => !isOption(each));
  return word !== undefined && /[0-9A-Z._-]/.test(word.text.replace(/[.,;:!?]+$/, '')) && !word.text.includes('=')
    ? whole(word)
    : [];
};

/** `sqlplus user/password@db`; of a path neither the first part nor the rest is a name. */
const ofOracle: Pick = (words) => {
  const word = words.find(({ text }) => /^(?:(?:userid|target)=)?[\w$#.]{1,60}\/(?!\/)[^\s@]/i.test(text));
  return word === undefined ? [] : [{ word, from: word.text.indexOf('/') + 1 }];
};

/** Redis: `ACL SETUSER name on >password`, and `user name on >password` as `ACL LIST` and files have it. */
const ofRules: Pick = (words) =>
  words.slice(1).flatMap((word) => (/^[<>]./.test(word.text) ? [{ word, from: 1 }] : []));

/** A word that says what a user of Redis may; behind the first other one, a sentence goes on. */
const isRule = ({ text }: Word) =>
  /^(?:on|off|nopass|reset\w{0,8}|(?:skip-)?sanitize-payload|(?:all|no)(?:keys|commands|channels)|clearselectors|[<>~%&+()#!-].+)$/.test(
    text,
  );

const ofUser: Pick = (words) => {
  const end = words.findIndex((word, at) => at > 0 && !isRule(word));
  return words[1] !== undefined && /^[a-z]/.test(words[1].text)
    ? ofRules(end === -1 ? words : words.slice(0, end))
    : [];
};

const programs: [name: string, pick: Pick][] = [
  ['htpasswd', ofHtpasswd],
  ['vault[ \\t]{1,4}login', ofVault],
  ['(?:sqlplus|sqlldr|expdp|impdp|rman)', ofOracle],
  ['acl[ \\t]{1,4}setuser', ofRules],
  ['user(?=[ \\t]{1,4}[^\\s"\']{1,64}[ \\t]{1,4}(?:on|off|nopass|reset|[~%+&>]))', ofUser],
  ['rabbitmqctl[ \\t]{1,4}(?:add_user|change_password)', (words) => whole(words.filter((each) => !isOption(each))[1])],
];

const heads = new RegExp(`(?<![\\w.-])(?:${programs.map(([name]) => `(${name})`).join('|')})(?=[ \\t])`, 'gi');

/** Words that are looked at behind a program, and characters. */
const most = 12;
const far = 300;

/** A word, and where the next one is looked for. */
interface Found {
  word: Word;
  end: number;
}

/**
 * Up to the end of the line, or of the command. Programs may stand behind one another, so that one's words are the next
 * one's too: each is read once.
 */
function createReader(text: string): (at: number) => Word[] {
  const next = /[ \t]{1,8}\\{0,16}["']?([^\s"'`\\]{1,200})(?:\\{0,16}["'])?/y;
  let read = new Map<number, Found | null>();
  const wordAt = (at: number): Found | null => {
    const before = read.get(at);
    if (before !== undefined) return before;
    next.lastIndex = at;
    const [all = '', word = ''] = next.exec(text) ?? [];
    const begin = at + all.indexOf(word, /^[ \t]*\\*["']?/.exec(all)?.[0].length);
    const found = word === '' || /^[;|&]/.test(word) ? null : { word: { at: begin, text: word }, end: next.lastIndex };
    read.set(at, found);
    return found;
  };
  return (at) => {
    if (read.size > 1_000) read = new Map();
    const words: Word[] = [];
    for (let found = wordAt(at); found !== null && found.end <= at + far; found = wordAt(found.end)) {
      words.push(found.word);
      if (words.length === most) break;
    }
    return words;
  };
}

/** Where the value ends that begins within a word, which may stand in quotes. */
function endOf(text: string, { at }: Word): number {
  const quote = /(\\{0,16})["']$/.exec(text.slice(Math.max(0, at - 17), at))?.[0];
  if (quote !== undefined) return valueEnd(text, at - quote.length, plainLead);
  const end = /^[^\s"'`]*/.exec(text.slice(at, at + 4096))?.[0].length ?? 0;
  return at + end;
}

/** Secrets that nothing names but their place behind a program: `vault login x`, `htpasswd -b file user x`. */
export function argumentSpans(text: string): Span[] {
  const spans: Span[] = [];
  const wordsAfter = createReader(text);
  let done = 0;
  for (const { 0: head, index, ...groups } of text.matchAll(heads)) {
    if (index < done) continue;
    const which = programs.findIndex((_, at) => groups[at + 1] !== undefined);
    for (const { word, from } of programs[which]?.[1](wordsAfter(index + head.length)) ?? []) {
      const to = endOf(text, word);
      spans.push([word.at + from, to]);
      done = to;
    }
  }
  return spans;
}

const digest = /(?<![\w-])digest[ \t]{1,4}(?=\w{1,20}=)/gi;

/** What answers a challenge of HTTP's digest, and the challenge: with both a password is guessed in peace. */
export function digestSpans(text: string): Span[] {
  const spans: Span[] = [];
  let done = 0;
  for (const { 0: found, index } of text.matchAll(digest)) {
    if (index < done) continue;
    const from = index + found.length;
    const line = /^[^\n]*/.exec(text.slice(from, from + 1000))?.[0] ?? '';
    for (const { 0: name, index: at } of line.matchAll(/(?<![\w-])(?:response|c?nonce|opaque)=/gi)) {
      if (from + at < done) continue;
      const value = from + at + name.length;
      done = valueEnd(text, value, plainLead);
      spans.push([value, done]);
    }
  }
  return spans;
}

const prompts =
  /(?:passw(?:or)?d|passphrase|passcode|token|otp|pin|verification code)(?:[ \t]{1,4}(?:for|of)[ \t]{1,4}[^\n:]{1,80}|[ \t]{0,4}\([^\n)]{0,80}\))?[:?][ \t]{0,8}\\?\n{1,2}[ \t]{0,8}(?=[^\s"'`])/gi;

/** What was typed, in the line behind a prompt: one word, and no name of another prompt or key. */
export function typedSpans(text: string): Span[] {
  return [...text.matchAll(prompts)].flatMap(({ 0: found, index }) => {
    const from = index + found.length;
    const word = /^[^\s"'`]*/.exec(text.slice(from, from + 1000))?.[0] ?? '';
    const after = text.slice(from + word.length, from + word.length + 24);
    return /^[ \t]{0,20}\\?(?:[\n"'`]|$)/.test(after) && !/^[\w.-]{1,60}:$/.test(word)
      ? [[from, from + word.replace(/\\$/, '').length] satisfies Span]
      : [];
  });
}

const codes = /(?:[?&]|%(?:25){0,3}(?:3f|26))code(?:=|%(?:25){0,3}3d)(?=[A-Za-z0-9])/gi;

/** `?code=` of OAuth: whoever has it in time gets the token. Numbers and names of errors are other codes. */
export function codeSpans(text: string): Span[] {
  return [...text.matchAll(codes)].flatMap(({ 0: found, index }) => {
    const from = index + found.length;
    const value = /^[^\s"'`&<>#]*/.exec(text.slice(from, from + 2000))?.[0] ?? '';
    return /^(?:\d+|[A-Z_]+)(?:[%,;.)].*)?$/.test(value) ? [] : [[from, from + value.length] satisfies Span];
  });
}
