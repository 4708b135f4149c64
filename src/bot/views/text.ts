import { type Actor, bySettings, isLocal } from '../../base/actor.ts';
import { inWords } from '../../base/duration.ts';
import { plain } from '../../base/plain.ts';
import type { Gate, Override } from '../../upgrade/rollout/types.ts';

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** Removes control, bidirectional and invisible characters; keeps line breaks. */
export function clean(text: string): string {
  return plain(text.replace(/\r\n?/g, '\n').replace(/\t/g, ' ')).replace(/\p{Surrogate}/gu, '\ufffd');
}

/** The title of a part where a sentence begins; names of regions stay as they are. */
export const partFirst = (title: string): string =>
  foreign(title, 80).replace(/^(?:all|the)(?= )/, (word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`);

/** What Slack needs escaped, so that no text can become a mention or a link. */
export function escaped(text: string): string {
  return text.replace(/[&<>]/g, (sign) => entities[sign] ?? sign);
}

/** At most `max` code points, the last one an ellipsis when something was cut. */
export function clip(text: string, max: number): string {
  if (text.length <= max) return text;
  const points = [...text];
  return points.length <= max ? text : `${points.slice(0, max - 1).join('')}…`;
}

/** At most `max` UTF-16 units of finished mrkdwn, never ending inside an entity, a mention or a character. */
export function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  return `${text.slice(0, max - 1).replace(/(&[a-z]*|<[^<>]*|[\ud800-\udbff])$/, '')}…`;
}

/** One line of text that came from a host or a person, safe in mrkdwn: it cannot mention, link, quote or break the line. */
export function foreign(text: string, max = 300): string {
  const line = clean(text).replace(/\s+/g, ' ').trim();
  return escaped(clip(line, max)).replaceAll('`', 'ʼ');
}

/** Lines from a host for a code block, in which only backticks could do harm. */
export function codeLines(lines: string[], maxLines: number, maxWidth = 160): string {
  const shown = lines.flatMap((line) => clean(line).split('\n')).slice(0, maxLines);
  return shown.map((line) => escaped(clip(line, maxWidth)).replaceAll('`', 'ʼ')).join('\n');
}

/** Why windows are overridden, and where that is found. */
export const overrideWhy = ({ reason, incident }: Pick<Override, 'reason' | 'incident'>): string =>
  `${foreign(reason)}${incident === undefined ? '' : ` (${linkTo(incident)})`}`;

/** An address that one can press, and that is read as it is; what would not stay one is shown as text. */
export const linkTo = (address: string): string =>
  /^https?:\/\/[^\s<>|]+$/.test(address) && address === clean(address) ? `<${escaped(address)}>` : foreign(address);

/** Why a gate is shut, with the person whom it names. */
export const gateReason = ({ reason, by }: Pick<Gate, 'reason' | 'by'>): string =>
  heldReason(reason, 300) + (by === undefined ? '' : ` by ${who(by)}`);

/**
 * Why a rollout is held: only our own sentence about a rollback names a person by id, and it comes first; what a host said
 * stands behind a colon and mentions nobody.
 */
export function heldReason(reason: string, max = 500): string {
  const ours = /^([^:;(]+ was rolled back on request of )([UW](?=[A-Z]*\d)[A-Z0-9]{2,})(?=;|$)/;
  return foreign(reason, max).replace(ours, (_, before: string, actor: string) => `${before}<@${actor}>`);
}

/** What stands where a person may stand, or somebody without an account: a Slack id as a mention. */
export const person = (text: string, max = 120): string =>
  /^[UW][A-Z0-9]{2,}$/.test(text) && /\d/.test(text) ? `<@${text}>` : foreign(text, max);

/** Words of ours for whoever asked, in which people are named by their ids; nothing that a host said goes through here. */
export function ownWords(text: string, max = 300): string {
  return foreign(text, max).replace(/\b[UW](?!TF)(?=[A-Z]*\d)[A-Z0-9]{2,}\b/g, (id) => `<@${id}>`);
}

export function who(actor: Actor): string {
  if (actor === bySettings) return 'the settings (`policy.autoRollback`)';
  return isLocal(actor) ? foreign(actor, 60) : `<@${foreign(actor, 60)}>`;
}

/** An instant (epoch ms) in the reader's own zone, with UTC for whoever cannot show that. */
export function when(at: number): string {
  return `<!date^${Math.floor(at / 1000)}^{date_short_pretty} {time}|${utc(at)}>`;
}

export function utc(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** Milliseconds in words, to the nearest. */
export const span = (ms: number): string => inWords(ms, Math.round);

export function count(many: number, noun: string): string {
  return `${many} ${noun}${many === 1 ? '' : 's'}`;
}

/** Begins as a sentence does. */
export const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** With a sign before the first line. */
export const marked = (sign: string, [first = '', ...rest]: string[]): string[] => [`${sign} ${first}`, ...rest];

/** At most `max` names, then how many more. */
export function names(all: string[], max = 6): string {
  const shown = all.slice(0, max).map((name) => foreign(name, 80));
  return all.length > max ? `${shown.join(', ')} and ${all.length - max} more` : shown.join(', ');
}

/** mrkdwn as a terminal shows it: no mentions, dates as UTC, no formatting signs. */
export function toTerminal(text: string): string {
  return text
    .replace(/<!date\^[^|>]*\|([^>]*)>/g, '$1')
    .replace(/<!subteam\^([^|>]*)(?:\|[^>]*)?>/g, '@$1')
    .replace(/<@([^|>]*)(?:\|[^>]*)?>/g, '@$1')
    .replace(/<(https?:[^|>]*)(?:\|[^>]*)?>/g, '$1')
    .replace(/(^|\s)\*([^*\n]+)\*/g, '$1$2')
    .replace(/```\n?/g, '')
    .replaceAll('`', '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}
