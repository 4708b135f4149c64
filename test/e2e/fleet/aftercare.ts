import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/app/clock.ts';
import { closeRuntime, openRuntime, startWorkerRole } from '../../../src/app/wiring.ts';
import { day, hour, minute } from '../../../src/base/duration.ts';
import { loadSettings } from '../../../src/config/index.ts';
import { Conversation } from '../../support/conversation.ts';
import { binaryOf, offerOddBuild } from '../../support/odd-builds.ts';
import { startProber } from '../../support/prober.ts';
import { type Product, startProduct } from '../../support/product.ts';
import { fleetStatus, freshFleet, offerRelease, onNode, type RealNode, sayWhyNot } from '../../support/real-fleet.ts';

const why = sayWhyNot('The clean-up of backups on a real node');

const quick = {
  ...{ soak: '1s', canarySoak: '1s', pause: '200ms', bake: '1s' },
  ...{ watch: '500ms', healthDeadline: '15s', retryDelay: '500ms' },
};
const node = 'us-east-op-1';
const binary = '/usr/local/bin/zeitwork-operator';
const env = '/etc/zeitwork/operator.env';
const backups = '/var/lib/zeitwork-upgrades/zeitwork-operator/backups';
const way = ['v1.1.0', 'v2.0.0', 'v2.1.0', 'v2.2.0'];
const sha256 = (content: Buffer) => createHash('sha256').update(content).digest('hex');

describe.skipIf(why !== null)('the clean-up after a stable time, on a real node', () => {
  const versions = mkdtempSync(join(tmpdir(), 'zeitwork-aftercare-'));
  let nodes: RealNode[] = [];
  let product: Product;
  let talk: Conversation;

  const names = async () => (await onNode(node, `ls -A ${backups}`)).trim().split('\n').sort();
  const installed = async () =>
    (await onNode(node, `sha256sum ${binary} ${env}; systemctl show -P InvocationID zeitwork-operator`)).trim();
  const hashOf = (file: string) => onNode(node, `sha256sum ${file} | cut -c1-64`).then((text) => text.trim());
  const status = async () => (await fleetStatus()).find((row) => row.node === node);

  beforeAll(async () => {
    nodes = await freshFleet();
    for (const version of way.slice(0, 3)) offerRelease(versions, version);
    offerOddBuild(versions, { version: 'v2.2.0' });
    const settings = { aftercare: { stable: '14d', keep: 2 } };
    product = await startProduct({ nodes, releases: versions, policy: quick, settings });
    talk = new Conversation(product);
  });
  afterAll(async () => {
    await product?.close();
    rmSync(versions, { recursive: true, force: true });
  });

  /** A worker as it runs, on a clock of half past three, two weeks and a day later; what it says of its clean-ups. */
  const nightLater = async (until: () => Promise<boolean>) => {
    const now = Date.now();
    const third = Math.floor(now / day) * day + 15 * day + 3.5 * hour + minute;
    const ahead = third - now;
    const said: string[] = [];
    const sink = new Writable({
      write(chunk, _, done) {
        said.push(String(chunk));
        done();
      },
    });
    const environment = { PATH: process.env.PATH, HOME: process.env.HOME };
    const runtime = await openRuntime(loadSettings(product.settingsFile, environment), pino(sink), {
      clock: systemClock(() => ahead),
    });
    const worker = await startWorkerRole(runtime, null);
    try {
      await talk.until('the night was gone through', until, 120_000);
    } finally {
      await worker.close();
      await closeRuntime(runtime);
    }
    return said;
  };

  it('leaves two pairs that restore: the newest by its rollback, the older one with nothing but SSH', async () => {
    for (const version of way) {
      await talk.type(`upgrade ${version} --strategy rolling --nodes 1`);
      await talk.click('Start');
      await talk.until(
        `${version} is proven`,
        async () => {
          const newest = await talk.newest();
          return newest?.release.version === version && newest.status.is === 'done';
        },
        120_000,
      );
    }
    expect(await names()).toEqual(
      ['v1.0.0', 'v1.1.0', 'v2.0.0', 'v2.1.0'].map((each) => expect.stringMatching(`^${each}-`)),
    );
    // What the node's own clock says of them; the other clock is the worker's.
    await onNode(
      node,
      `n=40; for each in $(ls -1rt ${backups}); do touch -d "$n days ago" ${backups}/$each; n=$((n - 1)); done`,
    );
    const before = await installed();
    await product.end('worker');
    const said = await nightLater(async () => (await names()).length < 4);
    product.startWorker();
    expect(await names()).toEqual([expect.stringMatching(/^v2\.0\.0-/), expect.stringMatching(/^v2\.1\.0-/)]);
    expect(await installed()).toBe(before);
    const told = said.filter((line) => line.includes('backups of long ago'));
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(/removed.*v1\.1\.0-.*v1\.0\.0-/);

    const prober = startProber(nodes);
    await talk.type('rollback all');
    await talk.becomes('rolled-back', 120_000);
    expect(await status()).toMatchObject({ binary: 'v2.1.0', serves: 'v2.1.0', health: 'healthy' });
    expect(await hashOf(binary)).toBe(sha256(binaryOf('v2.1.0')));
    const own = await hashOf(env);

    await onNode(node, `rm -rf ${backups}/v2.1.0-*`);
    expect(await product.shell('return', node, '--yes')).toMatchObject({
      code: 0,
      out: expect.stringContaining(`${node} runs v2.0.0 again and is proven healthy`),
    });
    expect(await status()).toMatchObject({ binary: 'v2.0.0', serves: 'v2.0.0', health: 'healthy', unit: 'active' });
    expect(await hashOf(binary)).toBe(sha256(binaryOf('v2.0.0')));
    expect(await hashOf(env)).toBe(own);
    prober.stop();
    expect(prober.fewest()).toEqual({ 'us-east': 2, 'eu-west': 3, 'ap-south': 3 });
  });
});
