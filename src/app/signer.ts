import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Refused } from '../base/errors.ts';
import type { Person } from '../config/index.ts';
import { signingKeyIn } from '../trust/index.ts';
import type { As } from './cli/as.ts';

/** Gives `work` a key file to sign with: the one that was named, else that of the agent's key which is a person's. @throws Refused */
export async function withKeyOf<T>(
  { as, key }: As,
  people: readonly Person[],
  work: (keyFile: string) => Promise<T>,
): Promise<T> {
  if (key !== null) return work(key);
  const line = agentKey(as, people, await agentKeys());
  const folder = await mkdtemp(join(tmpdir(), 'zeitwork-key-'));
  try {
    const file = join(folder, 'key.pub');
    await writeFile(file, `${line}\n`, { mode: 0o600 });
    return await work(file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @param held keys that the agent has, spelled as `signingKeyIn` does @throws Refused saying how to say who one is */
export function agentKey(as: string | null, people: readonly Person[], held: readonly string[]): string {
  if (people.length === 0)
    throw new Refused(
      `${wantsSignature} The settings name no people yet: write them there, with their keys (docs/people.md).`,
    );
  const asked = people.filter(({ name }) => as === null || name === as);
  if (asked.length === 0) throw new Refused(`There is no ${as} among people: (${names(people)}).`);
  const able = asked.filter((person) => keyIn(person, held) !== undefined);
  const [one] = able;
  const line = one === undefined ? undefined : keyIn(one, held);
  if (able.length === 1 && line !== undefined) return line;
  throw new Refused(
    able.length > 1
      ? `Your agent has keys of ${names(able)}: say who you are with --as NAME.`
      : `${wantsSignature} Your agent has no key of ${names(asked)}: add one with ssh-add, or name its file with --key FILE.`,
  );
}

const wantsSignature = 'Without a key a shell may look, pause and stop; this wants the signature of a person.';

const keyIn = ({ keys }: Person, held: readonly string[]): string | undefined =>
  keys.map((each) => signingKeyIn(each) ?? '').find((each) => held.includes(each));

const names = (people: readonly Person[]): string => people.map(({ name }) => name).join(', ');

/** What the agent holds; nothing when there is none. */
async function agentKeys(): Promise<string[]> {
  const listed = await promisify(execFile)('ssh-add', ['-L'], { timeout: 10_000 }).catch(() => ({ stdout: '' }));
  return listed.stdout.split('\n').flatMap((line) => signingKeyIn(line) ?? []);
}
