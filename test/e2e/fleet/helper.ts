import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { helperRequest } from '../../../src/base/helper-request.ts';
import { glance } from '../../../src/upgrade/host/commands.ts';
import { Conversation } from '../../support/conversation.ts';
import { type Product, people, type Shown, shown, startProduct } from '../../support/product.ts';
import {
  fleetStatus,
  freshFleet,
  home,
  inside,
  offerRelease,
  type RealNode,
  sayWhyNot,
  served,
} from '../../support/real-fleet.ts';
import { service } from '../../support/rollouts.ts';

const why = sayWhyNot('Real nodes whose login may run the helper alone');

const policy = {
  soak: '1s',
  canarySoak: '1s',
  pause: '200ms',
  bake: '1s',
  watch: '500ms',
  healthDeadline: '30s',
  retryDelay: '1s',
};

describe.skipIf(why !== null)('on real nodes whose login may run the helper alone', () => {
  let nodes: RealNode[] = [];
  let names: string[] = [];
  const releases = mkdtempSync(join(tmpdir(), 'zeitwork-releases-'));
  let product: Product;
  let talk: Conversation;

  /** What the login of a node gets for what it types, by the plain ssh client and the worker's own key. */
  const byHand = (node: string, line: string, stdin = ''): Promise<Shown> => {
    const child = spawn('ssh', ['-T', '-F', join(home, 'ssh_config'), node, line]);
    child.stdin.on('error', () => undefined);
    child.stdin.end(stdin);
    return shown(child);
  };
  const serves = async (version: string) => (await served(nodes)).every((each) => each === version);

  beforeAll(async () => {
    nodes = (await freshFleet()).filter(({ name }) => /^(?:us-east|eu-west)-op-[123]$/.test(name));
    names = nodes.map(({ name }) => name);
    for (const version of ['v1.0.0', 'v2.0.0', 'v2.1.0']) offerRelease(releases, version);
    product = await startProduct({
      releases,
      policy,
      ssh: { become: 'helper' },
      nodes,
    });
    talk = new Conversation(product);
    for (const node of names) {
      const { code, out } = await product.shell('helper', 'install', '--node', node);
      expect(code).toBe(0);
      expect(await inside(node, 'sh && rm /etc/sudoers.d/ops', out)).toMatch(/^installed/m);
    }
  }, 600_000);
  afterAll(async () => {
    await product?.close();
    rmSync(releases, { recursive: true, force: true });
  });

  it('lets the key do nothing but ask the helper, whatever is typed', async () => {
    const node = names[0] ?? '';
    const look = glance(service, 20_000);
    const request = helperRequest(look);
    const helper = 'sudo -n -- /usr/local/sbin/zeitwork-node';
    for (const line of [
      'sudo -n sh -c id',
      'sudo -n cat /etc/shadow',
      'sudo -n -u zeitwork id',
      'sudo -n -e /etc/sudoers',
      'sudo -n -s',
      'sudo -n /usr/local/sbin/../sbin/sh',
      `${helper} look`,
      `${helper} --help`,
      `${helper} "$(printf 'a\\nb')"`,
      'sudo -n LD_PRELOAD=/tmp/evil.so /usr/local/sbin/zeitwork-node',
      'sudo -n PATH=/tmp/evil /usr/local/sbin/zeitwork-node',
      'sudo -n -E /usr/local/sbin/zeitwork-node',
      'sudo -n -C 9 /usr/local/sbin/zeitwork-node',
      'ln -s /usr/bin/id /tmp/zeitwork-node; sudo -n /tmp/zeitwork-node',
    ]) {
      const { code, out, err } = await byHand(node, line, request);
      expect({ line, code, out }).toEqual({ line, code: 1, out: '' });
      expect(err, line).toMatch(/^sudo: |^usage: sudo/);
    }
    const evil = [
      'mkdir -p /tmp/evil',
      'for tool in head tr stat sha256sum sed systemctl logger timeout sh env; do printf "#!/bin/sh\\ntouch /tmp/owned\\n" >/tmp/evil/$tool; done',
      'chmod 755 /tmp/evil/*',
      'printf "touch /tmp/owned\\n" >/tmp/evil/rc',
      `PATH=/tmp/evil:$PATH IFS=/ ENV=/tmp/evil/rc BASH_ENV=/tmp/evil/rc LD_PRELOAD=/tmp/evil/x.so LD_LIBRARY_PATH=/tmp/evil /usr/bin/${helper}`,
    ].join('; ');
    expect((await byHand(node, evil, request)).out).toMatch(/@@zw end ok\n$/);
    expect(await inside(node, 'ls /tmp/owned 2>&1 || true')).toMatch(/No such file/);
    const plant = 'ln -s /etc/shadow /var/lib/zeitwork-upgrades/zeitwork-operator/incoming/x';
    expect((await byHand(node, plant)).err).toMatch(/Permission denied|No such file/);
  });

  it('upgrades them with an approval and rolls them back again, by orders', async () => {
    const doctor = await product.shell('doctor');
    for (const node of names) expect(doctor.out).toMatch(new RegExp(`ok +${node} .*helper as it should be`));
    await talk.type('upgrade v2.0.0 --strategy regions');
    await talk.click('Start');
    await talk.click('Approve eu-west', people.ines.id, 240_000);
    await talk.until('v2.0.0 everywhere', () => serves('v2.0.0'), 240_000);
    await talk.becomes('done', 240_000);
    await talk.sees(/all 6 nodes|6 of 6/i);
    const log = await inside(names.at(-1) ?? '', 'journalctl -t zeitwork-node -o cat --no-pager');
    expect(log).toMatch(/receive for r-\S+, stage[\s\S]*stage for r-[\s\S]*switch for r-\S+, change/);
    expect(await inside(names[0] ?? '', 'ls -A /home/ops; ls /var/lib/zeitwork-upgrades/*/incoming')).not.toMatch(
      /r-|zeitwork-up/,
    );

    await talk.type('rollback all');
    await talk.becomes('rolled-back', 300_000);
    const rows = (await fleetStatus()).filter(({ node }) => names.includes(node));
    expect(rows.map((row) => row.serves)).toEqual(names.map(() => 'v1.0.0'));
  });

  it('brings one back with Slack, Redis and bot away, and lets nothing late change it', async () => {
    const node = names[0] ?? '';
    await talk.type('upgrade v2.1.0 --strategy regions');
    await talk.click('Start');
    await talk.until('the first runs v2.1.0', async () => (await served(nodes)).includes('v2.1.0'), 240_000);
    await talk.until(
      'it is proven',
      async () => /Approve eu-west|watched/.test(talk.words()) || (await serves1(2)),
      240_000,
    );
    await product.kill('bot');
    await product.kill('worker');
    await product.slack.close();
    await product.redis.stop();
    const asked = await product.shell('return', node);
    expect(asked).toMatchObject({ code: 2, err: expect.stringMatching(/say --yes/) });
    const back = await product.shell('return', node, '--yes');
    expect(back).toMatchObject({ code: 0, out: expect.stringMatching(/runs v1\.0\.0 again and is proven healthy/) });
    const row = (await fleetStatus()).find((each) => each.node === node);
    expect(row).toMatchObject({ serves: 'v1.0.0', health: 'healthy' });
    const again = await product.shell('return', node, '--yes');
    expect(again).toMatchObject({ code: 0, out: expect.stringMatching(/has its newest backup/) });
  });

  const serves1 = async (count: number) =>
    (await served(nodes)).filter((version) => version === 'v2.1.0').length >= count;
});
