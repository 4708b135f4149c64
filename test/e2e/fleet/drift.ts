import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { keysOf } from '../../../src/jobs/keys.ts';
import { Conversation } from '../../support/conversation.ts';
import { binaryOf } from '../../support/odd-builds.ts';
import { startProber } from '../../support/prober.ts';
import { type Product, people, startProduct } from '../../support/product.ts';
import {
  fault,
  fleetStatus,
  freshFleet,
  inside,
  offerRelease,
  onNode,
  putOnNode,
  type RealNode,
  sayWhyNot,
} from '../../support/real-fleet.ts';

const why = sayWhyNot('Drift of real nodes');

const quick = {
  ...{ soak: '1s', canarySoak: '1s', pause: '200ms', bake: '1s' },
  ...{ watch: '500ms', healthDeadline: '15s', retryDelay: '500ms' },
};
const binary = '/usr/local/bin/zeitwork-operator';
const env = '/etc/zeitwork/operator.env';
const unit = '/etc/systemd/system/zeitwork-operator.service';
const restart = 'systemctl restart zeitwork-operator';

interface Row {
  node: string;
  is: string;
  kind: string | null;
  binary: string | null;
  environment: string | null;
  gone: string[];
  stopped: boolean | null;
  starts: string | null;
}

describe.skipIf(why !== null)('nodes that are not as they were left, on a real fleet', () => {
  const versions = mkdtempSync(join(tmpdir(), 'zeitwork-drift-'));
  const [recorded, other] = [binaryOf('v2.0.0'), binaryOf('v1.1.0')];
  let nodes: RealNode[] = [];
  let product: Product;
  let talk: Conversation;

  const replace = (node: string, content = other) => putOnNode(node, binary, content);
  const install = async (node: string) => {
    await replace(node);
    await onNode(node, restart);
  };
  const drift = async () => {
    const { code, out, err } = await product.shell('drift', '--json');
    const { nodes: rows, outcome }: { nodes: Row[]; outcome: string } = JSON.parse(out || err);
    return { code, outcome, rows, of: (node: string) => rows.find((row) => row.node === node) };
  };
  const allServe = (version: string) =>
    talk.until(
      `all serve ${version}`,
      async () => (await fleetStatus()).every(({ serves, health }) => serves === version && health === 'healthy'),
      60_000,
    );
  /** As it was proven, by the hand of whoever broke it. */
  const mended = async (node: string) => {
    await inside(
      node,
      `cp -p /root/own.env ${env}; cp -p /root/own.service ${unit}; rm -rf ${unit}.d; systemctl daemon-reload`,
    );
    await fault(node, 'heal');
    await replace(node, recorded);
    await onNode(node, restart);
  };

  beforeAll(async () => {
    nodes = await freshFleet();
    for (const version of ['v1.1.0', 'v2.0.0']) offerRelease(versions, version);
    product = await startProduct({ nodes, releases: versions, policy: quick });
    talk = new Conversation(product);
    expect(await talk.type('drift')).toMatch(/Nothing is recorded of any node yet/);
    await talk.type('upgrade v2.0.0 --strategy rolling');
    await talk.click('Start');
    await talk.becomes('done', 300_000);
    for (const { name } of nodes) await onNode(name, `cp -p ${env} /root/own.env; cp -p ${unit} /root/own.service`);
  });
  afterAll(async () => {
    await product?.close();
    rmSync(versions, { recursive: true, force: true });
  });

  it('are named rightly, each kind of them, and nothing is said of a fleet that is well', async () => {
    expect(await product.shell('drift')).toMatchObject({ code: 0, out: expect.stringMatching(/^✓ Nothing differs/) });
    const off = { is: 'off', binary: null, environment: null, gone: [], stopped: false, starts: null };
    const cases: [string, () => Promise<unknown>, RegExp, object][] = [
      [
        'us-east-op-1',
        () => replace('us-east-op-1'),
        /the next restart would run another binary/,
        { ...off, binary: 'disk' },
      ],
      [
        'us-east-op-2',
        () => install('us-east-op-2'),
        /changed by hand.*v1\.1\.0 \(\w+\) runs, and lies there/,
        { ...off, binary: 'both' },
      ],
      [
        'us-east-op-3',
        async () => {
          await install('us-east-op-3');
          await replace('us-east-op-3', recorded);
        },
        /never restarted.*v1\.1\.0 \(\w+\) runs/,
        { ...off, binary: 'memory' },
      ],
      [
        'eu-west-op-1',
        () => onNode('eu-west-op-1', `echo LOG_LEVEL=debug >>${env}`),
        /environment file changed/,
        { ...off, environment: 'changed' },
      ],
      [
        'eu-west-op-2',
        () => replace('eu-west-op-2').then(() => onNode('eu-west-op-2', `echo X=1 >>${env}`)),
        /would run another binary, and environment file changed/,
        { ...off, binary: 'disk', environment: 'changed' },
      ],
      ['eu-west-op-3', () => fault('eu-west-op-3', 'stop-service'), /\*?stopped/, { ...off, stopped: true }],
      [
        'ap-south-op-1',
        () => onNode('ap-south-op-1', `rm ${unit}; systemctl daemon-reload`),
        /missing: its unit/,
        { is: 'off', gone: ['unit'] },
      ],
      [
        'ap-south-op-2',
        () => onNode('ap-south-op-2', `rm ${binary} ${env}`),
        /missing: its binary, its environment file/,
        { is: 'off', gone: ['binary', 'environment'] },
      ],
      [
        'ap-south-op-3',
        () => fault('ap-south-op-3', 'kill-sshd'),
        /not seen.*Nothing is said of what it runs/,
        { is: 'unseen' },
      ],
    ];
    await Promise.all(cases.map(([, change]) => change()));
    await talk.until(
      'the restarted ones serve',
      async () => (await fleetStatus()).filter(({ serves }) => serves === 'v1.1.0').length === 2,
      60_000,
    );
    const { code, outcome, of } = await drift();
    for (const [node, , , facts] of cases) expect(of(node), node).toMatchObject(facts);
    expect([code, outcome]).toEqual([1, 'wrong']);
    const told = await talk.type('drift');
    for (const [node, , words] of cases)
      expect(told, node).toMatch(new RegExp(`✗ ${node}: [^\\n]*(?:${words.source})`));
    expect(told).toMatch(/^✗ 9 nodes of 9 are not as recorded/);

    for (const [node] of cases) await mended(node);
    await allServe('v2.0.0');
    const well = await drift();
    expect(well.rows.filter(({ is }) => is !== 'as-recorded')).toEqual([]);
    expect(well.code).toBe(0);
    expect(told).not.toContain('s3cret');
  });

  it('say so where the unit starts another program, which no restart mends', async () => {
    const node = 'eu-west-op-1';
    await putOnNode(node, '/root/other-operator', other);
    await onNode(
      node,
      `cp /root/other-operator /opt/zeitwork-operator; mkdir -p ${unit}.d; printf "[Service]\\nExecStart=\\nExecStart=/opt/zeitwork-operator\\n" >${unit}.d/own.conf; systemctl daemon-reload; ${restart}`,
    );
    await talk.until(
      'it serves another version',
      async () => (await fleetStatus()).some(({ serves }) => serves === 'v1.1.0'),
      60_000,
    );
    const { of } = await drift();
    expect(of(node)).toMatchObject({ is: 'off', binary: 'memory', starts: '/opt/zeitwork-operator' });
    const told = await talk.type('drift');
    expect(told).toMatch(/✗ eu-west-op-1: \*?its unit starts another program.*starts \/opt\/zeitwork-operator/);
    expect(told).not.toMatch(/recover eu-west-op-1|drift adopt eu-west-op-1/);
    await mended(node);
    await allServe('v2.0.0');
  });

  it('are told by the night in one message, repaired, adopted by two, and snoozed; a clean night says nothing', async () => {
    const before = parse(readFileSync(product.settingsFile, 'utf8'));
    const nightly = async () => {
      const at = new Date(Date.now() - 60_000).toISOString().slice(11, 16);
      for (const role of ['bot', 'worker'] as const) await product.end(role);
      const settings = {
        ...{ ...before, drift: { at } },
        policy: { ...before.policy, breakers: 2 },
        roles: { ...before.roles, breakers: { users: [people.rosa.id, people.ines.id] } },
      };
      writeFileSync(product.settingsFile, stringify(settings));
      product.startWorker();
      product.startBot();
    };
    const { caller } = product.redis.handle;
    const kept = keysOf('trial').drift;
    const told = () => talk.everything().filter(({ text }) => /that night|not as recorded|compared/.test(text));

    await nightly();
    await talk.until('every region was looked at', async () => (await caller.hlen(kept)) === 3, 120_000);
    // As if a day had gone by: what is kept of a night is one line of each region.
    await caller.del(kept);

    const [one, two, three] = ['us-east-op-1', 'eu-west-op-2', 'ap-south-op-3'];
    for (const node of [one, two]) await install(node);
    await onNode(three, `echo LOG_LEVEL=debug >>${env}`);
    await talk.until(
      'two serve another version',
      async () => (await fleetStatus()).filter(({ serves }) => serves === 'v1.1.0').length === 2,
      60_000,
    );
    expect(told()).toEqual([]);
    await nightly();
    await talk.sees(/Drift: 3 nodes are not as recorded/);
    expect(told()).toHaveLength(1);

    const adopt = `drift adopt ${two} --reason "a hotfix"`;
    expect(await talk.type(adopt)).toMatch(/another breaker must say the same/);
    expect(await talk.type(adopt)).toMatch(/another breaker must say the same/);
    expect((await drift()).of(two)).toMatchObject({ is: 'off', binary: 'both' });
    expect(await talk.type(adopt, people.ines.id)).toMatch(
      /is its record now, by .*ines.* and .*rosa|is its record now/i,
    );
    await talk.sees(new RegExp(`${two}: accepted by .*: a hotfix`));
    await talk.click(`Snooze ${three} for 7 days`);
    await talk.sees(new RegExp(`${three}: snoozed by`));

    const prober = startProber(nodes);
    expect(await talk.click(`Repair ${one}`)).toMatch(/us-east-op-1 gets v2\.0\.0 back/);
    await talk.click('Recover');
    await talk.becomes('held', 120_000);
    expect(await onNode(one, `sha256sum ${binary} | cut -c1-64`)).not.toBe(
      await onNode(three, `sha256sum ${binary} | cut -c1-64`),
    );
    expect(await talk.click(`Replace v1.1.0 on ${one}`)).toMatch(/another breaker|someone else|must say the same/i);
    await talk.click(`Replace v1.1.0 on ${one}`, people.ines.id);
    await talk.becomes('done', 120_000);
    prober.stop();
    for (const [region, fewest] of Object.entries(prober.fewest()))
      expect(fewest, `fewest healthy in ${region}`).toBe(region === 'us-east' ? 2 : 3);
    await talk.sees(new RegExp(`${one}: v2\\.0\\.0 was proven on it by rollout`));
    const sum = (node: string) =>
      onNode(node, `sha256sum ${binary} /proc/$(systemctl show -P MainPID zeitwork-operator)/exe | cut -c1-64`);
    expect(new Set((await sum(one)).trim().split('\n')).size).toBe(1);
    expect(await sum(one)).toBe(await sum(three));
    expect(await onNode(one, 'ls /var/lib/zeitwork-upgrades/zeitwork-operator/aside')).toMatch(/-binary-/);

    const { of, rows } = await drift();
    expect([one, two].map((node) => of(node)?.is)).toEqual(['as-recorded', 'as-recorded']);
    expect(of(three)).toMatchObject({ is: 'off', environment: 'changed' });
    expect(rows.filter(({ is }) => is !== 'as-recorded')).toHaveLength(1);
    expect(told()).toHaveLength(1);
    expect(talk.words() + product.logs()).not.toContain('s3cret');
  });
});
