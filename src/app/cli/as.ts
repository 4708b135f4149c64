import { Ended } from './exit.ts';

/** As whom somebody wants to act: a name of `people:`, and the file of a key; null: what the agent has. */
export interface As {
  as: string | null;
  key: string | null;
}

/** Flags of this command line that every verb takes, besides those of the chat. */
export const asFlags: readonly string[] = ['as', 'key'];

/** Takes `--as NAME` and `--key FILE` out of what was typed. `ZEITWORK_KEY` stands for the latter. @throws Ended */
export function readAs(words: string[], env: NodeJS.ProcessEnv): As & { rest: string[]; isNamed: boolean } {
  const found: Record<string, string> = {};
  const rest: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    const [, flag, inline] = /^--(as|key)(?:=([\s\S]*))?$/.exec(word) ?? [];
    if (flag === undefined) {
      rest.push(word);
      continue;
    }
    const value = inline ?? words[++at];
    if (value === undefined || value === '' || value.startsWith('--')) {
      throw new Ended('usage', `--${flag} needs a value: ${flag === 'as' ? '--as NAME' : '--key FILE'}`);
    }
    if (found[flag] !== undefined) throw new Ended('usage', `--${flag} is given twice`);
    found[flag] = value;
  }
  const isNamed = Object.keys(found).length > 0;
  return { as: found.as ?? null, key: found.key ?? env.ZEITWORK_KEY ?? null, rest, isNamed };
}
