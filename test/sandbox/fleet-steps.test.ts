import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { createProbe } from '../../src/upgrade/http/probe.ts';
import type { NodeRun, Release, StepName } from '../../src/upgrade/rollout/types.ts';
import { steps } from '../../src/upgrade/steps/index.ts';
import type { StepResult } from '../../src/upgrade/steps/types.ts';
import { nodeRun, policy, rollout } from '../upgrade/steps/support.ts';
import { fleetOfTrial, printed } from './fleet-support.ts';

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

async function releaseOf(version: string): Promise<Release> {
  const archive = `zeitwork-operator-${version}.tar.gz`;
  const bytes = await readFile(join(trial.fleet.releasesDirectory, archive));
  const tar = gunzipSync(bytes);
  const binaryBytes = Number.parseInt(tar.toString('latin1', 512 + 124, 512 + 135), 8);
  const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex');
  const binarySha256 = sha256(tar.subarray(1024, 1024 + binaryBytes));
  return {
    version,
    archive,
    archiveSha256: sha256(bytes),
    binarySha256,
    archiveBytes: bytes.length,
    binaryBytes,
    signed: null,
  };
}

/** Runs steps on the node one after another, with what they learned, until one does not succeed. */
async function walk(release: Release, names: StepName[], start: NodeRun = nodeRun({ name: node })) {
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
      shell: trial.shell,
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

  it('can roll back on a disk that became full', async () => {
    const release = await releaseOf('v2.1.0-never-healthy');
    const forward = await walk(release, there);
    await trial.fleet.source.inject(node, 'fill-disk');
    const rollback = await walk(release, back, { ...forward.run, touched: true });
    expect(rollback).toMatchObject({ name: 'all', result: { is: 'succeeded' } });
  });
});
