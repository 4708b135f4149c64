import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lookUnderLock, switchOver } from '../../../src/upgrade/host/commands.ts';
import type { Shell } from '../../../src/upgrade/ssh/types.ts';
import { freshFleet, sayWhyNot } from '../../support/real-fleet.ts';
import { clock, connect, installation, lastEpoch, onNode, releaseOf, starts, Way } from '../../upgrade/steps/fleet.ts';

const why = sayWhyNot('The steps on nodes with somebody’s work on them');

const binary = '/usr/local/bin/zeitwork-operator';
const env = '/etc/zeitwork/operator.env';
const state = '/var/lib/zeitwork-upgrades/zeitwork-operator';

describe.skipIf(why !== null)('the steps on real nodes, late and among other people’s work', () => {
  let shell: Shell;
  let epoch: number;
  const way = (node: string, build = 'v2.0.0', change = {}) => {
    epoch += 1;
    return new Way(node, releaseOf(build), shell, epoch, change);
  };
  /** Installs a build by hand, as root, with a restart. */
  const install = (node: string, build: string) => {
    onNode(node, `test -f /root/${build}`);
    onNode(
      node,
      `cp -p /root/${build} ${binary}.n; mv ${binary}.n ${binary}; systemctl restart zeitwork-operator; sleep 1`,
    );
  };
  /** Makes a build ready to be installed by hand. */
  const bring = async (node: string, build: string) => {
    const { path } = releaseOf(build);
    await shell.put(node, path, 'hand.tar.gz');
    onNode(node, `tar -xzOf /home/ops/hand.tar.gz build/zeitwork-operator >/root/${build}; chmod 755 /root/${build}`);
    onNode(node, 'rm /home/ops/hand.tar.gz');
  };

  beforeAll(async () => {
    await freshFleet();
    shell = connect();
    epoch = lastEpoch();
  });
  afterAll(() => shell.close());

  it('take turns while a service is slow to stop, and fence a try that comes late', async () => {
    const node = 'us-east-op-1';
    const before = installation(node);
    const slow = '/etc/systemd/system/zeitwork-operator.service.d';
    onNode(
      node,
      `mkdir -p ${slow}; printf "[Service]\\nExecStop=/bin/sleep 4\\n" >${slow}/slow.conf; systemctl daemon-reload`,
    );
    const there = way(node);
    await there.go('stage', 'backup');
    const count = starts(node);
    if (there.node.before === null) throw new Error('not staged');
    const late = switchOver(there.context(), there.node.before);
    const first = there.run('switch');
    await clock.sleep(1_500);
    const back = way(node);
    back.epoch = there.epoch;
    back.node = { ...there.node, attempt: there.node.attempt + 1, touched: true };
    expect(await back.go('restore', 'verify-restored')).toMatchObject({ is: 'succeeded' });
    expect(await first).toMatchObject({ is: 'succeeded' });
    expect(installation(node)).toBe(before);
    expect(starts(node)).toBe(count + 2);
    expect(await shell.run(node, late)).toMatchObject({ code: 76, stdout: expect.stringMatching(/refused fenced/) });
    expect(installation(node)).toBe(before);
    expect(starts(node)).toBe(count + 2);
    onNode(node, `rm -r ${slow}; systemctl daemon-reload`);
  });

  it('fence a late switch also after there was nothing to restore', async () => {
    const node = 'us-east-op-1';
    const there = way(node);
    await there.go('stage', 'backup');
    if (there.node.before === null) throw new Error('not staged');
    const late = switchOver(there.context(), there.node.before);
    there.node = { ...there.node, attempt: there.node.attempt + 1, touched: true };
    const before = installation(node);
    const count = starts(node);
    expect(await there.go('restore')).toMatchObject({ is: 'succeeded' });
    expect(await shell.run(node, late)).toMatchObject({ code: 76 });
    expect([installation(node), starts(node)]).toEqual([before, count]);
  });

  it('neither meet nor fence those of another unit', async () => {
    const node = 'us-east-op-1';
    const there = way(node);
    const { rollout, attempt } = there.context();
    const sibling = {
      ...rollout,
      epoch: rollout.epoch + 10 ** 9,
      service: { ...rollout.service, unit: 'zeitwork-agent' },
    };
    expect(await shell.run(node, lookUnderLock({ rollout: sibling, attempt }))).toMatchObject({ code: 0 });
    expect(await there.go('stage', 'backup', 'cleanup')).toMatchObject({ is: 'succeeded' });
  });

  it('go on where an older version of this program left off, and fence that version', async () => {
    const node = 'us-east-op-1';
    const there = way(node);
    await there.go('stage', 'backup', 'switch', 'verify');
    const old = '/var/lib/zeitwork-upgrades';
    onNode(
      node,
      `mv ${state}/backups ${old}/backups; rm -r ${state}; touch ${old}/lock; printf "%020d\\n" 5 >${old}/epoch`,
    );
    expect(await there.go('restore', 'verify-restored', 'cleanup')).toMatchObject({ is: 'succeeded' });
    expect(Number(onNode(node, `cat ${old}/epoch`))).toBe(there.epoch);
    onNode(node, `rm -r ${old}`);
  });

  it('never overwrite a hotfix in a rollback unasked, and keep it aside when asked', async () => {
    const node = 'us-east-op-2';
    const before = installation(node);
    await bring(node, 'v2.1.0');
    const there = way(node);
    await there.go('stage', 'backup', 'switch', 'verify');
    install(node, 'v2.1.0');
    onNode(node, `echo LOG_LEVEL=debug >>${env}`);
    const theirs = installation(node);
    expect(await there.go('restore')).toMatchObject({
      is: 'failed',
      reason: 'v2.1.0 was installed by hand, and somebody changed the environment file since it was backed up',
      facts: { foreign: { what: 'binary', version: 'v2.1.0' } },
    });
    expect(installation(node)).toBe(theirs);
    there.decide('replace');
    expect(await there.go('restore', 'verify-restored', 'cleanup')).toMatchObject({ is: 'succeeded' });
    expect(installation(node)).toBe(before);
    const [sum] = onNode(node, 'sha256sum /root/v2.1.0').split(' ');
    expect(onNode(node, `sha256sum ${state}/aside/*-binary-*`)).toContain(sum);
    expect(onNode(node, `tail -n 1 ${state}/aside/*-environment-*`)).toBe('LOG_LEVEL=debug');
    expect(onNode(node, `stat -c "%U %a" ${state}/aside/*-environment-*`)).toBe('zeitwork 640');
  });

  it('record a hotfix as what a rollback returns to, once a person decided so', async () => {
    const node = 'us-east-op-2';
    const there = way(node);
    await there.go('stage');
    install(node, 'v2.1.0');
    for (const step of ['backup', 'stage'] as const) {
      expect(await there.go(step)).toMatchObject({
        is: 'failed',
        reason: 'v2.1.0 was installed by hand since the node was staged',
        facts: { foreign: { what: 'binary', version: 'v2.1.0' } },
      });
    }
    const theirs = installation(node);
    there.decide('replace');
    expect(await there.go('stage', 'backup', 'switch', 'verify', 'restore', 'verify-restored')).toMatchObject({
      is: 'succeeded',
      facts: { proof: { version: 'v2.1.0' } },
    });
    expect(installation(node)).toBe(theirs);
  });

  it('keep capabilities and attributes on the new binary, in the backup and back again', async () => {
    const node = 'us-east-op-3';
    for (const tool of ['setcap', 'getcap']) {
      await shell.put(node, `/usr/sbin/${tool}`, tool);
      onNode(node, `mv /home/ops/${tool} /root/; chmod 755 /root/${tool}`);
    }
    const attribute = () => onNode(node, `/root/getcap ${binary}`);
    onNode(node, `/root/setcap cap_net_bind_service=ep ${binary}`);
    const before = attribute();
    const there = way(node);
    await there.go('stage');
    onNode(node, `/root/setcap cap_net_bind_service,cap_chown=ep ${binary}`);
    const after = attribute();
    expect(after).toMatch(/cap_chown/);
    expect(await there.go('backup', 'switch', 'verify')).toMatchObject({ is: 'succeeded' });
    expect(attribute()).toBe(after);
    expect(onNode(node, `stat -c "%U %a" ${binary}`)).toBe('root 755');
    expect(await there.go('restore', 'verify-restored')).toMatchObject({ is: 'succeeded' });
    expect(attribute()).toBe(before);
    expect(before).toMatch(/cap_net_bind_service/);
  });
});
