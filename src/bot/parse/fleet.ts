import { plainInput } from './words.ts';

/** What was typed, without the fleet that it names; `fleet` is null where it names none. */
export interface Addressed {
  fleet: string | null;
  text: string;
}

/** Takes `--fleet NAME` out of a typed command; what stands in quotes is somebody's words, and is left alone. */
export function addressed(text: string): Addressed | { problem: string } {
  const input = plainInput(text);
  const tokens = [...input.matchAll(/(?:--[A-Za-z-]+=)?(?:"[^"]*(?:"|$)|'[^']*(?:'(?=\s|$)|$)|\S+)/g)].map(
    ([token]) => token,
  );
  const kept: string[] = [];
  const named: string[] = [];
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at] ?? '';
    const flag = /^--fleet(?:=(.*))?$/is.exec(token);
    if (flag === null) kept.push(token);
    else named.push((flag[1] ?? tokens[++at] ?? '').replace(/^(["'])(.*)\1$/, '$2').toLowerCase());
  }
  const [fleet = null, ...more] = named;
  if (more.length > 0) return { problem: 'one fleet is expected: --fleet is given twice' };
  if (fleet === '' || fleet?.startsWith('--')) return { problem: '--fleet needs a value: --fleet NAME' };
  return fleet === null ? { fleet, text } : { fleet, text: kept.join(' ') };
}
