import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Shell } from '../../../src/upgrade/ssh/types.ts';
import { steps } from '../../../src/upgrade/steps/index.ts';
import { freshFleet, sayWhyNot } from '../../support/real-fleet.ts';
import {
  clock,
  connect,
  fault,
  installation,
  lastEpoch,
  onNode,
  releaseOf,
  starts,
  Way,
} from '../../upgrade/steps/fleet.ts';

const why = sayWhyNot('The steps on sick nodes');

const said: unknown[] = [];
const keep = <T>(value: T): T => {
  said.push(value);
  return value;
};

describe.skipIf(why !== null)('the steps on real nodes that fall ill', () => {
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

  const builds: [string, string, RegExp, RegExp, object][] = [
    [
      'eu-west-op-1',
      'never-healthy',
      /^health stays 503 starting for (?:8|9) s/,
      /never becomes healthy: 503 starting/,
      {},
    ],
    [
      'eu-west-op-2',
      'exit-at-start',
      /^restarted 2 times: exit status 1 \(migration lock/,
      /^exits at start \(exit status 1\): migration/,
      {},
    ],
    [
      'eu-west-op-3',
      'unhealthy-200',
      /^health says unhealthy \(HTTP 200\).*reconcile loop/,
      /unhealthy: reconcile loop stalled/,
      {},
    ],
    [
      'ap-south-op-1',
      'dies-after-20s',
      /^answered healthy for (?:19|2\d) s, then died.*out of memory/,
      /^dies after 2\d s: out of memory in reconcile loop/,
      { soak: 40_000, canarySoak: 40_000 },
    ],
  ];
  it.concurrent.each(builds)(
    'on %s tell why %s failed, and bring the old build back',
    async (node, build, reason, cause, change) => {
      const before = installation(node);
      const there = way(node, build, change);
      expect(await there.go('stage', 'backup', 'switch', 'verify')).toMatchObject({
        is: 'failed',
        retry: false,
        reason: expect.stringMatching(reason),
      });
      await there.go('diagnose');
      expect(there.node.diagnosis?.summary).toMatch(cause);
      there.node = { ...there.node };
      expect(await there.go('restore', 'verify-restored', 'cleanup')).toMatchObject({ is: 'succeeded' });
      expect(installation(node)).toBe(before);
    },
  );

  it('refuse a build that says another version, before anything is stopped', async () => {
    const node = 'ap-south-op-2';
    const before = installation(node);
    expect(await way(node, 'wrong-version').go('stage', 'backup')).toMatchObject({
      is: 'failed',
      retry: false,
      reason: 'says v2.0.9, expected v2.1.0',
    });
    expect(installation(node)).toBe(before);
    expect(onNode(node, 'ls -A /usr/local/bin /home/ops')).not.toMatch(/staged|\.zeitwork-upgrades/);
  });

  it('have patience with a good build that starts slowly', async () => {
    const there = way('ap-south-op-2', 'slow-start', { healthDeadline: 15_000 });
    expect(await there.go('stage', 'backup', 'switch', 'verify', 'cleanup')).toMatchObject({ is: 'succeeded' });
  });

  it.each(['kill-sshd', 'drop-network'])(
    'know nothing when the connection is lost in the middle of the switch (%s), and do not restart twice',
    async (how) => {
      const node = 'ap-south-op-3';
      const slow = '/etc/systemd/system/zeitwork-operator.service.d';
      const release = how === 'kill-sshd' ? 'v2.0.0' : 'v2.1.0';
      onNode(
        node,
        `mkdir -p ${slow}; printf "[Service]\\nExecStop=/bin/sleep 3\\n" >${slow}/slow.conf; systemctl daemon-reload`,
      );
      const there = way(node, release);
      await there.go('stage', 'backup');
      const count = starts(node);
      const other = connect();
      const running = steps.switch(there.context(other));
      await clock.sleep(1_200);
      fault(node, how);
      expect(keep(await running)).toMatchObject({ is: 'unknown' });
      await other.close();
      fault(node, how === 'kill-sshd' ? 'start-sshd' : 'restore-network');
      expect(await there.go('switch', 'verify', 'cleanup')).toMatchObject({ is: 'succeeded' });
      expect(starts(node)).toBe(count + 1);
      onNode(node, `rm -r ${slow}; systemctl daemon-reload`);
    },
  );

  it('say unknown, not failed, when the node went silent during the proof', async () => {
    const node = 'ap-south-op-1';
    const there = way(node, 'v2.0.0', { healthDeadline: 4_000 });
    await there.go('stage', 'backup', 'switch');
    fault(node, 'drop-network');
    try {
      expect(await there.go('verify')).toMatchObject({ is: 'unknown' });
      await there.go('diagnose');
      expect(there.node.diagnosis?.summary).toMatch(/cannot be looked at/);
    } finally {
      fault(node, 'restore-network');
    }
    expect(await there.go('verify', 'cleanup')).toMatchObject({ is: 'succeeded' });
  });

  it('never let a secret of the node out', () => {
    expect(JSON.stringify(said)).not.toMatch(/s3cret/);
    expect(said.length).toBeGreaterThan(3);
  });
});
