import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import * as commands from '../../../src/upgrade/host/commands.ts';
import { backupPath, fileName, stagedPath, uploadPath } from '../../../src/upgrade/host/layout.ts';
import * as scripts from '../../../src/upgrade/host/scripts/index.ts';
import { fc } from '../../support/fast-check.ts';
import { before, release, rollout, service } from '../steps/support.ts';

const plan = rollout();
const turn = { rollout: plan, attempt: 4 };

describe('the commands', () => {
  it('carry fixed scripts and named arguments', () => {
    const command = commands.switchOver(turn, before);
    expect(command).toEqual({
      name: 'switch',
      script: scripts.switchScript,
      args: [
        'epoch=7',
        'try=4',
        'unit=zeitwork-operator',
        'binary=/usr/local/bin/zeitwork-operator',
        'env=/etc/zeitwork/operator.env',
        'staged=/usr/local/bin/zeitwork-operator.v2.0.0-bbbbbbbbbbbb.staged',
        `target=${'b'.repeat(64)}`,
        'backup=/var/lib/zeitwork-upgrades/zeitwork-operator/backups/v1.0.0-111111111111-eeeeeeee',
        'version=v1.0.0',
        `before=${'1'.repeat(64)}`,
        `before_env=${'e'.repeat(64)}`,
      ],
      sudo: true,
      timeoutMs: 120_000,
    });
  });

  it('all pass the fence when they change something, and but for the clean-up name what is staged and stays', () => {
    const drained = { ...plan, service: { ...service, traffic: { drain: ['/bin/a'], undrain: ['/bin/b'], limit: 1 } } };
    const mutating = [
      commands.lookUnderLock(turn),
      commands.traffic({ ...turn, rollout: drained, node: { name: 'us-east-op-1' } }, 'drain'),
      commands.traffic({ ...turn, rollout: drained, node: { name: 'us-east-op-1' } }, 'undrain'),
      commands.stage(turn, before, uploadPath(plan, 1)),
      commands.backup(turn, before, true),
      commands.switchOver(turn, before),
      commands.restore(turn, before),
      commands.cleanup(turn, before, true),
    ];
    for (const { name, args, script } of mutating) {
      expect(args.slice(0, 3)).toEqual(['epoch=7', 'try=4', 'unit=zeitwork-operator']);
      expect([name, args.includes(`staged=${stagedPath(service, release)}`)]).toEqual([name, name !== 'cleanup']);
      expect(script).toMatch(/^ {2}state=.*\n {2}enter$/m);
    }
  });

  it('look without touching: no rename, removal or systemctl verb in the scripts that only read', () => {
    for (const script of [
      scripts.lookScript,
      scripts.observeScript,
      scripts.diagnoseScript,
      scripts.checkBackupScript,
    ]) {
      expect(script).not.toMatch(/systemctl (?:restart|stop|start|reset-failed)|\benter\b/);
    }
  });

  it('ask for a version only with the arguments of the profile', () => {
    const silent = { ...service, versionArgs: null };
    expect(commands.observe(service, 1000, plan, true).args.slice(-2)).toEqual(['--', '--version']);
    expect(commands.observe(silent, 1000, plan, true).args).not.toContain('--');
    expect(commands.stage(turn, before, null).args).not.toContain('--');
    expect(commands.backup(turn, before, false).args).not.toContain('--');
    expect(commands.backup(turn, before, true).args.slice(-2)).toEqual(['--', '--version']);
    expect(commands.backup({ ...turn, rollout: rollout({ service: silent }) }, before, true).args).not.toContain('--');
  });

  it.each([
    ['unit', { unit: 'x; rm -rf /' }],
    ['binary', { binary: '/usr/local/bin/../x' }],
    ['binary', { binary: 'relative' }],
    ['binary', { binary: '/a\nb' }],
    ['owner', { owner: 'root' }],
    ['mode', { mode: 'u+s' }],
    ['unit that an older version used as a file', { unit: 'backups' }],
    ['version argument', { versionArgs: ['--version; id'] }],
  ])('are never made with an odd %s', (_, change) => {
    const odd = { ...turn, rollout: rollout({ service: { ...service, ...change } }) };
    expect(() => [commands.stage(odd, before, null), commands.backup(odd, before, true)]).toThrow(TypeError);
  });

  it('keep any version inside its own directory', () => {
    fc.assert(
      fc.property(fc.string(), (version) => {
        expect(fileName(version)).toMatch(/^[A-Za-z0-9][A-Za-z0-9._+-]*$/);
        expect(backupPath(service, { ...before, version })).toMatch(
          /^\/var\/lib\/zeitwork-upgrades\/zeitwork-operator\/backups\/[^/]+$/,
        );
        expect(stagedPath(service, { ...release, version })).toMatch(/^\/usr\/local\/bin\/[^/]+$/);
      }),
    );
  });

  it('keep another backup for another environment file', () => {
    expect(backupPath(service, { ...before, envSha256: null })).toMatch(/-noenv$/);
    expect(backupPath(service, before)).not.toBe(backupPath(service, { ...before, envSha256: 'd'.repeat(64) }));
  });

  it.each(Object.entries(scripts))('%s is a script that sh accepts', (_, script) => {
    execFileSync('sh', ['-n'], { input: script });
  });
});
