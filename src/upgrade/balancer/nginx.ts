import type { Pool, Wanted } from './types.ts';

/** `server ADDRESS PARAMETERS; # NAME`: one line each, so that all else of the file stays as it is, byte for byte. */
const line = /^(\s*server\s+)([^\s;#]+)([^;#]*);([^\S\n]*#\s*([A-Za-z0-9][A-Za-z0-9._-]*))?[^\n]*$/;

interface Written {
  at: number;
  name: string;
  address: string;
  isDown: boolean;
}

function writtenIn(text: string): Written[] {
  return text.split('\n').flatMap((each, at) => {
    const [, , address = '', parameters = '', , name] = line.exec(each) ?? [];
    if (address === '' || name === undefined) return [];
    return [{ at, name, address, isDown: isDown(parameters) }];
  });
}

const isDown = (parameters: string): boolean => /(?:^|\s)down(?:\s|$)/.test(parameters);

/** @returns null when no line has a server with a name, or two have the same */
export function readNginx(text: string): Pool | null {
  const found = writtenIn(text);
  if (found.length === 0 || new Set(found.map(({ name }) => name)).size !== found.length) return null;
  return found.map(({ name, address, isDown }) => ({
    name,
    gets: isDown ? 'nothing' : 'traffic',
    well: 'unasked',
    port: Number(/:(\d{1,5})$/.exec(address)?.[1] ?? 80),
    requests: null,
  }));
}

/** The file with those in who are wanted in, and those `down` who are wanted out. */
export function rewritten(text: string, wanted: Wanted): string {
  const lines = text.split('\n');
  for (const { at, name, isDown } of writtenIn(text)) {
    const before = lines[at] ?? '';
    if (wanted.in.includes(name) && isDown) lines[at] = before.replace(/(\s)down(?=\s|;)/, '').replace(/\s+;/, ';');
    if (wanted.out.includes(name) && !isDown) lines[at] = before.replace(';', ' down;');
  }
  return lines.join('\n');
}
