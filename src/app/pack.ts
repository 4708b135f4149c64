import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Refused, wordsOf } from '../base/errors.ts';
import type { Settings } from '../config/index.ts';
import { reportFrom } from './report.ts';

/** One file of a pack. `same`: it is what the journal beside it makes, byte for byte. */
export interface PackFile {
  name: string;
  is: 'same' | 'other' | 'missing' | 'foreign';
}

/**
 * Makes every file of a pack anew from its journal, which the keys of the settings have to have signed; needs neither Redis nor
 * a node. @throws Refused when the journal is not believed
 */
export async function packIn(settings: Settings, directory: string): Promise<{ rollout: string; files: PackFile[] }> {
  const names = await readdir(directory).catch((error: unknown) => {
    throw new Refused(`${directory} cannot be read: ${wordsOf(error)}`);
  });
  const [journal, ...others] = names.filter((name) => name.endsWith('.jsonl'));
  if (journal === undefined || others.length > 0)
    throw new Refused(
      `${directory} is no pack: it has ${journal === undefined ? 'no journal' : 'more than one journal'}.`,
    );
  const { files: made = [] } = await reportFrom(settings, join(directory, journal), null);
  const ours = await Promise.all(
    made.map(async ({ name, text }): Promise<PackFile> => {
      if (!names.includes(name)) return { name, is: 'missing' };
      return { name, is: (await readFile(join(directory, name), 'utf8')) === text ? 'same' : 'other' };
    }),
  );
  const foreign = names.filter((name) => !made.some((each) => each.name === name));
  const files = [...ours, ...foreign.map((name): PackFile => ({ name, is: 'foreign' }))];
  return { rollout: journal.slice(0, -'.jsonl'.length), files };
}

const words: Record<PackFile['is'], [glyph: string, what: string]> = {
  same: ['✓', 'is what the journal says'],
  other: ['✗', 'is not what the journal says, unless people: in the settings has other names by now'],
  missing: ['✗', 'is missing'],
  foreign: ['✗', 'is no part of it'],
};

export function packLine({ name, is }: PackFile): string {
  const [glyph, what] = words[is];
  // A name must not move the cursor.
  return `${glyph} ${name.replace(/\p{C}/gu, ' ')} ${what}`;
}
