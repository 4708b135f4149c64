import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packed, sha256 } from './little-node.ts';
import { binary, Trial } from './trial.ts';

const folder = 'usr/local/bin';
const probe = mkdtempSync(join(tmpdir(), 'mountable-'));
const mountable = spawnSync('mount', ['-t', 'tmpfs', 'none', probe]).status === 0;
if (mountable) execFileSync('umount', [probe]);
rmSync(probe, { recursive: true });
if (!mountable) console.warn('File systems that refuse are not tried here: that needs somebody who may mount one.');

describe('the file system of the binary', () => {
  let trial: Trial;
  let mounted: string | null = null;
  beforeEach(() => {
    trial = new Trial();
  });
  afterEach(async () => {
    if (mounted !== null) execFileSync('umount', ['-l', mounted]);
    mounted = null;
    await trial.close();
  });

  /** The folder of the binary becomes a file system of its own, in which the service was started. */
  function mount(options: string): void {
    const path = trial.node.path(folder);
    trial.node.exec(`cp -p ${folder}/zeitwork-operator kept`);
    execFileSync('mount', ['-t', 'tmpfs', '-o', `mode=755,${options}`, 'none', path]);
    mounted = path;
    trial.node.exec(`mv kept ${folder}/zeitwork-operator; rm -f proc/*/exe; cp ${folder}/zeitwork-operator proc/2/exe`);
  }
  const remount = (options: string) => execFileSync('mount', ['-o', `remount,${options}`, mounted ?? '']);
  const left = () => `${trial.node.exec(`ls -A ${folder}`)}${sha256(readFileSync(trial.node.path(binary)))}`;

  describe.skipIf(!mountable)('that refuses', () => {
    const refusals: [string, () => void, RegExp][] = [
      ['has no room left', () => remount('size=8k'), /disk.*full/],
      ['has no inode left', () => remount('nr_inodes=2'), /no room for more files/],
      ['is read-only', () => remount('ro'), /read-only/],
    ];
    it.each(refusals)(
      'a new file since it %s: nothing is switched, and the old binary is the same',
      async (_, refuse, reason) => {
        mount('size=200m,nr_inodes=100');
        const before = left();
        refuse();
        expect(await trial.go('stage')).toMatchObject({ is: 'failed', reason: expect.stringMatching(reason) });
        expect(left()).toBe(before);
        expect(trial.node.restarts()).toBe(0);
      },
    );

    it.each([refusals[2] as (typeof refusals)[number]])(
      'the rename since it %s: the old binary is the same, and goes on',
      async (_, refuse, reason) => {
        mount('size=200m,nr_inodes=100');
        expect(await trial.go('stage', 'backup')).toMatchObject({ is: 'succeeded' });
        const before = left();
        refuse();
        const result = await trial.go('switch');
        expect(result.is).not.toBe('succeeded');
        expect('reason' in result ? result.reason : '').toMatch(reason);
        expect(left()).toBe(before);
        expect(trial.node.restarts()).toBe(0);
      },
    );
  });

  it('may hold a binary that runs (text file busy): it is replaced beside it, and what runs is not torn', async () => {
    const running = Buffer.concat([readFileSync('/bin/sleep'), Buffer.from('\nrunning\n')]);
    trial.node.health = async () => ({ is: 'healthy', version: null, hostname: null });
    trial.use(packed(trial.folder, 'v2.0.0'));
    trial.node.write(binary, '', 0o755);
    execFileSync('sh', ['-c', 'cat >"$1"; chmod 755 "$1"', 'sh', trial.node.path(binary)], { input: running });
    trial.node.exec('systemctl restart zeitwork-operator');
    const child = spawn(trial.node.path(binary), ['60']);
    try {
      await once(child, 'spawn');
      expect(() => trial.node.exec(`cp /bin/true ${binary}`)).toThrow(/Text file busy/);
      expect(await trial.go('stage', 'backup', 'switch')).toMatchObject({ is: 'succeeded' });
      expect(sha256(readFileSync(trial.node.path(binary)))).toBe(trial.release.binarySha256);
      expect(sha256(readFileSync(`/proc/${child.pid}/exe`))).toBe(sha256(running));
    } finally {
      child.kill('SIGKILL');
    }
  });
});
