import { beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../src/base/clock.ts';
import { comparing } from '../../src/jobs/comparing.ts';
import { keysOf } from '../../src/jobs/keys.ts';
import { createMeasurements } from '../../src/jobs/measurements.ts';
import { startMeasuring } from '../../src/jobs/measuring.ts';
import { blockLength, keptBlocks } from '../../src/upgrade/comparison/index.ts';
import type { Block, Compare, Measure } from '../../src/upgrade/comparison/types.ts';
import { watching } from '../../src/upgrade/rollout/index.ts';
import { belief } from '../support/belief.ts';
import { fleetOf, minutes, planned, tuesday } from '../support/rollouts.ts';
import { drive, worldOf } from '../support/simulation.ts';
import { production, silent } from './fixtures/parts.ts';
import { makeRig } from './fixtures/rig.ts';

const rig = makeRig();
const redis = () => rig.redis.handle.caller;
const measurements = (signer: 'bot' | 'worker' = 'worker', fleet = production) =>
  createMeasurements(redis(), fleet, belief(signer).notary);
const compare: Compare = { look: 1_000, before: minutes(2), least: minutes(1), margin: 1.2 };
const length = blockLength(compare);
const [region] = fleetOf().regions;
if (!region) throw new Error('no region');
const key = () => keysOf(production).measured(region.name);

/** Stands still until it is told to go on. */
class SteppedClock implements Clock {
  #now = 1_000 * length;
  #sleeping: { at: number; wake: () => void }[] = [];
  now = () => this.#now;
  monotonic = () => this.#now;
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((wake, fail) => {
      const sleeper = { at: this.#now + ms, wake };
      this.#sleeping.push(sleeper);
      signal?.addEventListener('abort', () => {
        this.#sleeping = this.#sleeping.filter((each) => each !== sleeper);
        fail(signal.reason);
      });
    });
  }
  /** When all that was woken sleeps again. */
  async looks(many: number, sleepers = 1): Promise<void> {
    for (let look = 0; look < many; look += 1) {
      await expect.poll(() => this.#sleeping.length, { interval: 1 }).toBe(sleepers);
      this.#now = Math.max(...this.#sleeping.map(({ at }) => at));
      for (const { wake } of this.#sleeping.splice(0)) wake();
    }
    await expect.poll(() => this.#sleeping.length, { interval: 1 }).toBe(sleepers);
  }
}

let clock: SteppedClock;
let asked: string[];
let serves: boolean;
beforeEach(() => {
  clock = new SteppedClock();
  asked = [];
  serves = true;
});

const measure: Measure = async (node) => {
  asked.push(node);
  return node === 'us-east-op-3' ? {} : { latency: { grown: 2, per: 100 } };
};
const start = (worker = 'w1', of: Measure = measure) =>
  rig.closeLater(
    startMeasuring({
      ...{ compare, measure: of, measurements: measurements(), regions: [region], worker, clock, log: silent },
      serves: () => serves,
    }),
  );

describe('a worker measures its regions', () => {
  it('in blocks of eight looks, each signed, without those of which nothing is known', async () => {
    start();
    await clock.looks(7);
    const [block] = await measurements().of(region.name, length);
    const measured = { latency: { level: 0.02, grown: 14, per: 700 } };
    expect(block).toEqual({ index: 1_000, nodes: { 'us-east-op-1': measured, 'us-east-op-2': measured } });
    await clock.looks(16);
    expect((await measurements().of(region.name, length)).map(({ index }) => index)).toEqual([1_000, 1_001, 1_002]);
  });

  it('alone: the other one begins when it has died, and a gap is a gap', async () => {
    const first = start('w1');
    await clock.looks(1);
    start('w2');
    await clock.looks(6, 2);
    expect(asked).toHaveLength(7 * 3);
    await first.close();
    await redis().del(keysOf(production).measuring(region.name));
    await clock.looks(3);
    expect(asked).toHaveLength(10 * 3);
    expect((await measurements().of(region.name, length)).map(({ index }) => index)).toEqual([1_000]);
  });

  it('not while its own clock cannot be believed', async () => {
    serves = false;
    start();
    await clock.looks(9);
    expect(asked).toEqual([]);
    expect(await redis().llen(key())).toBe(0);
  });

  it('on and on, whatever breaks', async () => {
    let times = 0;
    start('w1', async (node, signal) => {
      times += 1;
      if (times % 7 === 0) throw new Error('broken');
      return measure(node, signal);
    });
    await clock.looks(16);
    expect((await measurements().of(region.name, length)).length).toBeGreaterThan(0);
  });

  it('and ends at once, also while a node does not answer', async () => {
    const one = start('w1', () => new Promise(() => undefined));
    await expect.poll(async () => redis().exists(keysOf(production).measuring(region.name))).toBe(0);
    void clock.looks(1).catch(() => undefined);
    await expect.poll(async () => redis().exists(keysOf(production).measuring(region.name))).toBe(1);
    await one.close();
  });
});

const blockAt = (index: number, level = 1): Block => ({
  index,
  nodes: Object.fromEntries(
    region.nodes.map(({ name }) => [name, { latency: { level, grown: level * 100.5, per: 100.5 } }]),
  ),
});

describe('what was measured', () => {
  it('is never more than so many blocks, and goes away where nobody measures any more', async () => {
    for (let index = 0; index < keptBlocks + 30; index += 1)
      await measurements().keep(region.name, length, blockAt(index));
    expect(await redis().llen(key())).toBe(keptBlocks);
    expect((await measurements().of(region.name, length)).map(({ index }) => index).sort((a, b) => a - b)[0]).toBe(30);
    expect(await redis().pttl(key())).toBeGreaterThan(0);
  });

  it('counts only as a worker of this fleet signed it, of this region and this length', async () => {
    await measurements().keep(region.name, length, blockAt(1));
    const [line = ''] = await redis().lrange(key(), 0, -1);
    await measurements('worker', 'other').keep(region.name, length, blockAt(2));
    const forged = JSON.stringify({ ...JSON.parse(line), text: JSON.stringify(blockAt(1, 9)) });
    const ofBot = {
      length,
      text: JSON.stringify(blockAt(4)),
      ...belief('bot').notary.sign('measured\n', ['decisions']),
    };
    for (const each of [forged, JSON.stringify(ofBot), 'no json', '[]', 'null', '{"text":"{}"}'])
      await redis().rpush(key(), each);
    expect(await measurements().of(region.name, length)).toEqual([blockAt(1)]);
    expect(await measurements().of(region.name, length * 2)).toEqual([]);
    // Of another fleet, or copied to another region.
    const [foreign = ''] = await redis().lrange(keysOf('other').measured(region.name), 0, -1);
    await redis().rpush(key(), foreign);
    await redis().rpush(keysOf(production).measured('eu-west'), line);
    expect(await measurements().of(region.name, length)).toEqual([blockAt(1)]);
    expect(await measurements().of('eu-west', length)).toEqual([]);
  });

  it('is joined over regions when the upgraded nodes of one are held against those of others', async () => {
    const start = planned({ bake: minutes(2), pause: 0 }, { strategy: 'regions' });
    const { rollout } = drive(start, worldOf(start), { from: tuesday, until: (each) => watching(each) !== null });
    const { touchedAt } = Object.values(rollout.nodes).find(({ name }) => name === 'us-east-op-1') ?? {};
    const first = Math.floor(((touchedAt ?? 0) - minutes(2)) / length);
    const end = first + 60;
    for (const { name, nodes } of fleetOf().regions)
      for (let index = first; index < end; index += 1) {
        const isNew = name === region.name && index * length >= (touchedAt ?? 0);
        const wobble = (node: string) => 1 + 0.01 * Math.sin(index * 13 + node.length * 3 + Number(node.at(-1)) * 7);
        const of = nodes.map(({ name: node }) => {
          const level = wobble(node) * (isNew ? 2 : 1);
          return [node, { latency: { level, grown: level * 100.5, per: 100.5 } }] as const;
        });
        await measurements().keep(name, length, { index, nodes: Object.fromEntries(of) });
      }
    const ask = comparing({ compare, checks: ['latency'] }, measurements());
    expect(await ask(rollout, region.name, end * length)).toMatchObject([
      { check: 'latency', is: 'worse', nodes: { of: 3, so: 3 }, control: { of: 6, near: false } },
    ]);
    expect(await ask(rollout, 'eu-west', end * length)).toEqual([]);
  });
});
