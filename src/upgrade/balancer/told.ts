import type { Pool, Server } from './types.ts';

const line = /^([A-Za-z0-9][A-Za-z0-9._-]{0,62}) (in|out)(?: (up|down))?$/;

/**
 * What a program of the settings says: `NAME in|out`, and `up` or `down` where it knows; nothing else.
 * @returns null when it is anything else
 */
export function readTold(lines: string[]): Pool | null {
  const said = lines.map((each) => each.trim()).filter((each) => each !== '');
  const pool = said.flatMap((each): Server[] => {
    const [, name, gets, well] = line.exec(each) ?? [];
    if (name === undefined) return [];
    return [
      {
        name,
        gets: gets === 'in' ? 'traffic' : 'nothing',
        well: well === undefined ? 'unasked' : well === 'up' ? 'yes' : 'no',
        port: null,
        requests: null,
      },
    ];
  });
  const isWhole = pool.length > 0 && pool.length === said.length;
  return isWhole && new Set(pool.map(({ name }) => name)).size === pool.length ? pool : null;
}
