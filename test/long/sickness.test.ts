import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { verdict } from '../../src/bot/views/verdict.ts';
import { nodesInOrder } from '../../src/upgrade/rollout/index.ts';
import { type Rollout, strategyNames } from '../../src/upgrade/rollout/types.ts';
import { Conversation } from '../support/conversation.ts';
import { type Prober, startProber } from '../support/prober.ts';
import { type Product, people, startProduct } from '../support/product.ts';
import {
  fault,
  fleetStatus,
  freshFleet,
  offerRelease,
  type RealNode,
  revive,
  sayWhyNot,
  starts,
} from '../support/real-fleet.ts';

const why = sayWhyNot('What befalls nodes in the middle of a rollout');

const quick = {
  soak: '1s',
  canarySoak: '1s',
  pause: '1s',
  bake: '1s',
  watch: '500ms',
  healthDeadline: '12s',
  retryDelay: '500ms',
  unknownAttempts: 3,
};

/** Everything that the fleet's `fault` can do to a node, by the mend that ends it. */
const faults: [string[], string][] = [
  [['kill-sshd'], 'heal'],
  [['drop-network'], 'heal'],
  [['slow-network', '1mbit'], 'heal'],
  [['fill-disk'], 'heal'],
  [['break-sudo'], 'heal'],
  [['remove-backup'], 'heal'],
  [['stop-service'], 'heal'],
  [['change-hostkey'], 'heal'],
  [['cut-network', '8'], 'heal'],
  [['reboot'], 'heal'],
  [['power-off'], 'up'],
];

/** Every build of `faulty/`, and how a rollout of it ends when nobody does anything. */
const builds: [string, 'done' | 'held'][] = [
  ['never-healthy', 'held'],
  ['exit-at-start', 'held'],
  ['dies-after-20s', 'held'],
  ['unhealthy-200', 'held'],
  ['wrong-version', 'held'],
  ['needs-param', 'held'],
  ['slow-start', 'done'],
  ['slower', 'done'],
  ['errors', 'done'],
  ['leaks', 'done'],
];

const over: Rollout['status']['is'][] = ['done', 'rolled-back', 'stopped'];

describe.skipIf(why !== null).each(strategyNames.filter((name) => name !== 'blue-green'))(
  'in the middle of a rollout by %s, on a real fleet',
  (strategy) => {
    let nodes: RealNode[] = [];
    const versions = mkdtempSync(join(tmpdir(), 'zeitwork-sickness-'));
    let product: Product;
    let talk: Conversation;
    let prober: Prober;
    let approving: NodeJS.Timeout;

    const upgrade = async (version: string, policy: Record<string, string> = {}) => {
      product = await startProduct({ releases: versions, policy: { ...quick, ...policy }, nodes });
      talk = new Conversation(product);
      approving = setInterval(() => void approve(), 1_000);
      await talk.type(`upgrade ${version} --strategy ${strategy}`);
      await talk.click('Start');
    };
    /** Whoever approves looks at the channel now and then, and approves what is asked there; too late is no harm. */
    const approve = async () => {
      const asked = /"text":"(Approve [^"]+)"/.exec(
        JSON.stringify(product.slack.messages().map(({ blocks }) => blocks)),
      );
      if (asked?.[1]) await talk.click(asked[1], people.ines.id, 500).catch(() => undefined);
    };
    const until = (what: string, check: (rollout: Rollout) => boolean, ms = 240_000) =>
      talk.until(
        what,
        async () => {
          const rollout = await talk.newest();
          return rollout !== undefined && check(rollout);
        },
        ms,
      );
    const ended = () =>
      until('it is done, or a person is called', ({ status }) => [...over, 'held'].includes(status.is));
    /** The channel says what the store has, and the store what the nodes are; of what nobody could see it claims nothing. */
    const allIsTrue = async (version: string) => {
      await talk.until(
        'the channel says how it stands',
        async () => {
          const rollout = await talk.newest();
          return rollout !== undefined && talk.words().includes(`${version}: ${verdict(rollout)}`);
        },
        60_000,
      );
      const rollout = await talk.newest();
      const rows = await fleetStatus();
      for (const { name, state, touched } of rollout ? nodesInOrder(rollout) : []) {
        const row = rows.find(({ node }) => node === name);
        if (state.is === 'done') expect(row, name).toMatchObject({ binary: version, serves: version });
        else if (!touched) expect(row, name).toMatchObject({ binary: 'v1.0.0' });
      }
    };
    const quorumHeld = () => {
      for (const [region, fewest] of Object.entries(prober.fewest())) expect(fewest, region).toBeGreaterThanOrEqual(2);
      expect(prober.probes()).toBeGreaterThan(100);
    };
    /** A person takes everything back once the fault is over, as often as they are asked to. */
    const takeBack = async () => {
      for (let tries = 0; tries < 4; tries++) {
        await talk.type('rollback all');
        await until('the way back came to an end', ({ status }) => [...over, 'held'].includes(status.is));
        if ((await talk.newest())?.status.is === 'rolled-back') return;
      }
      throw new Error(`it does not go back:\n${talk.words().slice(-1_500)}`);
    };

    beforeAll(() => {
      for (const version of ['v1.0.0', 'v2.0.0']) offerRelease(versions, version);
    });
    beforeEach(async () => {
      nodes = await freshFleet();
      prober = startProber(nodes);
    });
    afterEach(async () => {
      clearInterval(approving);
      prober.stop();
      await product?.close();
    });
    afterAll(() => rmSync(versions, { recursive: true, force: true }));

    it.each(faults)('%s of the second node, at its switch', async (words, mend) => {
      await upgrade('v2.0.0');
      let node = '';
      await talk.until(
        'the second node is switched',
        async () => {
          const begun = (await talk.journal()).flatMap(({ event }) =>
            event.type === 'begun' && event.step === 'switch' ? [event.node] : [],
          );
          node = [...new Set(begun)][1] ?? '';
          return node !== '';
        },
        120_000,
      );
      await fault(node, ...words);
      await ended();
      await allIsTrue('v2.0.0');
      quorumHeld();
      await (mend === 'up' ? revive() : fault(node, 'heal'));
      await talk.until(
        'the node is there again',
        async () => (await fleetStatus()).every(({ health }) => health === 'healthy'),
        90_000,
      );
      await takeBack();
      await allIsTrue('v2.0.0');
      for (const row of await fleetStatus())
        expect(row).toMatchObject({ binary: 'v1.0.0', serves: 'v1.0.0', health: 'healthy' });
      quorumHeld();
      for (const { name } of nodes) expect((await starts(name)).length, `starts of ${name}`).toBeLessThanOrEqual(5);
    });

    it.each(builds)('a build that is %s', async (build, end) => {
      offerRelease(versions, 'v2.1.0', `faulty/${build}`);
      await upgrade('v2.1.0', build === 'dies-after-20s' ? { canarySoak: '40s', healthDeadline: '60s' } : {});
      await ended();
      expect((await talk.newest())?.status.is).toBe(end);
      await allIsTrue('v2.1.0');
      quorumHeld();
      const touched = (await fleetStatus()).filter(({ binary }) => binary !== 'v1.0.0');
      expect(touched.length).toBe(end === 'done' ? 9 : 0);
      if (end === 'done') await takeBack();
      else {
        await talk.type('stop');
        await until('it is over', ({ status }) => over.includes(status.is));
      }
      await allIsTrue('v2.1.0');
      for (const row of await fleetStatus())
        expect(row).toMatchObject({ binary: 'v1.0.0', serves: 'v1.0.0', health: 'healthy' });
      quorumHeld();
      expect(talk.words()).not.toContain('s3cret');
    });
  },
);
