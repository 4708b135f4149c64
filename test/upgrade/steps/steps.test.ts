import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { switchOver } from '../../../src/upgrade/host/commands.ts';
import { steps } from '../../../src/upgrade/steps/index.ts';
import { build, type LittleNode } from './little-node.ts';
import { nodeRun } from './support.ts';
import { backups, binary, env, state, Trial } from './trial.ts';

const failure = (reason: RegExp, retry = false) => ({ is: 'failed', retry, reason: expect.stringMatching(reason) });

describe('the steps of a node', () => {
  let trial: Trial;
  beforeEach(() => {
    trial = new Trial();
  });
  afterEach(() => trial.close());

  it('bring it to the release with one restart, prove it and leave only the backup', async () => {
    expect(await trial.go('stage', 'backup', 'switch', 'verify')).toMatchObject({
      is: 'succeeded',
      facts: { proof: { sha256: trial.release.binarySha256, version: 'v2.0.0', soaked: expect.any(Number) } },
    });
    expect(await trial.go('cleanup')).toMatchObject({ is: 'succeeded' });
    expect(trial.node.restarts()).toBe(1);
    expect(trial.node.modeOf(binary)).toBe('755');
    expect(trial.node.exec('ls -A usr/local/bin home')).not.toMatch(/staged|part|\.zeitwork/);
    expect(trial.node.exec('find var -name binary')).toMatch(/backups\/v1\.0\.0-[0-9a-f]{12}-[0-9a-f]{8}\/binary/);
    expect(trial.node.modeOf('var/lib/zeitwork-upgrades')).toBe('700');
  });

  it('do nothing a second time, and send nothing', async () => {
    await trial.go('stage', 'backup');
    const staged = trial.node.snapshot();
    trial.run = nodeRun({ attempt: trial.run.attempt });
    await trial.go('stage', 'backup');
    expect(trial.node.snapshot()).toBe(staged);
    await trial.go('switch', 'switch', 'verify', 'cleanup');
    trial.run = nodeRun({ attempt: trial.run.attempt });
    expect(await trial.go('stage', 'backup', 'switch', 'verify')).toMatchObject({ is: 'succeeded' });
    expect(trial.run.already).toBe(true);
    expect(trial.node.restarts()).toBe(1);
  });

  it('bring binary and environment file back, byte for byte', async () => {
    const before = trial.node.read(binary) + trial.node.read(env) + trial.node.modeOf(env);
    await trial.go('stage', 'backup', 'switch', 'verify');
    expect(await trial.go('restore', 'verify-restored')).toMatchObject({
      is: 'succeeded',
      facts: { proof: { version: 'v1.0.0' } },
    });
    expect(trial.node.read(binary) + trial.node.read(env) + trial.node.modeOf(env)).toBe(before);
    expect(trial.node.restarts()).toBe(2);
    await trial.go('restore');
    expect(trial.node.restarts()).toBe(2);
  });

  it('rehearse the way back: there, back, and there again, with three restarts and one backup', async () => {
    await trial.go('stage', 'backup', 'switch', 'verify');
    const first = trial.run.before;
    expect(await trial.go('restore', 'verify-restored')).toMatchObject({ facts: { proof: { version: 'v1.0.0' } } });
    const back = trial.run.proof?.invocation;
    trial.run = { ...trial.run, touched: false, proof: null, rehearsedAt: 1 };
    expect(await trial.go('switch')).toMatchObject({ is: 'failed', reason: expect.stringMatching(/staged/) });
    trial.run = { ...trial.run, touched: false };
    expect(await trial.go('stage', 'backup', 'switch', 'verify', 'cleanup')).toMatchObject({ is: 'succeeded' });
    expect(trial.node.restarts()).toBe(3);
    expect(trial.run.proof).toMatchObject({ sha256: trial.release.binarySha256, restarts: 0 });
    // What the second switch has to have ended is the process that came back, not the one of before.
    expect(trial.run.before).toEqual({ ...first, invocation: back });
    expect(back).not.toBe(first?.invocation);
    expect(trial.node.exec('find var -name binary | wc -l').trim()).toBe('1');
  });

  it('keep the first backup when the upgrade is run again and again', async () => {
    await trial.go('stage', 'backup', 'switch', 'restore', 'switch');
    trial.run = { ...trial.run, touched: false };
    await trial.go('stage', 'backup', 'switch');
    expect(trial.node.exec(`cat ${backups}/v1.0.0-*/binary`)).toBe(build('v1.0.0'));
    expect(await trial.go('restore', 'verify-restored')).toMatchObject({ is: 'succeeded' });
    expect(trial.node.read(binary)).toBe(build('v1.0.0'));
  });

  it('restart only once when the first answer of the switch was lost', async () => {
    await trial.go('stage', 'backup');
    const lost = {
      ...trial.node,
      run: async (name: string, command: Parameters<LittleNode['run']>[1]) => {
        const outcome = await trial.node.run(name, command);
        return command.name === 'switch'
          ? { is: 'lost' as const, reason: 'connection lost', stdout: '', stderr: '' }
          : outcome;
      },
      put: trial.node.put,
      close: trial.node.close,
    };
    expect(await steps.switch({ ...trial.context(), shell: lost })).toEqual({
      is: 'unknown',
      reason: 'connection lost',
      silent: true,
    });
    expect(await trial.go('switch', 'verify')).toMatchObject({ is: 'succeeded' });
    expect(trial.node.restarts()).toBe(1);
  });

  it('restart only once when the very same switch is sent twice', async () => {
    await trial.go('stage', 'backup');
    if (trial.run.before === null) throw new Error('not staged');
    const command = switchOver(trial.context(), trial.run.before);
    await trial.node.run('', command);
    expect(await trial.node.run('', command)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/restart skipped/),
    });
    expect(trial.node.restarts()).toBe(1);
  });

  it('restart when only the restart is lacking', async () => {
    await trial.go('stage', 'backup');
    trial.node.write(binary, build('v2.0.0'), 0o755);
    expect(await trial.go('switch', 'verify')).toMatchObject({ is: 'succeeded' });
    expect(trial.node.restarts()).toBe(1);
  });

  it('leave the service alone when a gate is closed', async () => {
    await trial.go('stage', 'backup');
    const before = trial.node.snapshot();
    trial.gates = [{ name: 'quorum', reason: 'op-2 is down', owner: 'op-2', opensAt: null }];
    expect(await trial.go('switch')).toEqual({ is: 'gated', gates: trial.gates, unchanged: true });
    expect(trial.node.snapshot()).toBe(before);
  });

  it('do not put in place what was signed with a key that counts no more, and still go back', async () => {
    await trial.go('stage', 'backup');
    trial.withdrawn = 'its key does not count any more';
    const staged = trial.node.snapshot();
    expect(await trial.go('backup')).toMatchObject(failure(/does not count any more/));
    expect(await trial.go('switch')).toMatchObject({ ...failure(/does not count any more/), facts: { clean: true } });
    expect(trial.node.snapshot()).toBe(staged);
    trial.withdrawn = null;
    await trial.go('switch');
    trial.withdrawn = 'its key does not count any more';
    expect(await trial.go('switch')).toMatchObject({ is: 'succeeded' });
    expect(await trial.go('restore', 'verify-restored')).toMatchObject({ is: 'succeeded' });
    expect(trial.node.read(binary)).toBe(build('v1.0.0'));
  });

  it('change nothing for an older run', async () => {
    await trial.go('stage', 'backup');
    trial.plan = { ...trial.plan, epoch: 9 };
    await trial.go('backup');
    trial.plan = { ...trial.plan, epoch: 8 };
    const before = trial.node.snapshot();
    for (const name of ['stage', 'backup', 'switch', 'cleanup'] as const) {
      expect(await trial.go(name)).toMatchObject(failure(/newer run owns this node \(its number is 9\)/));
    }
    expect(trial.node.snapshot()).toBe(before);
  });

  it('wait for a lock that is held, and say so in the end', async () => {
    await trial.go('stage');
    trial.node.exec(`(exec 9>>${state}/lock; flock -n 9; sleep 3) >/dev/null 2>&1 &`);
    await wait(200);
    expect(await trial.go('backup')).toMatchObject(failure(/another command still runs/, true));
    expect(await trial.go('switch')).toEqual({ is: 'unknown', reason: 'another command still runs on the node' });
    expect(trial.node.commands.filter((name) => name === 'look under lock').length).toBeGreaterThan(2);
    expect(trial.node.commands).not.toContain('switch');
  });
});
