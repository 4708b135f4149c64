import type { Span } from './secret-span.ts';

/**
 * Private keys, also in one line with `\n` in it; without their end they go to the end of the text, and without their beginning,
 * as the last lines of a journal may have them, they come from the beginning of the text.
 */
export function keySpans(text: string): Span[] {
  const keys = between(text, '-----BEGIN ', /^-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY/, '-----END ', '-----');
  const lines = putty(text);
  return [
    ...before(text, /-----END [A-Z0-9 ]{0,40}PRIVATE KEY/, keys),
    ...keys,
    ...before(text, /Private-MAC:/, lines),
    ...lines,
  ];
}

function before(text: string, end: RegExp, whole: Span[]): Span[] {
  const at = text.search(end);
  return at === -1 || (whole[0]?.[0] ?? Infinity) < at ? [] : [[0, at]];
}

function between(text: string, begin: string, head: RegExp, end: string, close: string): Span[] {
  const spans: Span[] = [];
  let at = text.indexOf(begin);
  while (at !== -1) {
    let next = at + begin.length;
    if (head.test(text.slice(at, at + 80))) {
      const ends = text.indexOf(end, next);
      const closes = ends === -1 ? -1 : text.indexOf(close, ends + end.length);
      next = closes === -1 ? text.length : closes + close.length;
      spans.push([at, next]);
    }
    at = text.indexOf(begin, next);
  }
  return spans;
}

const putty = (text: string) => between(text, 'Private-Lines:', /^/, 'Private-MAC', ':');

/** As it stands when it is whole. */
export const slackToken = /(?<![A-Za-z0-9])(?:xox[a-z]|xapp|xwfp)-[A-Za-z0-9-]{4,}/;

const word = '[A-Za-z0-9_-]';
const letters = '[A-Za-z0-9]';

/** Tokens that are known by how they begin: the beginning, what may follow, and how much of it makes one. */
const shapes: [begin: string, body: string, least: number][] = [
  ['(?:AKIA|ASIA|ABIA|ACCA|AGPA|AIDA|AROA|ANPA)', '[A-Z0-9]', 12],
  ['gh[opusr]_', word, 10],
  ['github_pat_', word, 10],
  ['gl(?:pat|dt|rt|ptt|soat|ft|imt|agent|cbt)-', '[A-Za-z0-9_.-]', 8],
  ['GR1348941', word, 8],
  ['(?:xox[a-z]|xapp|xwfp)-', '[A-Za-z0-9.-]', 3],
  ['(?:sk|rk|pk)_(?:live|test)_', word, 4],
  ['whsec_', '[A-Za-z0-9+/=_-]', 8],
  ['AIza', word, 10],
  ['ya29\\.', '[A-Za-z0-9._-]', 8],
  ['1//0', word, 16],
  ['GOCSPX-', word, 8],
  ['eyJ', '[A-Za-z0-9._=-]', 8],
  ['pscale_(?:pw|tkn|oauth|api)_', '[A-Za-z0-9._-]', 4],
  ['npm_', letters, 16],
  ['do[por]_v1_', word, 8],
  ['SG\\.', '[A-Za-z0-9._-]', 10],
  ['(?:SK|AC)', '[0-9a-f]', 16],
  ['(?:hf|api_org)_', letters, 10],
  ['sk-', word, 16],
  ['pypi-', word, 16],
  ['rubygems_', letters, 16],
  ['dckr_(?:pat|oat)_', word, 8],
  ['hv[sbr]\\.', word, 12],
  ['dp\\.(?:pt|st|ct|sa|scim|audit)\\.', '[A-Za-z0-9._-]', 8],
  ['AT(?:ATT|CTT|BB)[A-Za-z0-9]', '[A-Za-z0-9_=-]', 12],
  ['CFPAT-', word, 8],
  ['PMAK-', word, 8],
  ['NR(?:AK|II|BR|RA)-', word, 8],
  ['gl(?:sa|c)_', '[A-Za-z0-9_+/=-]', 12],
  ['lin_(?:api|oauth)_', letters, 8],
  ['(?:figd|sntr[yu]s|sbp|ntn|tfp|r8|dd[pa])_', '[A-Za-z0-9_+/=-]', 12],
  ['shp(?:at|ca|pa|ss|tka)_', letters, 8],
  ['(?:sq0[a-z]{3}|EAAA)', '[A-Za-z0-9_-]', 16],
  ['xkeysib-', word, 8],
  ['(?:key|pul)-', '[0-9a-f]', 16],
  ['(?=[0-9a-f]{32}-us[0-9])', '[0-9a-z-]', 16],
  ['dapi', '[0-9a-f]', 16],
  ['AGE-SECRET-KEY-1', '[A-Z0-9]', 4],
  ['LTAI', letters, 12],
  ['hooks\\.slack\\.com/(?:services|workflows|triggers)/', '[^\\s"\'<>`]', 4],
  ['(?:discord(?:app)?\\.com/api/webhooks|webhook\\.office\\.com)/', '[^\\s"\'<>`]', 4],
  ['api\\.telegram\\.org/bot', '[A-Za-z0-9:_-]', 4],
  ['\\$(?:1|2[aby]?|5|6|y|apr1|argon2\\w{1,3})\\$', '[^\\s"\':]', 8],
  ['FlyV1 |fo1_', '[A-Za-z0-9_,+/=-]', 8],
];

// Each alternative is a fixed beginning and one run of characters: nothing to go back over but a run that is too short.
const known = new RegExp(
  `(?<![A-Za-z0-9])(?:${shapes.map(([begin, body, least]) => `(?:${begin})(?:${body}{${least},}|${body}{1,${least}}(?=\\n|$))`).join('|')})`,
  'g',
);

const beginning = new RegExp(`^(?:${shapes.map(([begin]) => begin).join('|')})`);

/** Tokens of known forms, but for their beginning, which says what they are; and random words: long, of mixed kinds of characters that change at every turn. */
export function shapeSpans(text: string): Span[] {
  const spans: Span[] = [...text.matchAll(known)].map(({ 0: found, index }) => [
    index + (beginning.exec(found)?.[0].length ?? 0),
    index + found.length,
  ]);
  for (const { 0: found, index } of text.matchAll(/[A-Za-z0-9+/=_-]{32,}/g)) {
    if (isRandom(found) && !isPublic(found, text.slice(Math.max(0, index - 60), index))) {
      spans.push([index, index + found.length]);
    }
  }
  return spans;
}

/** The fingerprint of a key, and a public key as OpenSSH writes them. */
const isPublic = (found: string, before: string) =>
  before.endsWith('SHA256:') ||
  (found.startsWith('AAAA') && /(?:^|\s)(?:ssh-|sk-ssh-|ecdsa-sha2-|sk-ecdsa-sha2-)[a-z0-9@.-]{1,40} $/.test(before));

const kindOf = (code: number) => (code >= 97 ? 1 : code >= 65 ? 2 : code >= 48 && code <= 57 ? 3 : 0);

/**
 * Of random text in letters of both cases and digits, six neighbours in ten are of different kinds; of words, two. What
 * separates words counts for neither, so that a path with a random name in it stays readable.
 */
function isRandom(text: string): boolean {
  const seen = [0, 0, 0, 0];
  let neighbours = 0;
  let changes = 0;
  let last = 0;
  for (let at = 0; at < text.length; at++) {
    const kind = kindOf(text.charCodeAt(at));
    seen[kind] = (seen[kind] ?? 0) + 1;
    if (kind !== 0 && last !== 0) {
      neighbours += 1;
      if (kind !== last) changes += 1;
    }
    last = kind;
  }
  const mixed = [1, 2, 3].every((kind) => (seen[kind] ?? 0) > 0);
  return mixed && changes >= neighbours * 0.4;
}
