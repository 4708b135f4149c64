import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { createProbe } from '../../src/upgrade/http/probe.ts';
import type { NodeRun, Release, StepName } from '../../src/upgrade/rollout/types.ts';
import type { Command, Shell } from '../../src/upgrade/ssh/types.ts';
import { steps, tidyNode } from '../../src/upgrade/steps/index.ts';
import type { StepResult } from '../../src/upgrade/steps/types.ts';
import { nodeRun, policy, rollout } from '../upgrade/steps/support.ts';
import { fleetOfTrial, printed, releaseIn } from './fleet-support.ts';

const node = 'us-east-op-1';
const trial = fleetOfTrial({ regions: ['us-east'], restartMs: 40, timeScale: 0.1 });
const there: StepName[] = ['stage', 'backup', 'switch', 'verify', 'cleanup'];
const back: StepName[] = ['diagnose', 'restore', 'verify-restored'];
const quick = { ...policy, soak: 300, canarySoak: 300, healthDeadline: 1_500 };
const clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms: number, signal?: AbortSignal) => wait(ms, undefined, signal ? { signal } : {}),
};
let epoch = 0;

const releaseOf = (version: string) => releaseIn(trial.fleet, version);

/** Runs steps on the node one after another, with what they learned, until one does not succeed. */
async function walk(
  release: Release,
  names: StepName[],
  start: NodeRun = nodeRun({ name: node }),
  shell: Shell = trial.shell,
) {
  let run = start;
  let result: StepResult = { is: 'unknown', reason: 'no step was asked for' };
  epoch++;
  for (const name of names) {
    result = await steps[name]({
      rollout: rollout({
        id: `r${epoch}`,
        release,
        policy: quick,
        epoch,
        service: { ...trial.fleet.service, traffic: null },
      }),
      node: run,
      attempt: run.attempt,
      shell,
      probe: createProbe(Object.fromEntries(trial.fleet.nodes.map((one) => [one.name, one.healthUrl]))),
      clock,
      signal: new AbortController().signal,
      withdrawn: () => null,
      archive: async () => join(trial.fleet.releasesDirectory, release.archive),
      gates: async () => [],
    });
    if ('facts' in result) run = { ...run, ...result.facts, attempt: run.attempt + 1 };
    if (result.is !== 'succeeded') return { name, result, run };
  }
  return { name: 'all', result, run };
}

beforeEach(() => trial.fleet.reset());

describe('the steps of an upgrade on a simulated node', () => {
  it('bring it to another release with one restart, and leave nothing behind', async () => {
    const release = await releaseOf('v2.0.0');
    const { name, result, run } = await walk(release, there);
    expect({ name, result: result.is }).toEqual({ name: 'all', result: 'succeeded' });
    expect(run.proof).toMatchObject({ sha256: release.binarySha256, version: 'v2.0.0', restarts: 0 });
    expect(trial.fleet.starts(node)).toBe(2);
    expect(await printed(trial.shell, node, 'ls -A /usr/local/bin . /tmp')).not.toMatch(/staged|upgrades|tmp\./);
  });

  it.each(['v2.1.0-never-healthy', 'v2.1.0-exit-at-start', 'v2.1.0-unhealthy-200'])(
    'find %s out, and restore what was there',
    async (version) => {
      const original = await releaseOf('v1.0.0');
      const release = await releaseOf(version);
      const forward = await walk(release, there);
      expect(forward).toMatchObject({ name: 'verify', result: { is: 'failed' } });
      const rollback = await walk(release, back, { ...forward.run, touched: true });
      expect(rollback).toMatchObject({ name: 'all', result: { is: 'succeeded' } });
      expect(rollback.run.diagnosis?.evidence.join('\n')).not.toContain('s3cret');
      expect(rollback.run.proof?.sha256).toBe(original.binarySha256);
      expect(trial.fleet.source.counter().failures).toBe(0);
    },
  );

  it.each([
    ['break-sudo', /sudo/],
    ['fill-disk', /space|room|disk/i],
    ['kill-sshd', /refused|reset|closed/i],
  ])('stop before anything is changed after %s', async (fault, reason) => {
    await trial.fleet.source.inject(node, fault);
    const { name, result } = await walk(await releaseOf('v2.0.0'), there);
    expect(name).toBe('stage');
    expect(result.is).not.toBe('succeeded');
    expect('reason' in result ? result.reason : '').toMatch(reason);
    expect(trial.fleet.starts(node)).toBe(1);
  });

  it('refuse a build that reports another version before anything is changed', async () => {
    const { name, result } = await walk(await releaseOf('v2.1.0-wrong-version'), there);
    expect(name).toBe('backup');
    expect('reason' in result ? result.reason : '').toContain('v2.0.9');
    expect(trial.fleet.starts(node)).toBe(1);
  });

  it('wait for a good build that is slow to start', async () => {
    expect(await walk(await releaseOf('v2.1.0-slow-start'), there)).toMatchObject({ name: 'all' });
  });

  it('can be rolled back, and again, when backups of long ago are gone', async () => {
    const versions = ['v1.1.0', 'v2.0.0', 'v2.1.0'];
    let run = nodeRun({ name: node });
    for (const version of versions) run = (await walk(await releaseOf(version), there)).run;
    const backups = '/var/lib/zeitwork-upgrades/zeitwork-operator/backups';
    await printed(
      trial.shell,
      node,
      `n=40; for each in $(ls -1rt ${backups}); do touch -d "$n days ago" ${backups}/$each; n=$((n - 1)); done`,
    );
    const release = await releaseOf('v2.1.0');
    const under = rollout({
      id: `r${epoch}`,
      release,
      policy: quick,
      epoch,
      service: { ...trial.fleet.service, traffic: null },
    });
    const visit = {
      rollout: under,
      node: run,
      attempt: run.attempt,
      shell: trial.shell,
      signal: new AbortController().signal,
    };
    const rule = { stable: 14 * 86_400_000, keep: 2 };
    expect(await tidyNode(visit, null, rule)).toEqual({ is: 'tidied', removed: [expect.stringContaining('v1.0.0')] });
    expect(trial.fleet.starts(node)).toBe(4);
    const first = await walk(release, back, { ...run, touched: true });
    expect(first).toMatchObject({ name: 'all', run: { proof: { version: 'v2.0.0' } } });
    const older = await releaseOf('v1.1.0');
    const before = { ...run.before, version: 'v1.1.0', sha256: older.binarySha256 };
    const again = { ...run, before: { envSha256: null, invocation: '', ...before }, touched: true };
    expect(await walk(await releaseOf('v2.0.0'), back, again)).toMatchObject({
      name: 'all',
      run: { proof: { version: 'v1.1.0' } },
    });
  });

  it('can roll back on a disk that became full', async () => {
    const release = await releaseOf('v2.1.0-never-healthy');
    const forward = await walk(release, there);
    await trial.fleet.source.inject(node, 'fill-disk');
    const rollback = await walk(release, back, { ...forward.run, touched: true });
    expect(rollback).toMatchObject({ name: 'all', result: { is: 'succeeded' } });
  });

  const installed = () =>
    printed(
      trial.shell,
      node,
      'sha256sum /usr/local/bin/zeitwork-operator; stat -c "%a %i" /usr/local/bin/zeitwork-operator',
    );

  it.each([
    ['cut at 70 %', (whole: Buffer) => whole.subarray(0, Math.floor(whole.length * 0.7))],
    ['with one byte flipped', (whole: Buffer) => whole.map((byte, index) => (index === 70_000 ? byte ^ 1 : byte))],
  ])('never put in place an archive that arrives %s, and send it anew under another name', async (_, damage) => {
    const release = await releaseOf('v2.0.0');
    const before = await installed();
    const sent: string[] = [];
    let damaged = true;
    const shell: Shell = {
      ...trial.shell,
      put: async (name, from, to, signal) => {
        sent.push(to);
        if (!damaged) return trial.shell.put(name, from, to, signal);
        const half = join(trial.directory, 'damaged');
        await writeFile(half, damage(await readFile(from)));
        return trial.shell.put(name, half, to, signal);
      },
    };
    const first = await walk(release, there, undefined, shell);
    expect(first).toMatchObject({
      name: 'stage',
      result: { is: 'failed', retry: true, reason: expect.stringMatching(/arrived damaged/) },
    });
    expect(await installed()).toBe(before);
    expect(trial.fleet.starts(node)).toBe(1);
    damaged = false;
    const again = await walk(release, there, nodeRun({ name: node, attempt: 2 }), shell);
    expect(again).toMatchObject({ name: 'all', result: { is: 'succeeded' } });
    expect(new Set(sent).size).toBe(2);
  });

  it.each(['stage', 'backup'] as const)(
    'name the signal when the kernel kills what %s runs, with nothing changed',
    async (step) => {
      const release = await releaseOf('v2.0.0');
      const before = await installed();
      const ready = await walk(release, there.slice(0, there.indexOf(step)));
      // As the OOM killer does it: from outside, without a word.
      const killed = (command: Command): Command =>
        command.name === step ? { ...command, script: 'kill -9 $$; sleep 5' } : command;
      const shell: Shell = {
        ...trial.shell,
        run: (name, command, signal) => trial.shell.run(name, killed(command), signal),
      };
      expect(await walk(release, [step], ready.run, shell)).toMatchObject({
        result: { is: 'failed', retry: true, reason: expect.stringMatching(/killed by SIGKILL/) },
      });
      expect(await installed()).toBe(before);
      expect(trial.fleet.starts(node)).toBe(1);
      expect(await walk(release, there.slice(there.indexOf(step)), ready.run)).toMatchObject({ name: 'all' });
    },
  );
});
