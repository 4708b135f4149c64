import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lookUnderLock } from '../../../src/upgrade/host/commands.ts';
import type { NodeState, Rollout } from '../../../src/upgrade/rollout/types.ts';
import { build, type LittleNode, sha256 } from './little-node.ts';
import { backups, binary, env, state, Trial } from './trial.ts';

const failure = (reason: RegExp, retry = false) => ({ is: 'failed', retry, reason: expect.stringMatching(reason) });

let trial: Trial;
beforeEach(() => {
  trial = new Trial();
});
afterEach(() => trial.close());

describe('an archive', () => {
  it.each([['./build/zeitwork-operator'], ['.'], ['build', './build/../build/zeitwork-operator']])(
    'may write its member in any way that was accepted (%s)',
    async (...members) => {
      const { path } = trial.release;
      execFileSync('tar', ['-P', '--exclude=*.tar.gz', '-czf', path, members[0] ?? ''], { cwd: trial.folder });
      trial.use({ ...trial.release, archiveSha256: sha256(readFileSync(path)) });
      expect(await trial.go('stage', 'backup', 'switch', 'verify')).toMatchObject({ is: 'succeeded' });
    },
  );
});

describe('a symbolic link', () => {
  const reason = (path: string) =>
    new RegExp(
      `^/${path} is a symbolic link to /opt/x; this program replaces files by renaming, which would replace the link`,
    );

  it.each([binary, env])('in the place of %s is refused by every step that would replace it', async (path) => {
    await trial.go('stage', 'backup');
    const kept = trial.node.read(path);
    trial.node.write('opt/x', kept, 0o755);
    trial.node.exec(`rm ${path}; ln -s ../../../opt/x ${path}`);
    trial.node.exec(`mkdir -p links; printf '#!/bin/sh\\necho /opt/x\\n' >bin/readlink; chmod 755 bin/readlink`);
    const before = trial.node.snapshot();
    for (const step of ['stage', 'backup', 'switch', 'restore'] as const) {
      const result = await trial.go(step);
      if (step === 'restore' && path === binary) continue;
      expect(result).toMatchObject({ is: 'failed' });
      expect('reason' in result ? result.reason.replaceAll(trial.node.root, '') : '').toMatch(reason(path));
    }
    expect(trial.node.snapshot()).toBe(before);
    expect(trial.node.exec(`test -L ${path} && echo link`)).toBe('link\n');
  });
});

describe('what a script that was killed left behind', () => {
  const leave = (n: LittleNode) => {
    for (const name of ['v1.9.0-aaaaaaaaaaaa.staged', 'v2.0.0-bbb.staged.77.part', 'restore.77'])
      n.write(`${binary}.${name}`, 'x');
    n.write(`${env}.restore.77`, 'x');
    n.write(`${backups}/.new.77/binary`, 'x');
    n.write(`${state}/epoch.new`, 'x');
    n.write(`${state}/aside/.new.77`, 'x');
  };
  const found = () => trial.node.exec(`ls -A usr/local/bin etc/zeitwork ${backups} ${state}`);

  it.each(['backup', 'switch', 'restore', 'cleanup', 'stage'] as const)('is cleared away by %s', async (step) => {
    await trial.go('stage', 'backup');
    leave(trial.node);
    trial.gates = [{ name: 'quorum', reason: 'op-2 is down', owner: 'op-2', opensAt: null }];
    await trial.go(step);
    expect(found()).not.toMatch(/part|restore|v1\.9\.0|new/);
    expect(found().includes('v2.0.0')).toBe(step !== 'cleanup');
  });

  it.each([
    ['TERM', /^$/],
    ['KILL', /\.part$/m],
  ])('after SIG%s is at most a part, and that is gone after the next command', async (signal, left) => {
    trial.node.write('bin/tar', `#!/bin/sh\nkill -${signal} $PPID\nexit 1\n`, 0o755);
    await trial.go('stage');
    expect(trial.node.exec('ls usr/local/bin | grep -v "^zeitwork-operator$" || :')).toMatch(left);
    trial.node.exec('rm bin/tar');
    await trial.node.run('', lookUnderLock(trial.context()));
    expect(trial.node.exec('ls usr/local/bin')).toBe('zeitwork-operator\n');
    expect(await trial.go('stage', 'backup', 'switch', 'verify')).toMatchObject({ is: 'succeeded' });
  });

  it('is nothing where a copy fails for lack of room', async () => {
    await trial.go('stage', 'backup', 'switch', 'verify');
    trial.node.write(
      'bin/cp',
      '#!/bin/sh\nfor to; do :; done\n: >"$to"\necho "cp: No space left on device" >&2\nexit 1\n',
      0o755,
    );
    trial.node.write('bin/ln', '#!/bin/sh\necho "ln: No space left on device" >&2\nexit 1\n', 0o755);
    const before = trial.node.snapshot();
    expect(await trial.go('restore')).toMatchObject(failure(/the disk of the node is full; nothing was changed/));
    expect(trial.node.snapshot()).toBe(before);
  });
});

describe('the backups on a node', () => {
  const old = (n: number) => `v0.${n}.0-${String(n).repeat(12)}-noenv`;
  const names = () => trial.node.exec(`ls ${backups}`).trim().split('\n');
  const working = (direction: 'forward' | 'back'): NodeState => ({
    is: 'working',
    direction,
    phase: 'nodes/all',
    index: 3,
    step: 'cleanup',
    failures: 0,
    unknowns: 0,
    notBefore: 0,
    since: 0,
    lastReason: null,
  });
  const prepare = async () => {
    await trial.go('stage', 'backup', 'switch', 'verify');
    for (let n = 1; n < 9; n++) {
      trial.node.write(`${backups}/${old(n)}/binary`, 'x');
      trial.node.exec(`touch -d @${n * 1000} ${backups}/${old(n)}`);
    }
  };

  it('are made once, and never again', async () => {
    await trial.go('stage', 'backup');
    const inode = () => trial.node.exec(`cd ${backups}; stat -c "%i %Y" */* | sort`);
    const first = inode();
    trial.node.write(`${backups}/${names()[0]}/mark`, 'x');
    trial.run = { ...trial.run, before: null };
    await trial.go('stage', 'backup', 'switch', 'restore', 'stage', 'backup');
    trial.node.exec(`rm ${backups}/${names()[0]}/mark`);
    expect(inode()).toBe(first);
    expect(names()).toHaveLength(1);
  });

  it('are the newest five after an upgrade', async () => {
    await prepare();
    trial.run = { ...trial.run, state: working('forward') };
    expect(await trial.go('cleanup')).toMatchObject({ is: 'succeeded' });
    expect(names()).toEqual([old(5), old(6), old(7), old(8), expect.stringMatching(/^v1\.0\.0-/)]);
  });

  it('are alone removed: what somebody else put among them stays, and is none of the five', async () => {
    await prepare();
    trial.node.exec(`cp -r ${backups}/${old(1)} ${backups}/mine; touch ${backups}/mine`);
    trial.run = { ...trial.run, state: working('forward') };
    await trial.go('cleanup');
    expect(names()).toEqual(['mine', old(5), old(6), old(7), old(8), expect.stringMatching(/^v1\.0\.0-/)]);
  });

  it('are never without the one that this run recorded, however old', async () => {
    await prepare();
    trial.node.exec(`touch -d @1 ${backups}/v1.0.0-*`);
    trial.run = { ...trial.run, state: working('forward') };
    await trial.go('cleanup');
    expect(names()).toEqual([old(4), old(5), old(6), old(7), old(8), expect.stringMatching(/^v1\.0\.0-/)]);
    expect(await trial.go('restore', 'verify-restored')).toMatchObject({ is: 'succeeded' });
  });

  it('count as new when they were used last', async () => {
    await prepare();
    trial.node.exec(`touch -d @1 ${backups}/v1.0.0-*`);
    await trial.go('restore', 'verify-restored', 'stage', 'backup');
    trial.run = { ...trial.run, state: working('forward'), before: null };
    await trial.go('cleanup');
    expect(names()).toHaveLength(5);
    expect(names().at(-1)).toMatch(/^v1\.0\.0-/);
  });

  const others: [string, NodeState, Rollout['status']][] = [
    ['a node goes back', working('back'), { is: 'held', reason: 'x', node: null, at: 0, pending: null }],
    [
      'its rollout goes back',
      working('forward'),
      { is: 'rolling-back', scope: { is: 'all' }, queue: [], by: 'U1', at: 0, after: null },
    ],
    ['it is not its turn', { is: 'ready', notBefore: 0 }, { is: 'running' }],
  ];
  it.each(others)('all stay when %s', async (_, nodeState, status) => {
    await prepare();
    trial.run = { ...trial.run, state: nodeState };
    trial.plan = { ...trial.plan, status };
    await trial.go('cleanup');
    expect(names()).toHaveLength(9);
  });
});

const setcap = existsSync('/usr/sbin/setcap') && process.getuid?.() === 0;
if (!setcap) console.warn('Capabilities of a binary are not tried here: that needs root and /usr/sbin/setcap.');

describe.skipIf(!setcap)('the capabilities of a binary', () => {
  const capabilities = (path: string) =>
    execFileSync('/usr/sbin/getcap', [join(trial.node.root, path)], { encoding: 'utf8' }).replace(/^\S+ /, '');
  const give = (what: string) => execFileSync('/usr/sbin/setcap', [what, trial.node.path(binary)]);

  it('are kept on the new one, also when they were given after it was staged, and come back', async () => {
    give('cap_net_bind_service=ep');
    await trial.go('stage');
    give('cap_net_bind_service,cap_chown=ep');
    const given = capabilities(binary);
    await trial.go('backup', 'switch');
    expect(trial.node.read(binary)).toBe(build('v2.0.0'));
    expect(capabilities(binary)).toBe(given);
    expect(trial.node.modeOf(binary)).toBe('755');
    await trial.go('restore');
    expect(trial.node.read(binary)).toBe(build('v1.0.0'));
    expect(capabilities(binary)).toMatch(/cap_net_bind_service=ep/);
  });

  it('are kept with what is put aside', async () => {
    await trial.go('stage', 'backup', 'switch');
    trial.node.write(binary, build('v3.0.0'), 0o711);
    give('cap_chown=ep');
    trial.node.exec('systemctl restart x');
    await trial.go('restore');
    trial.decide('replace');
    await trial.go('restore');
    const aside = `${state}/aside/${trial.node.exec(`ls ${state}/aside`).trim()}`;
    expect([capabilities(aside), trial.node.modeOf(aside)]).toEqual(['cap_chown=ep\n', '711']);
  });
});
