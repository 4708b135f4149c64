import { constants } from 'node:fs';
import { access, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { wordsOf } from '../base/errors.ts';
import { inOtherHands } from '../base/file-mode.ts';
import type { Settings } from '../config/index.ts';
import { type Finding, wrong } from './finding.ts';

/**
 * Runs a check that needs the state directory. Where the product has not run yet there is none, and a look must not
 * leave one: the check then gets a directory of its own that is removed again.
 */
export async function whereStateLies(
  { stateDir, redis }: Pick<Settings, 'stateDir' | 'redis'>,
  check: (stateDir: string) => Promise<Finding[]>,
): Promise<Finding[]> {
  if (redis !== null || (await can(join(stateDir, 'redis'), constants.F_OK)) === null) return check(stateDir);
  const refusal = await can(await nearestThere(stateDir), constants.W_OK);
  const found = refusal === null ? [] : [wrong('state', `stateDir ${stateDir} cannot be made or written: ${refusal}`)];
  const scratch = await mkdtemp(join(tmpdir(), 'zeitwork-doctor-'));
  try {
    return [...(await check(scratch)), ...found];
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Whether others could put keys in the place of ours; where nothing is yet, it is made as it should be. */
export async function examineState({ stateDir: path }: Pick<Settings, 'stateDir'>): Promise<Finding[]> {
  const found = await stat(path).catch(() => null);
  if (found === null) return [];
  const reason = inOtherHands({ path, mode: found.mode, uid: found.uid }, process.getuid?.() ?? found.uid);
  return reason === null ? [] : [wrong('state', reason)];
}

/** Why not, in words; null when it can. */
async function can(path: string, mode: number): Promise<string | null> {
  return access(path, mode).then(() => null, wordsOf);
}

async function nearestThere(path: string): Promise<string> {
  return (await can(path, constants.F_OK)) === null || path === dirname(path) ? path : nearestThere(dirname(path));
}
