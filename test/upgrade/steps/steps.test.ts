import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Facts, Gate, NodeRun, Policy, Release, Rollout } from '../../../src/upgrade/rollout/types.ts';
import { diagnoseNode, steps, surveyNode } from '../../../src/upgrade/steps/index.ts';
import { backupPath } from '../../../src/upgrade/steps/layout.ts';
import * as scripts from '../../../src/upgrade/steps/scripts/index.ts';
import type { Clock, StepContext, StepResult } from '../../../src/upgrade/steps/types.ts';
import { build, LittleNode, packed, sha256 } from './little-node.ts';
import { nodeRun, policy, rollout, service } from './support.ts';

type Name = keyof typeof steps;
const binary = 'usr/local/bin/zeitwork-operator';
const env = 'etc/zeitwork/operator.env';
const backups = 'var/lib/zeitwork-upgrades/backups';

/** Time that passes only by sleeping, and for the real work in between a little by itself. */
function quickClock(): Clock {
  let ahead = 0;
  return {
    now: () => 1_000 + ahead,
    monotonic: () => ahead,
    sleep: async (ms, signal) => {
      if (ms > 100_000) await wait(2 ** 30, undefined, { ...(signal ? { signal } : {}), ref: false });
      ahead += ms;
    },
  };
}

describe('the steps of a node', () => {
  let node: LittleNode;
  let folder: string;
  let release: Release & { path: string };
  let run: NodeRun;
  let plan: Rollout;
  let gates: Gate[];
  const quick: Policy = { ...policy, soak: 1_000, canarySoak: 1_000, commandTimeout: 5_000 };

  beforeEach(() => {
    node = new LittleNode('v1.0.0');
    folder = mkdtempSync(join(tmpdir(), 'releases-'));
    release = packed(folder, 'v2.0.0');
    run = nodeRun();
    gates = [];
    const { path: _, ...plain } = release;
    plan = rollout({ release: plain, policy: quick });
  });
  afterEach(async () => {
    await node.close();
    rmSync(folder, { recursive: true });
  });

  const context = (): StepContext => ({
    rollout: plan,
    node: run,
    attempt: run.attempt,
    shell: node,
    probe: node,
    clock: quickClock(),
    signal: new AbortController().signal,
    archive: async () => release.path,
    gates: async () => gates,
  });
  async function go(...names: Name[]): Promise<StepResult> {
    let result: StepResult = { is: 'succeeded', facts: {} };
    for (const name of names) {
      result = await steps[name](context());
      const facts: Facts = result.is === 'succeeded' || result.is === 'failed' ? result.facts : {};
      run = { ...run, ...facts, attempt: run.attempt + 1, touched: run.touched || name === 'switch' };
      if (result.is !== 'succeeded') return result;
    }
    return result;
  }
  const failure = (reason: RegExp, retry = false) => ({ is: 'failed', retry, reason: expect.stringMatching(reason) });

  it('bring it to the release with one restart, prove it and leave only the backup', async () => {
    expect(await go('stage', 'backup', 'switch', 'verify')).toMatchObject({
      is: 'succeeded',
      facts: { proof: { sha256: release.binarySha256, version: 'v2.0.0', soaked: expect.any(Number) } },
    });
    expect(await go('cleanup')).toMatchObject({ is: 'succeeded' });
    expect(node.restarts()).toBe(1);
    expect(node.modeOf(binary)).toBe('755');
    expect(node.exec('ls -A usr/local/bin home')).not.toMatch(/staged|part|\.zeitwork/);
    expect(node.exec('find var -name binary')).toMatch(/backups\/v1\.0\.0-[0-9a-f]{12}-[0-9a-f]{8}\/binary/);
    expect(node.modeOf('var/lib/zeitwork-upgrades')).toBe('700');
  });

  it('do nothing a second time, and send nothing', async () => {
    await go('stage', 'backup');
    const staged = node.snapshot();
    run = nodeRun();
    await go('stage', 'backup');
    expect(node.snapshot()).toBe(staged);
    await go('switch', 'switch', 'verify', 'cleanup');
    run = nodeRun();
    expect(await go('stage', 'backup', 'switch', 'verify')).toMatchObject({ is: 'succeeded' });
    expect(run.already).toBe(true);
    expect(node.restarts()).toBe(1);
  });

  it('bring binary and environment file back, byte for byte', async () => {
    const before = node.read(binary) + node.read(env) + node.modeOf(env);
    await go('stage', 'backup', 'switch', 'verify');
    node.write(env, 'DATABASE_URL=other\n');
    expect(await go('restore', 'verify-restored')).toMatchObject({
      is: 'succeeded',
      facts: { proof: { version: 'v1.0.0' } },
    });
    expect(node.read(binary) + node.read(env) + node.modeOf(env)).toBe(before);
    expect(node.restarts()).toBe(2);
    await go('restore');
    expect(node.restarts()).toBe(2);
  });

  it('keep the first backup when the upgrade is run again and again', async () => {
    await go('stage', 'backup', 'switch', 'restore', 'switch');
    run = { ...run, touched: false };
    await go('stage', 'backup', 'switch');
    expect(node.exec('cat var/lib/zeitwork-upgrades/backups/v1.0.0-*/binary')).toBe(build('v1.0.0'));
  });

  it('restart only once when the first answer of the switch was lost', async () => {
    await go('stage', 'backup');
    const lost = {
      ...node,
      run: async (name: string, command: Parameters<LittleNode['run']>[1]) => {
        const outcome = await node.run(name, command);
        return command.name === 'switch'
          ? { is: 'lost' as const, reason: 'connection lost', stdout: '', stderr: '' }
          : outcome;
      },
      put: node.put,
      close: node.close,
    };
    expect(await steps.switch({ ...context(), shell: lost })).toEqual({ is: 'unknown', reason: 'connection lost' });
    expect(await go('switch', 'verify')).toMatchObject({ is: 'succeeded' });
    expect(node.restarts()).toBe(1);
  });

  it('restart when only the restart is lacking', async () => {
    await go('stage', 'backup');
    node.write(binary, build('v2.0.0'), 0o755);
    expect(await go('switch', 'verify')).toMatchObject({ is: 'succeeded' });
    expect(node.restarts()).toBe(1);
  });

  it('leave the service alone when a gate is closed', async () => {
    await go('stage', 'backup');
    const before = node.snapshot();
    gates = [{ name: 'quorum', reason: 'op-2 is down', owner: 'op-2', opensAt: null }];
    expect(await go('switch')).toEqual({ is: 'gated', gates });
    expect(node.snapshot()).toBe(before);
  });

  it('change nothing for an older run', async () => {
    await go('stage', 'backup');
    plan = { ...plan, epoch: 9 };
    await go('backup');
    plan = { ...plan, epoch: 8 };
    const before = node.snapshot();
    for (const name of ['stage', 'backup', 'switch', 'cleanup'] as const) {
      expect(await go(name)).toMatchObject(failure(/newer run owns this node \(its number is 9\)/));
    }
    expect(node.snapshot()).toBe(before);
  });

  it('wait for a lock that is held, and say so in the end', async () => {
    await go('stage');
    node.exec(
      'mkdir -p var/lib/zeitwork-upgrades; (exec 9>>var/lib/zeitwork-upgrades/lock; flock -n 9; sleep 2) >/dev/null 2>&1 &',
    );
    await wait(200);
    expect(await go('backup')).toMatchObject(failure(/another command still runs/, true));
    expect(await go('switch')).toMatchObject(failure(/another command still runs.*nothing was changed/, true));
    expect(node.commands.filter((name) => name === 'switch').length).toBeGreaterThan(2);
  });

  it('are not confused by banners', async () => {
    node.banner = 'Welcome!\n@@zw\nimage 123 end ok\n';
    expect(await go('stage', 'backup', 'switch', 'verify', 'cleanup')).toMatchObject({ is: 'succeeded' });
  });

  it('refuse a build that says another version, and remove it', async () => {
    release = packed(folder, 'v2.1.0', 'v2.0.9');
    const { path: _, ...plain } = release;
    plan = { ...plan, release: plain };
    expect(await go('stage')).toMatchObject(failure(/^says v2\.0\.9, expected v2\.1\.0$/));
    expect(node.exec('ls usr/local/bin')).toBe('zeitwork-operator\n');
  });

  const harms: [string, (n: LittleNode) => void, Name, RegExp][] = [
    [
      'the binary on disk was replaced',
      (n) => n.write(binary, build('v1.0.1'), 0o755),
      'backup',
      /replaced the file on disk/,
    ],
    ['the environment file was changed', (n) => n.write(env, 'X=1\n'), 'backup', /changed the environment file/],
    [
      'the staged binary was changed',
      (n) => n.exec('for f in usr/local/bin/*.v2*; do echo >>$f; done'),
      'backup',
      /staged binary was changed/,
    ],
    [
      'the staged binary is gone',
      (n) => n.exec('rm usr/local/bin/zeitwork-operator.v2*'),
      'backup',
      /staged binary is gone/,
    ],
    [
      'the backup is damaged',
      (n) => n.exec(`for f in ${backups}/*/binary; do echo >>$f; done`),
      'switch',
      /backup is damaged.*nothing was changed/,
    ],
    [
      'the backup is gone',
      (n) => n.exec('rm -r var/lib/zeitwork-upgrades/backups'),
      'switch',
      /no backup at .*backups\/v1/,
    ],
    [
      'the staged binary was changed after the backup',
      (n) => n.exec('for f in usr/local/bin/*.v2*; do echo >>$f; done'),
      'switch',
      /staged binary was changed/,
    ],
    [
      'the epoch file is damaged',
      (n) => n.write('var/lib/zeitwork-upgrades/epoch', 'x\n'),
      'switch',
      /is damaged: nobody can tell/,
    ],
  ];
  it.each(harms)('stop before the restart when %s', async (_, harm, step, reason) => {
    await go('stage', 'backup');
    harm(node);
    const before = node.snapshot();
    expect(await go(step)).toMatchObject(failure(reason));
    expect(node.snapshot()).toBe(before);
  });

  it('do not roll back to a damaged backup', async () => {
    await go('stage', 'backup', 'switch');
    node.exec(`for f in ${backups}/*/binary; do echo >>$f; done`);
    const before = node.snapshot();
    expect(await go('restore')).toMatchObject(failure(/backup is damaged: .*nothing was changed/));
    expect(node.snapshot()).toBe(before);
  });

  it('notice an archive that arrived damaged, and send it again', async () => {
    node.onCommand = (command) => {
      if (command.name === 'stage') node.exec('for f in home/.zeitwork-upgrades/r-1/*; do echo x >>$f; done');
    };
    expect(await go('stage')).toMatchObject(failure(/arrived damaged/, true));
    node.onCommand = () => {};
    expect(await go('stage')).toMatchObject({ is: 'succeeded' });
  });

  it('say why nothing could be sent, and leave no half of it behind', async () => {
    const put = node.put.bind(node);
    const cut = async (name: string, from: string, to: string) => {
      await put(name, from, to);
      return { is: 'failed' as const, reason: 'the connection was lost' };
    };
    node.put = cut;
    expect(await go('stage')).toMatchObject(failure(/could not be sent: the connection was lost/, true));
    expect(node.exec('ls -A home')).toBe('');
    const broken = { ...context(), archive: () => Promise.reject(new Error('the release server is down')) };
    expect(await steps.stage(broken)).toMatchObject(failure(/could not be sent: the release server is down/, true));
  });

  it('have a survey and a diagnosis for everyone, without secrets', async () => {
    const survey = await surveyNode('us-east-op-1', 'us-east', service, node, node, quickClock());
    expect(survey).toEqual({
      node: 'us-east-op-1',
      region: 'us-east',
      version: 'v1.0.0',
      sha256: sha256(build('v1.0.0')),
      healthy: true,
      detail: 'healthy',
      unit: 'active/running',
      at: 1_000,
    });
    node.banner = 'postgres://zw:s3cret@db\n';
    const diagnosis = await diagnoseNode('us-east-op-1', service, node, node, 5_000);
    expect(diagnosis.summary).toMatch(/no cause was found/);
    expect(JSON.stringify(diagnosis)).not.toContain('s3cret');
  });

  it.each(Object.entries(scripts))('half of %s does nothing', async (_, whole) => {
    await go('stage', 'backup');
    const before = node.snapshot();
    const lines = whole.split('\n');
    for (let cut = 1; cut < lines.length - 1; cut += 15) {
      const script = lines.slice(0, cut).join('\n');
      await node.run('', { name: 'half', script, args: ['epoch=99', 'unit=x'], sudo: true, timeoutMs: 1_000 });
    }
    expect(node.snapshot()).toBe(before);
  });

  it('keep the backup where the record says', async () => {
    await go('stage', 'backup');
    expect(run.before && node.has(backupPath(run.before))).toBe(true);
  });
});
