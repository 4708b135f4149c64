import type { Span } from './secret-span.ts';
import { valueEnd } from './secret-values.ts';

const strong =
  /passw|passwd|passphrase|passcode|secret|token|bearer|jwt|dsn$|apikey|accesskey|privatekey|privkey|accountkey|sharedaccess|masterkey|signingkey|encryptionkey|storagekey|keydata$|credential|authoriz|cookie|sessionid|sessionkey|connectionstring|connstr|webhook|codeverifier|devicecode|authorizationcode|assertion$|samlresponse$|(?:database|db|redis|mongo|mongodb|amqp|broker|jdbc|sentry|postgres|mysql)(?:url|uri)$/;
/** Secret as the last word of a name. */
const weak = /(?:^|[-_.])(?:key|pass|pwd|pw|psk|pat|auth|sig|signature|otp)$/i;
const weakCamel = /[a-z0-9](?:Key|Pass|Pwd|Auth|Sig|Signature)$/;
/** Says something about a secret and is none; or a key of another kind. */
const about =
  /(?:nopasswd|file|path|dir|name|type|length|len|count|ttl|expires|expiry|expiresin|expiresat|age|policy|hint|version|algorithm|alg|size|limit|bucket|required|enabled|(?:token|key|secret|credential)id|hostkey|publickey|pubkey|primarykey|foreignkey|sortkey|partitionkey|routingkey|cachekey|objectkey)$/;

/** How a value is given: `=` in the open, `:` as in YAML and headers, as an option, or under a quoted name as in JSON. */
export type Given = '=' | ':' | 'option' | 'quoted';

/** Whether what stands under this name is to be hidden. */
export function isSecretName(name: string, given: Given): boolean {
  if (!/[kpstacdjbwo]/i.test(name) || name.length < 2) return false;
  const folded = name.toLowerCase().replace(/[-_.]/g, '');
  if (about.test(folded)) return false;
  if (strong.test(folded)) return true;
  if (!weak.test(name) && !weakCamel.test(name)) return false;
  // "host key: changed" and "auth: failed" are prose; `api_key: x` and `"key": "x"` are not.
  return given !== ':' || !/^(?:key|pass|pwd|pw|auth|sig|signature)$/i.test(name);
}

/** What stands between a name and its value: `=`, `:`, `=>`, `:=`, and `=` or `:` as an address writes them. */
const separators = /%(?:25){0,3}3[AaDd]|=>|:=|[=:＝：]/g;
const farBack = 80;

interface Name {
  name: string;
  quoted: boolean;
  /** Nothing but an indentation, a dash or `export` stands before it in its line, or in the quotes around it. */
  first: boolean;
  /** The quote right before it, when it is the first in a quoted text. */
  within: string | null;
}

const isNameCode = (code: number) =>
  (code >= 97 && code <= 122) ||
  (code >= 65 && code <= 90) ||
  (code >= 48 && code <= 57) ||
  code === 95 ||
  code === 45 ||
  code === 46;

/** The name that ends before `at`, perhaps in quotes; bounded, since it is asked for every separator. */
function nameBefore(text: string, at: number): Name | null {
  let end = at;
  while (end > at - 8 && (text[end - 1] === ' ' || text[end - 1] === '\t')) end -= 1;
  const quotes = end;
  while (end > quotes - 16 && end > 0 && `"'\\]`.includes(text[end - 1] ?? '')) end -= 1;
  let from = end;
  while (from > end - farBack && from > 0 && isNameCode(text.charCodeAt(from - 1))) from -= 1;
  if (from === end) return null;
  const quoted = quotes !== end;
  const lead = from === 0 || text[from - 1] === '\n' ? '' : leadBefore(text, from);
  const within = !quoted && lead !== null && /["'`]$/.test(lead) ? lead : null;
  return { name: text.slice(from, end), quoted, first: lead !== null, within };
}

/** What stands before a name that is the first of its line or quoted text; null when it is not the first. */
function leadBefore(text: string, from: number): string | null {
  const before = text.slice(Math.max(0, from - 40), from);
  const quote = /(?:^|[\s:=(,[{])(\\{0,16}["'`])[ \t]{0,20}$/.exec(before)?.[1];
  if (quote !== undefined) return quote;
  const line = /(?:^|\n)[ \t]*(?:(?:-|\+|>|export|set|setenv|Environment=)[ \t]*)?$/.exec(before);
  if (line === null || (line[0][0] !== '\n' && from > 40)) return null;
  return '';
}

/** The values of secret-looking names, in whatever way name and value are written. */
export function namedSpans(text: string): Span[] {
  const spans: Span[] = [];
  let done = 0;
  for (const { 0: separator, index } of text.matchAll(separators)) {
    if (index < done) continue;
    const span = spanAt(text, index, separator);
    if (span === null) continue;
    spans.push(span);
    done = span[1];
  }
  return [...spans, ...elementSpans(text), ...statementSpans(text)];
}

function spanAt(text: string, index: number, separator: string): Span | null {
  const after = text[index + separator.length] ?? '';
  const compared =
    (separator === '=' || separator === ':') && (after === '=' || '=!<>:'.includes(text[index - 1] || ' '));
  if (compared || (separator === ':' && (after === ':' || text.startsWith('//', index + 1)))) return null;
  const found = nameBefore(text, index);
  if (found === null) return null;
  const { name, quoted, first, within } = found;
  const colon = separator === ':' || separator === '：' || /^%.*a$/i.test(separator);
  if (!isSecretName(name, quoted ? 'quoted' : colon ? ':' : '=')) return null;
  const from = index + separator.length;
  if (isFolder(name, text.slice(from, from + 20))) return null;
  const to = valueEnd(text, from, { name, colon, quoted, first, within, encoded: separator.startsWith('%') });
  if (to <= from || isCount(name, text.slice(from, Math.min(to, from + 20)))) return null;
  return [from + lead(text, from, to), to];
}

/** Seen from its beginning, so that a run of these is not gone over to its end again and again. */
const isFolder = (name: string, value: string) => /^(?:OLD)?PWD$/.test(name) && /^[ \t]*[/~]/.test(value);

const isCount = (name: string, value: string) => /tokens$/i.test(name) && /^[ \t]*\d{1,9}$/.test(value);

/** Blanks before a value stay. */
const lead = (text: string, from: number, to: number) =>
  /^[ \t]*/.exec(text.slice(from, Math.min(to, from + 20)))?.[0].length ?? 0;

/** `<password>…</password>`. */
function elementSpans(text: string): Span[] {
  return [...text.matchAll(/<([A-Za-z][\w:.-]{0,60})>/g)].flatMap(({ 0: tag, 1: name = '', index }) => {
    if (!isSecretName(name.replace(/^.*:/, ''), 'quoted')) return [];
    const from = index + tag.length;
    const close = text.indexOf('<', from);
    return [[from, close === -1 ? text.length : close] satisfies Span];
  });
}

const statements =
  /\b(?:(?:password|passwd|secret|identified[ \t]{1,4}by)[ \t]{1,4}(?=\\?["'])|login[ \t]{1,4}\S{1,64}[ \t]{1,4}password[ \t]{1,4}|aws_secret_access_key[ \t]{1,4}(?![=: \t]))/gi;

/** `PASSWORD 'x'` and `IDENTIFIED BY 'x'`, as SQL has them; `login x password y`, as .netrc does. */
function statementSpans(text: string): Span[] {
  const spans: Span[] = [];
  let done = 0;
  for (const { 0: found, index } of text.matchAll(statements)) {
    if (index < done) continue;
    const from = index + found.length;
    const to = valueEnd(text, from, {
      name: '',
      colon: false,
      quoted: true,
      first: false,
      within: null,
      encoded: false,
    });
    spans.push([from, to]);
    done = to;
  }
  return spans;
}
