import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createPinFiles } from '../../../src/upgrade/ssh/pin-files.ts';
import { createSources } from '../../../src/upgrade/ssh/sources.ts';
import { generateKey } from '../../support/sshd.ts';

const dir = mkdtempSync(join(tmpdir(), 'zeitwork-files-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('a local file that goes to many nodes', () => {
  const file = join(dir, 'archive');

  it('is in memory once for all who send it', async () => {
    writeFileSync(file, 'one');
    const sources = createSources();
    const [first, second] = await Promise.all([sources.open(file), sources.open(file)]);
    expect(first.data).toBe(second.data);
    first.release();
    expect((await sources.open(file)).data).toBe(second.data);
  });

  it('is read again once nobody sends it any more', async () => {
    const sources = createSources();
    const first = await sources.open(file);
    first.release();
    expect((await sources.open(file)).data).not.toBe(first.data);
  });

  it('that is replaced goes out as it is now', async () => {
    const sources = createSources();
    await sources.open(file);
    writeFileSync(file, 'other');
    expect((await sources.open(file)).data.toString()).toBe('other');
  });
});

describe('a known_hosts file', () => {
  const file = join(dir, 'known_hosts');
  const key = generateKey(join(dir, 'key'), 'ed25519');

  it('is parsed once while it stays the same', async () => {
    writeFileSync(file, `op-1 ${key}\n`);
    const read = createPinFiles();
    expect(await read(file)).toBe(await read(file));
  });

  it('is read again when a line was added', async () => {
    const read = createPinFiles();
    expect(await read(file)).toHaveLength(1);
    writeFileSync(file, `op-1 ${key}\n@revoked * ${key}\n`);
    expect(await read(file)).toHaveLength(2);
  });

  it('that appears later is found', async () => {
    const read = createPinFiles();
    const late = join(dir, 'late');
    await expect(read(late)).rejects.toThrow(`the known_hosts file ${late} cannot be read: it does not exist`);
    writeFileSync(late, `op-1 ${key}\n`);
    expect(await read(late)).toHaveLength(1);
  });
});
