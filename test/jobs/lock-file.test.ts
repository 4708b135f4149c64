import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { takeLock } from '../../src/jobs/lock-file.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'zw-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

it('a lock is held by one at a time', async () => {
  const file = join(dir, 'one');
  const taken = await Promise.all(Array.from({ length: 5 }, () => takeLock(file)));
  const held = taken.filter((release) => release !== null);
  expect(held).toHaveLength(1);
  await held[0]?.();
  expect(await takeLock(file)).not.toBeNull();
});

it('a lock of a process that died is cleared away', async () => {
  const file = join(dir, 'stale');
  const { pid } = spawnSync('true');
  await writeFile(file, String(pid));
  expect(await takeLock(file)).toBeNull();
  expect(await takeLock(file)).not.toBeNull();
});
