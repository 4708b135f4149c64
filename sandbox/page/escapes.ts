import { isRecord } from '../slack/args.ts';

/**
 * The library turns `&lt;!channel&gt;` back into `<!channel>` before it looks for markup, and so draws a live mention
 * where Slack shows text. Escapes therefore travel through it as characters of the private use area.
 */
const pairs: readonly [escaped: string, standIn: string][] = [
  ['&lt;', '\ue000'],
  ['&gt;', '\ue001'],
  ['&amp;', '\ue002'],
];

const colon = '\ue003';
/** The library takes `:00–02:` of a window for the name of an emoji, and what stands between the colons of two lines. */
const window = /(\d\d):(\d\d–\d\d):(\d\d)/g;
/** The end of a word that is no emoji's. */
const ofSentence = /(?<!:[a-z0-9_+-]+):(?=\s|$)/g;

/**
 * Replaces the escapes in every text of a block. Leaves `verbatim` out: Slack only stops making links by itself under
 * it, while the library draws no markup at all.
 */
export function hideEscapes(value: unknown): unknown {
  if (typeof value === 'string') {
    const safe = value.replace(window, `$1${colon}$2${colon}$3`).replace(ofSentence, colon);
    return pairs.reduce((text, [escaped, standIn]) => text.replaceAll(escaped, standIn), safe);
  }
  if (Array.isArray(value)) return value.map(hideEscapes);
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).filter(([key]) => key !== 'verbatim');
  return Object.fromEntries(entries.map(([key, one]) => [key, hideEscapes(one)]));
}

/** Puts them back into HTML, where they read as the characters they stand for. */
export function showEscapes(html: string): string {
  return pairs.reduce((text, [escaped, standIn]) => text.replaceAll(standIn, escaped), html).replaceAll(colon, ':');
}
