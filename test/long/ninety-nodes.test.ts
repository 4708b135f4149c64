import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JournalEntry } from '../../src/jobs/types.ts';
import { Conversation } from '../support/conversation.ts';
import { type Prober, startProber } from '../support/prober.ts';
import { type Product, startProduct } from '../support/product.ts';
import { fault, fleetStatus, freshFleet, offerRelease, type RealNode, sayWhyNot } from '../support/real-fleet.ts';

const reason = sayWhyNot('Ninety real nodes');
const perRegion = 30;
/** Healthy nodes that a region always keeps. */
const minimumHealthy = 27;

describe.skipIf(reason !== null)('ninety real nodes, three at once', () => {
  const releases = mkdtempSync(join(tmpdir(), 'zeitwork-releases-'));
  let nodes: RealNode[] = [];
  let product: Product;
  let talk: Conversation;
  let prober: Prober;

  const on = async (version: string) => (await fleetStatus()).filter(({ serves }) => serves === version).length;
  const quorumHeld = () => {
    for (const [region, fewest] of Object.entries(prober.fewest())) {
      expect(fewest, `fewest healthy in ${region}`).toBeGreaterThanOrEqual(minimumHealthy);
    }
    expect(prober.probes()).toBeGreaterThan(100);
  };

  beforeAll(async () => {
    for (const version of ['v1.0.0', 'v2.0.0', 'v2.1.0']) offerRelease(releases, version);
    // Once: it takes minutes, and the second upgrade begins where the first one ends.
    nodes = await freshFleet({ perRegion });
  });
  beforeEach(async () => {
    prober = startProber(nodes);
    product = await startProduct({
      releases,
      policy: {
        ...{ atOnce: 3, minimumHealthy, soak: '8s', canarySoak: '2s', pause: '0s', bake: '2s', watch: '1s' },
        ...{ healthDeadline: '20s', retryDelay: '1s' },
      },
      nodes,
    });
    talk = new Conversation(product);
  });
  afterEach(async () => {
    prober?.stop();
    await product?.close();
  });
  afterAll(() => rmSync(releases, { recursive: true, force: true }));

  /** Nodes between their first intent and the end of their way, as the journal tells. */
  function inFlight(entries: JournalEntry[]): string[] {
    const open = new Set<string>();
    for (const { event } of entries) {
      if (event.type === 'begun' && event.step === 'backup') open.add(event.node);
      if (event.type === 'reported' && event.step === 'cleanup') open.delete(event.node);
      if (event.type === 'gated' && event.unchanged) open.delete(event.node);
    }
    return [...open];
  }
  const mostAtOnce = (entries: JournalEntry[]) =>
    Math.max(...entries.map((_, index) => inFlight(entries.slice(0, index + 1)).length));

  /** A node whose last word is that it was switched: it is being proven now. */
  function switched(entries: JournalEntry[]): string | undefined {
    return inFlight(entries).find((name) => {
      const last = entries.findLast(({ event }) => event.type === 'reported' && event.node === name)?.event;
      return last?.type === 'reported' && last.step === 'switch' && last.report.is === 'succeeded';
    });
  }

  it('are upgraded without a region below its minimum', async () => {
    await talk.type('upgrade v2.0.0 --strategy rolling');
    await talk.click('Start');
    await talk.becomes('done', 1_200_000);
    await talk.sees(/all 90 nodes/i);
    expect(await on('v2.0.0')).toBe(90);
    quorumHeld();
    expect(mostAtOnce(await talk.journal())).toBe(3);
  });

  it('keep the quorum when one of three in flight fails: it alone is rolled back, the others are proven', async () => {
    await talk.type('upgrade v2.1.0 --strategy rolling');
    await talk.click('Start');
    let bad = '';
    await talk.until(
      'three nodes are under way, and one of them was just switched',
      async () => {
        const entries = await talk.journal();
        bad = inFlight(entries).length === 3 ? (switched(entries) ?? '') : '';
        return bad !== '';
      },
      600_000,
    );
    await fault(bad, 'stop-service');
    await talk.sees(new RegExp(`${bad} failed`), 120_000);
    await talk.until('nothing is under way any more', async () => inFlight(await talk.journal()).length === 0, 120_000);

    const rows = await fleetStatus();
    expect(rows.filter(({ health, tmp }) => health !== 'healthy' || tmp !== '0')).toEqual([]);
    expect(rows.find(({ node }) => node === bad)).toMatchObject({ serves: 'v2.0.0', binary: 'v2.0.0' });
    const entries = await talk.journal();
    const restored = entries.flatMap(({ event }) =>
      event.type === 'begun' && event.step === 'restore' ? [event.node] : [],
    );
    expect([...new Set(restored)]).toEqual([bad]);
    quorumHeld();
  });
});
