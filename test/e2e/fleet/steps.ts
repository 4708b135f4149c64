import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { surveyNode } from '../../../src/upgrade/host/index.ts';
import type { Shell } from '../../../src/upgrade/ssh/types.ts';
import { freshFleet, sayWhyNot } from '../../support/real-fleet.ts';
import {
  clock,
  connect,
  fault,
  installation,
  lastEpoch,
  onNode,
  probe,
  releaseOf,
  starts,
  Way,
} from '../../upgrade/steps/fleet.ts';
import { service } from '../../upgrade/steps/support.ts';

const why = sayWhyNot('The steps on real nodes');

const said: unknown[] = [];
const keep = <T>(value: T): T => {
  said.push(value);
  return value;
};

describe.skipIf(why !== null)('the steps on real nodes', () => {
  let shell: Shell;
  let epoch: number;
  const way = (node: string, build: string, change = {}) => {
    epoch += 1;
    const made = new Way(node, releaseOf(build), shell, epoch, change);
    said.push(made.reports);
    return made;
  };

  beforeAll(async () => {
    await freshFleet();
    shell = connect();
    epoch = lastEpoch();
  });
  afterAll(() => shell.close());

  it('bring a node to a release once, and do nothing the second time', async () => {
    const there = way('us-east-op-1', 'v2.0.0');
    expect(await there.go('stage', 'backup', 'switch', 'verify', 'cleanup')).toMatchObject({ is: 'succeeded' });
    expect(there.node.proof).toMatchObject({ version: 'v2.0.0', restarts: 0 });
    const before = starts('us-east-op-1');

    expect(await there.go('stage', 'backup', 'switch', 'verify', 'cleanup')).toMatchObject({ is: 'succeeded' });
    const again = way('us-east-op-1', 'v2.0.0');
    expect(await again.go('stage', 'backup', 'switch', 'verify', 'cleanup')).toMatchObject({ is: 'succeeded' });
    expect(again.node.already).toBe(true);
    expect(starts('us-east-op-1')).toBe(before);
    expect(onNode('us-east-op-1', 'ls -A /usr/local/bin /home/ops')).not.toMatch(/staged|\.zeitwork-upgrades|part/);
  });

  it('take a node out of service and put it back by the commands of the settings, as root', async () => {
    const node = 'eu-west-op-3';
    const file = '/usr/local/bin/balancer';
    const made = Buffer.from(
      '#!/bin/sh\necho "$(id -un) $*" >>/run/balancer.log\n[ ! -e /run/balancer.slow ] || { echo 3 left; exit 75; }\n',
    );
    onNode(node, `echo ${made.toString('base64')} | base64 -d >${file}; chmod 755 ${file}; touch /run/balancer.slow`);
    const there = way(node, 'v2.0.0');
    there.traffic = { drain: [file, 'out', '{name}'], undrain: [file, 'in', '{name}'], limit: 60_000 };
    expect(await there.go('stage', 'backup')).toMatchObject({ is: 'succeeded' });
    expect(keep(await there.run('drain'))).toMatchObject({ is: 'later', reason: '3 left' });
    onNode(node, 'rm /run/balancer.slow');
    expect(await there.go('drain', 'switch', 'verify', 'undrain', 'cleanup')).toMatchObject({ is: 'succeeded' });
    expect(onNode(node, 'cat /run/balancer.log').split('\n')).toEqual([
      `root out ${node}`,
      `root out ${node}`,
      `root in ${node}`,
    ]);
  });

  it('bring binary and environment file back byte for byte, with owner and mode', async () => {
    const node = 'us-east-op-2';
    const before = installation(node);
    const there = way(node, 'v2.0.0');
    await there.go('stage', 'backup', 'switch', 'verify');
    onNode(node, 'echo LOG_LEVEL=debug >>/etc/zeitwork/operator.env');
    expect(installation(node)).not.toBe(before);

    expect(await there.go('restore')).toMatchObject({
      is: 'failed',
      reason: 'somebody changed the environment file since it was backed up',
      facts: { foreign: { what: 'environment' } },
    });
    there.decide('replace');
    expect(await there.go('restore', 'verify-restored', 'cleanup')).toMatchObject({ is: 'succeeded' });
    expect(installation(node)).toBe(before);
    const count = starts(node);
    expect(await there.go('restore')).toMatchObject({ is: 'succeeded' });
    expect(starts(node)).toBe(count);
  });

  it('bring the binary back on a full disk', async () => {
    const node = 'us-east-op-2';
    const before = installation(node);
    const there = way(node, 'v2.0.0');
    await there.go('stage', 'backup', 'switch', 'verify', 'cleanup');
    fault(node, 'fill-disk');
    epoch += 1;
    there.epoch = epoch;
    try {
      expect(await there.go('restore', 'verify-restored')).toMatchObject({ is: 'succeeded' });
    } finally {
      fault(node, 'free-disk');
    }
    expect(installation(node)).toBe(before);
  });

  it('do nothing for an older run', async () => {
    const node = 'us-east-op-3';
    const newer = way(node, 'v2.0.0');
    const older = way(node, 'v2.1.0');
    older.epoch = newer.epoch - 1;
    await newer.go('stage', 'backup');
    const before = installation(node);
    expect(await older.go('stage')).toMatchObject({
      is: 'failed',
      retry: false,
      reason: expect.stringMatching(/newer run owns/),
    });
    older.node = newer.node;
    expect(await older.go('switch')).toMatchObject({
      is: 'failed',
      reason: expect.stringMatching(/newer run owns this node/),
    });
    expect(installation(node)).toBe(before);
    expect(await newer.go('cleanup')).toMatchObject({ is: 'succeeded' });
  });

  it('wait their turn while another command runs on the node', async () => {
    const node = 'us-east-op-3';
    const there = way(node, 'v2.0.0', { commandTimeout: 1_500 });
    await there.go('stage', 'backup');
    const holding = shell.run(node, {
      name: 'hold',
      script: 'exec 9>>/var/lib/zeitwork-upgrades/zeitwork-operator/lock; flock -n 9; sleep 6',
      args: [],
      sudo: true,
      timeoutMs: 10_000,
    });
    await clock.sleep(500);
    const busy = { is: 'failed', retry: true, reason: expect.stringMatching(/another command still runs/) };
    expect(await there.go('backup')).toMatchObject(busy);
    expect(await there.go('switch')).toEqual({ is: 'unknown', reason: 'another command still runs on the node' });
    await holding;
    there.node = { ...there.node, touched: false };
    expect(await there.go('cleanup')).toMatchObject({ is: 'succeeded' });
  });

  it('do not stop a service when a gate is closed', async () => {
    const node = 'us-east-op-3';
    const there = way(node, 'v2.0.0');
    await there.go('stage', 'backup');
    const count = starts(node);
    there.gates = [{ name: 'quorum', reason: 'us-east-op-2 is down', owner: 'us-east-op-2', opensAt: null }];
    expect(await there.run('switch')).toMatchObject({ is: 'gated', gates: [{ name: 'quorum' }] });
    expect(starts(node)).toBe(count);
    await there.go('cleanup');
  });

  it.each([
    ['0', /disk is too full|disk of the node is full/],
    ['40000', /disk is too full: 39 MB free/],
  ])('leave the binary alone when the disk has %s KB left', async (free, reason) => {
    const node = 'eu-west-op-1';
    const before = installation(node);
    fault(node, 'fill-disk', free);
    try {
      expect(await way(node, 'v2.0.0').go('stage')).toMatchObject({
        is: 'failed',
        retry: false,
        reason: expect.stringMatching(reason),
      });
    } finally {
      fault(node, 'free-disk');
    }
    expect(installation(node)).toBe(before);
  });

  it('switch although the disk has filled up since, or leave everything as it was', async () => {
    const node = 'eu-west-op-1';
    const before = installation(node);
    const there = way(node, 'v2.0.0');
    await there.go('stage', 'backup');
    fault(node, 'fill-disk');
    try {
      expect(await there.go('switch', 'verify', 'restore', 'verify-restored')).toMatchObject({ is: 'succeeded' });
    } finally {
      fault(node, 'free-disk');
    }
    expect(installation(node)).toBe(before);
    await there.go('cleanup');
  });

  it('say what to do when sudo asks for a password', async () => {
    const node = 'eu-west-op-1';
    fault(node, 'break-sudo');
    try {
      const reason = expect.stringMatching(/sudo asks for a password; give/);
      expect(await way(node, 'v2.0.0').go('stage')).toMatchObject({ is: 'failed', retry: false, reason });
      const survey = keep(await surveyNode(node, 'eu-west', service, shell, probe(), clock));
      expect(survey).toMatchObject({ healthy: true, version: 'v1.0.0', sha256: null, unit: null, detail: reason });
    } finally {
      fault(node, 'fix-sudo');
    }
  });

  it('notice that someone replaced the file on disk', async () => {
    const node = 'eu-west-op-1';
    const bin = '/usr/local/bin/zeitwork-operator';
    onNode(node, `cp -p ${bin} /root/kept; cp -p ${bin} ${bin}.n; echo >>${bin}.n; mv ${bin}.n ${bin}`);
    expect(await way(node, 'v2.0.0').go('stage')).toMatchObject({
      is: 'failed',
      retry: false,
      reason: expect.stringMatching(/replaced/),
    });
    onNode(node, `mv /root/kept ${bin}; systemctl restart zeitwork-operator`);
  });

  it('never let a secret of the node out', () => {
    expect(JSON.stringify(said)).not.toMatch(/s3cret/);
    expect(said.length).toBeGreaterThan(3);
  });
});
