import { createHash, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { command, fleetOfTrial, printed, reasonOf, shellTo, until } from './fleet-support.ts';

const node = 'us-east-op-1';
const binary = '/usr/local/bin/zeitwork-operator';
let ahead = 0;
const trial = fleetOfTrial({ regions: ['us-east'], restartMs: 40, timeScale: 0.1, ahead: () => ahead });
const run = (script: string, args: string[] = []) => printed(trial.shell, node, script, args);
const property = (name: string) => run('systemctl show zeitwork-operator -p "$1" --value', [name]);
const status = () => trial.fleet.source.nodes().find((candidate) => candidate.name === node);
const install = async (version: string) => {
  const archive = join(trial.fleet.releasesDirectory, `zeitwork-operator-${version}.tar.gz`);
  expect(await trial.shell.put(node, archive, 'in/release.tar.gz')).toMatchObject({ is: 'sent' });
  await run(`tar -xzOf in/release.tar.gz build/zeitwork-operator > ${binary}.new
chmod 755 ${binary}.new; mv -T ${binary}.new ${binary}; systemctl restart zeitwork-operator`);
};

afterEach(() => trial.fleet.reset());

describe('a command on a simulated node', () => {
  it('sees the paths of a real node and none of this machine', async () => {
    const seen = await run(`pwd; ls -d ${binary} /etc/zeitwork/operator.env "$1"; hostname; mktemp -d`, [binary]);
    expect(seen.split('\n').slice(0, 5)).toEqual(['/home/ops', '/etc/zeitwork/operator.env', binary, binary, node]);
    expect(seen).toContain('/tmp/tmp.');
    expect(seen).not.toContain(trial.directory);
  });

  it('ends with its own exit code, or by its own time limit', async () => {
    expect(await trial.shell.run(node, command('echo out; echo err >&2; exit 7'))).toEqual({
      is: 'exited',
      code: 7,
      stdout: 'out\n',
      stderr: 'err\n',
    });
    expect(await trial.shell.run(node, command('sleep 60', { timeoutMs: 1_000 }))).toMatchObject({ code: 124 });
  });

  it('finds the version of a build and the secret of the node', async () => {
    expect(await run(`${binary} --version; ${binary} start 2>&1 || echo "exit $?"`)).toBe(
      'zeitwork-operator v1.0.0\nusage: zeitwork-operator [--version]\nexit 2',
    );
    expect(await run('cat /etc/zeitwork/operator.env')).toContain(`s3cret-${node}`);
  });

  it('has the clock of the sandbox, also after it jumped, and so has the counter', async () => {
    const behind = async () => Math.abs(Number(await run('date +%s.%N')) * 1_000 - Date.now() - ahead);
    expect(await behind()).toBeLessThan(2_000);
    ahead = 64_876_000;
    onTestFinished(() => {
      ahead = 0;
    });
    expect(await behind()).toBeLessThan(2_000);
    await trial.fleet.reset();
    expect(Math.abs(trial.fleet.source.counter().since - Date.now() - ahead)).toBeLessThan(2_000);
  });

  it('can be sent a file of a megabyte unharmed', async () => {
    const local = join(trial.directory, 'megabyte');
    const bytes = randomBytes(1_000_000);
    await writeFile(local, bytes);
    expect(await trial.shell.put(node, local, 'uploads/megabyte')).toEqual({ is: 'sent', bytes: 1_000_000 });
    const sum = createHash('sha256').update(bytes).digest('hex');
    expect(await run('sha256sum uploads/megabyte; stat -c %a uploads')).toBe(`${sum}  uploads/megabyte\n700`);
  });
});

describe('the unit of a simulated node', () => {
  it('gets a new process and invocation with a restart', async () => {
    const facts = () => run('systemctl show -p InvocationID,MainPID,NRestarts,ActiveState,SubState zeitwork-operator');
    const first = await facts();
    expect(first).toMatch(
      /^MainPID=\d+\nNRestarts=0\nActiveState=active\nSubState=running\nInvocationID=[0-9a-f]{32}$/,
    );
    await run('systemctl restart zeitwork-operator');
    const second = await facts();
    for (const line of second.split('\n').filter((text) => /MainPID|Invocation/.test(text)))
      expect(first).not.toContain(line);
    expect(trial.fleet.starts(node)).toBe(2);
  });

  it('keeps the running image when another file is renamed over its path', async () => {
    const image = () => run('sha256sum < "/proc/$(systemctl show -p MainPID --value zeitwork-operator)/exe"');
    const first = await image();
    await run(`[ "/proc/$(systemctl show -p MainPID --value zeitwork-operator)/exe" -ef ${binary} ]`);
    await run(`cp ${binary} ${binary}.new; echo '# more' >> ${binary}.new; mv -T ${binary}.new ${binary}`);
    expect(await image()).toBe(first);
    await run('systemctl restart zeitwork-operator');
    expect(await image()).toBe(await run(`sha256sum < ${binary}`));
    expect(await image()).not.toBe(first);
  });

  it('counts automatic restarts, and a restart by hand that returns 0 counts anew', async () => {
    await install('v2.1.0-exit-at-start');
    await until(async () => Number(await property('NRestarts')) >= 2);
    expect(await property('InvocationID')).toMatch(/^[0-9a-f]{32}$/);
    expect(await run('journalctl -u zeitwork-operator -o cat --no-pager')).toContain('migration lock table missing');
    await run('systemctl restart zeitwork-operator');
    const first = () => trial.fleet.journal(node).filter((line) => line.endsWith('restart counter is at 1.'));
    await until(() => first().length === 2);
  });

  it('does not start without DATABASE_URL', async () => {
    await run('sed -i /DATABASE_URL/d /etc/zeitwork/operator.env; systemctl restart zeitwork-operator');
    await until(() => trial.fleet.journal(node).some((line) => line.includes('DATABASE_URL is not set')));
    await until(async () => (await property('ExecMainStatus')) === '1');
  });

  it('answers with the codes of systemctl', async () => {
    const code = async (line: string) => (await run(`code=0; ${line} >/dev/null 2>&1 || code=$?; echo $code`)).trim();
    expect(await code('systemctl is-active zeitwork-operator')).toBe('0');
    expect(await code('systemctl is-active nothing')).toBe('3');
    expect(await code('systemctl restart nothing')).toBe('5');
    await run('systemctl stop zeitwork-operator');
    expect(await code('systemctl is-active --quiet zeitwork-operator')).toBe('3');
    expect(await run('systemctl show nothing -p LoadState')).toBe('LoadState=not-found');
  });
});

describe('a faulty build', () => {
  it.each([
    ['v2.1.0', 'healthy', 'v2.1.0'],
    ['v2.1.0-never-healthy', 'starting', 'v2.1.0-never-healthy'],
    ['v2.1.0-unhealthy-200', 'unhealthy', 'v2.1.0-unhealthy-200'],
    ['v2.1.0-wrong-version', 'healthy', 'v2.0.9'],
    ['v2.1.0-slow-start', 'healthy', 'v2.1.0-slow-start'],
    ['v2.1.0-dies-after-20s', 'healthy', 'v2.1.0-dies-after-20s'],
  ])('%s is seen as %s', async (version, seen, reported) => {
    await install(version);
    await until(() => status()?.status === seen && status()?.version === reported);
    if (version.includes('slow')) expect(trial.fleet.source.counter().fewestHealthy['us-east']).toBe(2);
    if (!version.includes('dies')) return;
    const before = trial.fleet.starts(node);
    await until(() => trial.fleet.starts(node) > before);
    expect(trial.fleet.journal(node).join('\n')).toContain('out of memory in reconcile loop');
  });

  it('may be an archive that does not match its checksum', async () => {
    const sums = trial.fleet.versions.map(async (version) => {
      const path = join(trial.fleet.releasesDirectory, `zeitwork-operator-${version}.tar.gz`);
      const sum = createHash('sha256')
        .update(await readFile(path))
        .digest('hex');
      return (await readFile(`${path}.sha256`, 'utf8')) === `${sum}  zeitwork-operator-${version}.tar.gz\n`
        ? []
        : version;
    });
    expect((await Promise.all(sums)).flat()).toEqual(['v2.2.0-bad-checksum']);
  });
});

describe('a fault of a node', () => {
  const inject = (fault: string) => trial.fleet.source.inject(node, fault);

  it('can be a stopped service, which the counter sees', async () => {
    await inject('stop-service');
    await until(() => status()?.status === 'down');
    expect(trial.fleet.source.counter().failures).toBe(0);
    await trial.fleet.source.inject('us-east-op-2', 'stop-service');
    await until(() => trial.fleet.source.counter().failures > 0);
    await inject('start-service');
    await until(() => status()?.status === 'healthy');
  });

  it('can be a dropped network: silence, and afterwards the same connection goes on', async () => {
    await run('true');
    await inject('drop-network');
    const fresh = shellTo(trial.fleet);
    expect(reasonOf(await fresh.run(node, command('true')))).not.toBe('');
    await fresh.close();
    await until(() => status()?.status === 'down');
    const asked = trial.shell.run(node, command('echo back'));
    await inject('restore-network');
    expect(await asked).toMatchObject({ stdout: 'back\n' });
    await until(() => status()?.status === 'healthy');
  });

  it('can be a dead sshd, while the service goes on', async () => {
    const asked = trial.shell.run(node, command('sleep 5'));
    await until(() => trial.fleet.journal(node).some((line) => line.includes('sudo[')));
    await inject('kill-sshd');
    expect((await asked).is).toBe('lost');
    expect((await trial.shell.run(node, command('true'))).is).toBe('unreachable');
    expect(status()?.status).toBe('healthy');
    await inject('start-sshd');
    expect(await run('echo up')).toBe('up');
  });

  it('can be a sudo that wants a password', async () => {
    await inject('break-sudo');
    const refused = { is: 'exited', code: 1, stderr: 'sudo: a password is required\n' };
    expect(await trial.shell.run(node, command('true'))).toMatchObject(refused);
    await inject('fix-sudo');
    await run('true');
  });

  it('can be a full disk, for commands and for transfers', async () => {
    await inject('fill-disk');
    const archive = join(trial.fleet.releasesDirectory, 'zeitwork-operator-v2.0.0.tar.gz');
    expect(await trial.shell.put(node, archive, 'in/release.tar.gz')).toMatchObject({ is: 'failed' });
    const copy = await trial.shell.run(node, command(`cp ${binary} ${binary}.backup`));
    expect(copy).toMatchObject({ code: 1, stderr: expect.stringContaining('No space left on device') });
    expect(await run("stat -f -c '%a' /usr/local/bin; df -Pk /usr/local/bin | awk 'NR == 2 { print $4 }'")).toBe(
      '0\n0',
    );
    await inject('free-disk');
    await run(`cp ${binary} ${binary}.backup; cmp ${binary} ${binary}.backup`);
  });

  it('can be another host key, which is refused', async () => {
    await inject('change-hostkey');
    const fresh = shellTo(trial.fleet);
    expect(reasonOf(await fresh.run(node, command('true')))).toMatch(/key/);
    await inject('restore-hostkey');
    expect(await printed(fresh, node, 'echo same')).toBe('same');
    await fresh.close();
  });

  it('can be a reboot, from which the node comes back by itself', async () => {
    const before = await property('InvocationID');
    await inject('reboot');
    expect((await trial.shell.run(node, command('true'))).is).toBe('unreachable');
    await until(async () => (await trial.shell.run(node, command('true'))).is === 'exited');
    expect(await property('InvocationID')).not.toBe(before);
  });

  it('ends with heal, whatever it was', async () => {
    for (const { id } of trial.fleet.source.faults()) if (!['heal', 'reboot'].includes(id)) await inject(id);
    for (const fault of ['stop-service', 'kill-sshd', 'break-sudo', 'fill-disk', 'change-hostkey', 'drop-network'])
      await inject(fault);
    await inject('heal');
    await until(() => status()?.status === 'healthy');
    expect(await run('echo well > /tmp/note; cat /tmp/note')).toBe('well');
  });

  it('is refused when nobody knows it', async () => {
    await expect(inject('earthquake')).rejects.toThrow('"earthquake" is no fault; there are: stop-service');
    await expect(trial.fleet.source.inject('op-9', 'heal')).rejects.toThrow('"op-9" is no node');
  });
});
