import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freshKeyPair } from './fleet/keys.ts';

/** Who is in the sandbox's channel, and what each may do there. */
export const rosa = {
  id: 'U0ROSA',
  name: 'rosa',
  realName: 'Rosa Lindqvist',
  role: 'on call: may start, stop and break the glass',
};
export const ines = { id: 'U0INES', name: 'ines', realName: 'Inês Duarte', role: 'approves every region' };
export const kiran = { id: 'U0KIRAN', name: 'kiran', realName: 'Kiran Rao', role: 'approves ap-south' };
export const vic = { id: 'U0VIC', name: 'vic', realName: 'Vic Novak', role: 'reads along, may do nothing' };

/** Keys with which two of them sign on a shell, for as long as the sandbox lives; the public ones, by name. */
export function throwAwayKeys(directory: string): Record<string, string> {
  const folder = join(directory, 'people');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const made = [rosa, ines].map(({ name }): [string, string] => {
    const pair = freshKeyPair();
    writeFileSync(join(folder, name), pair.private, { mode: 0o600 });
    writeFileSync(join(folder, `${name}.pub`), `${pair.public}\n`);
    return [name, pair.public];
  });
  return Object.fromEntries(made);
}
