import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openSealKey, sealer } from '../../src/trust/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'zeitwork-seal-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a seal', () => {
  const ours = sealer('a'.repeat(64));
  const value = { r: 'r1', g: 'eu-west', v: 3 };

  it('fits what it was made for, however that is spelled, and nothing else', () => {
    const seal = ours.seal(value);
    expect(ours.fits({ v: 3, g: 'eu-west', r: 'r1' }, seal)).toBe(true);
    expect(ours.fits({ ...value, v: 4 }, seal)).toBe(false);
    expect(ours.fits({ ...value, more: '' }, seal)).toBe(false);
    for (const other of ['', seal.slice(1), `${seal}=`, seal.toLowerCase(), 'é'.repeat(seal.length)]) {
      expect(ours.fits(value, other)).toBe(false);
    }
  });

  it('of another key does not fit, and the keys can be told apart by their names', () => {
    const other = sealer('b'.repeat(64));
    expect(ours.fits(value, other.seal(value))).toBe(false);
    expect(other.id).not.toBe(ours.id);
    expect(ours.id).toBe(sealer('a'.repeat(64)).id);
  });
});

describe('the key of the seals', () => {
  const file = join(folder, 'state', 'seal.key');

  it('is made once, for its owner only, and is the same for all processes of a state directory', async () => {
    const keys = await Promise.all([openSealKey(file), openSealKey(file)]);
    expect(new Set([...keys, await openSealKey(file)]).size).toBe(1);
    expect(keys[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('is refused while others may read it, and when it is hardly one', async () => {
    chmodSync(file, 0o644);
    await expect(openSealKey(file)).rejects.toThrow(/chmod 600/);
    const short = join(folder, 'short.key');
    writeFileSync(short, 'abc\n', { mode: 0o600 });
    await expect(openSealKey(short)).rejects.toThrow(/too short/);
  });
});
