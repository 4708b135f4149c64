import { plain } from '../../base/plain.ts';

const doubleQuotes = /[\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033]/g;
const singleQuotes = /[\u2018\u2019\u201a\u201b\u2032]/g;
const hyphens = /[\u2010\u2011\u2012\u2212\ufe63\uff0d]/g;
const longDashes = /[\u2013\u2014\u2015]/g;

/**
 * Undoes what Slack (with `should_escape`) and phone keyboards do to a typed command: `<@U1|bob>` becomes `@U1`, links
 * become their label, typographic quotes, dashes and spaces become plain ones.
 */
export function plainInput(text: string): string {
  return plain(text.replace(/[\r\0]/g, ' '))
    .replace(/<([@#!])([^|<>]*)(?:\|[^<>]*)?>/g, '$1$2')
    .replace(/<[a-z]+:[^|<>]*\|([^<>]*)>/gi, '$1')
    .replace(/<([a-z]+:[^|<>]*)>/gi, '$1')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
    .replace(doubleQuotes, '"')
    .replace(singleQuotes, "'")
    .replace(hyphens, '-')
    .replace(/(^|\s)[\u2013\u2014\u2015]+-*(?=\S)/g, '$1--')
    .replace(longDashes, '-');
}

/** Splits at white space; a quote at the start of a word (or after `=`) holds words together, an unclosed one to the end. */
export function words(text: string): string[] {
  const found = text.matchAll(/(--[A-Za-z-]+=)?(?:"([^"]*)(?:"|$)|'([^']*)(?:'(?=\s|$)|$)|(\S+))/g);
  return [...found].map(([, flag, double, single, bare]) => `${flag ?? ''}${double ?? single ?? bare ?? ''}`);
}
