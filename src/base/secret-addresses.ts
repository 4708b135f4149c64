import type { Span } from './secret-span.ts';

/** Ends an address or a line of a .pgpass: they hold no blanks, and stand in quotes where they do. */
const isEdge = (code: number) =>
  code === 32 || (code >= 9 && code <= 13) || code === 34 || code === 39 || code === 60 || code === 62 || code === 96;

/** Passwords in addresses: `scheme://user:password@host`, `user:password@host`, `host:port:database:user:password`. */
export function addressSpans(text: string): Span[] {
  const spans: Span[] = [];
  const mark = /[:@]/g;
  for (let found = mark.exec(text); found !== null; found = mark.exec(text)) {
    let from = found.index;
    while (from > 0 && !isEdge(text.charCodeAt(from - 1))) from -= 1;
    let to = found.index;
    while (to < text.length && !isEdge(text.charCodeAt(to))) to += 1;
    const span = inRun(text.slice(from, to), to === text.length || text.charCodeAt(to) === 10);
    if (span !== null) spans.push([from + span[0], from + span[1]]);
    mark.lastIndex = to;
  }
  return [...spans, ...encodedSpans(text)];
}

const encodedScheme = /%(?:25){0,3}3A(?:%(?:25){0,3}2F){2}/gi;

/** `scheme%3A%2F%2Fuser%3Apassword%40host`: an address as the parameter of another. */
function encodedSpans(text: string): Span[] {
  return [...text.matchAll(encodedScheme)].flatMap(({ 0: found, index }): Span[] => {
    const from = index + found.length;
    const run = /^[^\s"'<>`&]*/.exec(text.slice(from, from + 300))?.[0] ?? '';
    const at = [...run.matchAll(/%(?:25){0,3}40/g)].at(-1)?.index;
    if (at !== undefined) return [[from, from + at]];
    const end = from + run.length;
    const colon = /^[^%]{0,100}%(?:25){0,3}3A(?!\d{0,5}(?:%|$))/i.exec(run)?.[0].length;
    const isCut = end === text.length || text[end] === '\n';
    return isCut && colon !== undefined ? [[from + colon, end]] : [];
  });
}

function inRun(found: string, last: boolean): Span | null {
  const scheme = found.indexOf('://');
  const at = found.lastIndexOf('@');
  if (scheme !== -1) {
    const from = scheme + 3;
    if (at >= from && !isScope(found, from, at)) return [from, at];
    return last ? cutPassword(found, from) : null;
  }
  return at > 0 ? plainPair(found, at) : passLine(found);
}

/** `https://registry/@scope/name`: a path, not a name with a password. */
const isScope = (found: string, from: number, at: number) =>
  found[at - 1] === '/' && !found.slice(from, at).includes(':');

/** The line was cut between password and host. A port is no password. */
function cutPassword(found: string, from: number): Span | null {
  const rest = found.slice(from, from + 300);
  const authority = /^[^/?#]*/.exec(rest)?.[0] ?? '';
  const colon = authority.startsWith('[') ? -1 : authority.indexOf(':');
  if (colon === -1 || /^(?:\d{0,5}|port)[,;.)\]]*$/i.test(authority.slice(colon + 1))) return null;
  return [from + colon + 1, found.length];
}

/** As in `root:password@tcp(db:3306)/zw`. An image's digest and a mail address are none. */
function plainPair(found: string, at: number): Span | null {
  const colon = found.slice(0, Math.min(at, 200)).indexOf(':');
  if (colon < 1 || at - colon < 2) return null;
  if (/(?:^|[^A-Za-z])(?:mailto|sip|acct|xmpp)$/i.test(found.slice(0, colon))) return null;
  return found.startsWith('@sha256:', at) ? null : [colon + 1, at];
}

/** A line of a .pgpass file; see "The Password File" in PostgreSQL's manual. */
function passLine(found: string): Span | null {
  const parts = found.slice(0, 1000).split(':', 5);
  if (parts.length < 5) return null;
  const [host = '', port = '', database = '', user = ''] = parts;
  const from = host.length + port.length + database.length + user.length + 4;
  const isPort = /^(?:\*|\d{3,5})$/.test(port);
  const named = /^(?:\*|.*[A-Za-z].*)$/.test(database) && user !== '' && host !== '';
  const hex = parts.every((part) => /^[0-9a-f]{0,4}$/i.test(part));
  return isPort && named && !hex && from < found.length ? [from, found.length] : null;
}
