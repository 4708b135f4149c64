import { isSecretName } from './secret-names.ts';
import type { Span } from './secret-span.ts';
import { lineEnd, valueEnd } from './secret-values.ts';

/** Programs that take a password glued to `-p`. */
const glued = /\b(?:mysql\w*|mariadb[\w-]*|mycli|sshpass|7z[ar]?|rar|unrar)\b/;
/** Programs to which `-p` means something else. */
const otherP =
  /\b(?:mkdir|cp|mv|ssh|scp|sftp|systemctl|install|rsync|tar|touch|patch|ls|ps|pgrep|ss|netstat|nc|nmap|podman|docker|unzip|read|git|python\d?|node|npx?|make|find|perl|psql|pg_dump)\b/;
const logsIn = /\b(?:docker|podman|nerdctl|helm|oras|skopeo) (?:registry )?login\b/;
const redis = /\b(?:redis|valkey)-cli\b/;
const ldap = /\bldap\w+\b/;
const curl = /\b(?:curl|wget|httpie?)\b/;
const openssl = /\bopenssl\b/;
/** Programs that take a password behind `-P`. */
const capital = /\b(?:sqlcmd|bcp|[iot]sql|mosquitto_\w+|zip|unzip|zipcloak)\b/;

/** What the programs of a line say about its short options. */
interface Line {
  from: number;
  to: number;
  glued: boolean;
  p: boolean;
  letters: string;
}

function lineAt(text: string, at: number): Line {
  const from = text.lastIndexOf('\n', at) + 1;
  const to = lineEnd(text, at);
  const head = text.slice(from, Math.min(to, from + 2000));
  const own = glued.test(head);
  const letters = `${redis.test(head) ? 'a' : ''}${ldap.test(head) ? 'w' : ''}${curl.test(head) ? 'b' : ''}${openssl.test(head) ? 'kK' : ''}${capital.test(head) ? 'P' : ''}`;
  return { from, to, glued: own, p: own || logsIn.test(head) || !otherP.test(head), letters };
}

/** Options of one dash that are words: `-password`, `-passin`, `-token`. */
const wordy = /^(?:\w{1,20}[-_])?(?:(?:store|key)?pass(?:word|wd|phrase|in|out)?|secret|token)$/i;
const options = /(?<![\w-])(--?)([A-Za-z][\w-]{0,60})/g;
const said = /(?<![\w-])(bearer|basic)[ \t]{1,4}(?=[A-Za-z0-9])/gi;

/** Values of options: `--password x`, `-p x`, `mysql -pSECRET`, `curl -u user:password`; and of `Bearer` and `Basic`. */
export function optionSpans(text: string): Span[] {
  const spans: Span[] = [];
  let line: Line | null = null;
  for (const { 0: found, 1: dashes = '', 2: name = '', index } of text.matchAll(options)) {
    if (index < (spans.at(-1)?.[1] ?? 0)) continue;
    if (line === null || index > line.to) line = lineAt(text, index);
    const span =
      dashes === '--' || wordy.test(name)
        ? longOption(text, index + found.length, name)
        : shortOption(text, index, found, line);
    if (span !== null && span[1] > span[0]) spans.push(span);
  }
  return [...spans, ...saidSpans(text)];
}

/** Where the value of an option begins: after blanks, or as the next word of a quoted list. */
function valueFrom(text: string, at: number): number | null {
  const gap = /^(?:\\{0,16}["'],[ \t]{0,4}(?=\\{0,16}["'])|(?:[ \t]|\\\n){1,8})/.exec(text.slice(at, at + 40))?.[0];
  return gap === undefined ? null : at + gap.length;
}

const plainLead = { name: '', colon: false, quoted: false, first: false, within: null, encoded: false };

function longOption(text: string, at: number, name: string): Span | null {
  const pair = name === 'user' || name === 'proxy-user';
  if (!pair && !isSecretName(name, 'option') && !wordy.test(name)) return null;
  const from = pair && text[at] === '=' ? at + 1 : valueFrom(text, at);
  if (from === null || text[from] === '-') return null;
  const to = valueEnd(text, from, plainLead);
  if (pair) return afterColon(text, from, to);
  return /^(?:is|are|was|or|and|to|for|must|not|in|flag|option|with|needs|has)$/.test(
    text.slice(from, Math.min(to, from + 10)),
  )
    ? null
    : [from, to];
}

function shortOption(text: string, index: number, found: string, line: Line): Span | null {
  const letter = found[1] ?? '';
  if (found.length > 2) return letter === 'p' && line.glued ? [index + 2, valueEnd(text, index + 2, plainLead)] : null;
  if (letter === 'p' && line.glued && !/[\s=]/.test(text[index + 2] ?? ' '))
    return [index + 2, valueEnd(text, index + 2, plainLead)];
  const from = valueFrom(text, index + 2);
  if (from === null || text[from] === '-') return null;
  const to = valueEnd(text, from, plainLead);
  if (letter === 'u' || letter === 'U') return afterColon(text, from, to);
  if (/p/i.test(letter) && /^(?:\d{1,5}(?:[:/]\w+)*|\.{0,2}\/.*)$/.test(text.slice(from, to))) return null;
  return line.letters.includes(letter) || (letter === 'p' && line.p) ? [from, to] : null;
}

/** `user:password`; two numbers are a user and a group. */
function afterColon(text: string, from: number, to: number): Span | null {
  const value = text.slice(from, Math.min(to, from + 300));
  const colon = value.search(/[:%]/);
  if (colon < 1 || /^\\?["']?\d+:\d+\\?["']?$/.test(value)) return null;
  // A token alone: `curl -u TOKEN:`.
  return from + colon + 1 === to ? [from, to - 1] : [from + colon + 1, to];
}

/** `Bearer x`, `Basic x`, not "bearer of news" nor "basic authentication". */
function saidSpans(text: string): Span[] {
  return [...text.matchAll(said)].flatMap(({ 0: found, index }) => {
    const from = index + found.length;
    const to = valueEnd(text, from, plainLead);
    const value = text.slice(from, Math.min(to, from + 60));
    const cut = to === text.length || text[to] === '\n';
    const secret = /[0-9=._~+/-]/.test(value.replace(/[.,;:]$/, '')) || /[a-z][A-Z]/.test(value) || value.length >= 20;
    return secret || (cut && !/^(?:tokens?|auth\w*|scheme|realm)/i.test(value)) ? [[from, to] satisfies Span] : [];
  });
}
