import { plainLine } from '../../base/plain.ts';
import type { Actor } from '../rollout/types.ts';

/** What people are called, by their ids; whoever is not in it is called by the id. */
export type Names = Readonly<Record<Actor, string>>;

/** `ines (U0INES)`: the id is what was signed, the name is of the settings. */
export function nameOf(actor: Actor, names: Names): string {
  const name = Object.hasOwn(names, actor) ? names[actor] : undefined;
  return name === undefined ? actor : `${name} (${actor})`;
}

/** What a host or a person said, as one line that cannot become markup, a link or an end of its cell. */
export function md(text: string, max = 400): string {
  const line = plainLine(text).replace(/\p{Surrogate}/gu, '\ufffd');
  const points = [...line];
  const cut = points.length <= max ? line : `${points.slice(0, max - 1).join('')}…`;
  return cut
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replace(/[\\`*_{}[\]|~>]/g, (sign) => `\\${sign}`)
    .replace(/:\/\//g, ':\u200b//')
    .replace(/www\./gi, (word) => `${word.slice(0, 3)}\u200b.`)
    .replaceAll('@', '@\u200b');
}

/** Lines from a host, in a block that no line of them can end. */
export function codeBlock(lines: readonly string[], most = 40): string {
  const shown = lines.slice(0, most).map((line) => `    ${plainLine(line).slice(0, 300)}`);
  const more = lines.length > most ? [`    … and ${lines.length - most} more lines`] : [];
  return [...shown, ...more].join('\n');
}

/** `2026-11-24 07:30:05` in UTC. */
export const utc = (at: number): string => new Date(at).toISOString().slice(0, 19).replace('T', ' ');

/** E.g. `1 min 5 s`: as it was, to the second. */
export function took(ms: number): string {
  if (ms < 10_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  const [hours, minutes, rest] = [Math.floor(seconds / 3_600), Math.floor((seconds % 3_600) / 60), seconds % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${rest} s` : `${rest} s`;
}

export const short = (hash: string): string => hash.slice(0, 12);

export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string[] => [
  `| ${head.join(' | ')} |`,
  `|${head.map(() => '---').join('|')}|`,
  ...rows.map((row) => `| ${row.join(' | ')} |`),
];
