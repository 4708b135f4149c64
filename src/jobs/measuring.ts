import { setMaxListeners } from 'node:events';
import type { Clock } from '../base/clock.ts';
import { minute } from '../base/duration.ts';
import { blockLength, measuredIn } from '../upgrade/comparison/index.ts';
import type { Block, Growth, Measured } from '../upgrade/comparison/types.ts';
import type { Region } from '../upgrade/rollout/types.ts';
import type { Comparing } from './comparing.ts';
import { orAborted } from './lease.ts';
import { type Log, reasonOf, seldom } from './log.ts';
import type { Measurements } from './measurements.ts';

export interface MeasuringParts extends Omit<Comparing, 'checks'> {
  measurements: Pick<Measurements, 'keep' | 'claim'>;
  /** Those that this worker serves. */
  regions: readonly Pick<Region, 'name' | 'nodes'>[];
  /** Another one for every process. */
  worker: string;
  /** Whether this machine's clock can be believed. */
  serves: () => boolean;
  clock: Clock;
  log: Log;
}

/** Nodes asked at the same time: others want something of them, too. */
const together = 16;
/** Looks for which a region is a worker's own: one that died leaves no larger gap. */
const claimed = 3;

/** The looks of one block so far. */
interface Looks {
  index: number;
  /** By node, then by check. */
  nodes: Map<string, Map<string, Growth[]>>;
}

/**
 * Measures every node of its regions, day and night, so that the time before an upgrade is known however soon it begins. One worker of a
 * region does; what it had not written down when it died is lost.
 */
export function startMeasuring(parts: MeasuringParts): { close(): Promise<void> } {
  const { compare, measure, measurements, worker, clock, log } = parts;
  const length = blockLength(compare);
  const closing = new AbortController();
  // Many looks wait for the same end, which Node would report as a leak.
  setMaxListeners(0, closing.signal);
  const complain = seldom(10 * minute, (reason) => log.warn({ reason }, 'nodes could not be measured'));
  const running = parts.regions.map((region) => onAndOn(region));

  async function onAndOn({ name, nodes }: MeasuringParts['regions'][number]): Promise<void> {
    const names = nodes.map((node) => node.name);
    let looks: Looks | null = null;
    while (!closing.signal.aborted) {
      try {
        await clock.sleep(compare.look - (clock.now() % compare.look), closing.signal);
        looks = await lookOnce(name, names, looks);
      } catch (error) {
        if (!closing.signal.aborted) complain(reasonOf(error));
      }
    }
  }

  /** What is whole by then is written down; what another worker measures is no longer this one's. */
  async function lookOnce(region: string, names: readonly string[], before: Looks | null): Promise<Looks | null> {
    const index = Math.floor(clock.now() / length);
    if (!parts.serves() || !(await measurements.claim(region, worker, claimed * compare.look))) return null;
    if (before !== null && before.index !== index) await writeDown(region, before);
    const looks = before?.index === index ? before : { index, nodes: new Map() };
    const { signal } = closing;
    await inTurns(names, async (node) => add(looks, node, await orAborted(measure(node, signal), signal)));
    if (Math.floor((clock.now() + compare.look) / length) === index) return looks;
    await writeDown(region, looks);
    return null;
  }

  async function writeDown(region: string, looks: Looks): Promise<void> {
    const block = blockOf(looks);
    if (Object.keys(block.nodes).length > 0) await measurements.keep(region, length, block);
  }

  return {
    async close() {
      closing.abort();
      await Promise.all(running);
    },
  };
}

function add({ nodes }: Looks, node: string, grown: Record<string, Growth>): void {
  const checks = nodes.get(node) ?? new Map<string, Growth[]>();
  nodes.set(node, checks);
  for (const [check, each] of Object.entries(grown)) checks.set(check, [...(checks.get(check) ?? []), each]);
}

function blockOf({ index, nodes }: Looks): Block {
  const measured = [...nodes].flatMap(([node, checks]): [string, Record<string, Measured>][] => {
    const of = [...checks].flatMap(([check, looks]): [string, Measured][] => {
      const found = measuredIn(looks);
      return found === null ? [] : [[check, found]];
    });
    return of.length === 0 ? [] : [[node, Object.fromEntries(of)]];
  });
  return { index, nodes: Object.fromEntries(measured) };
}

async function inTurns(names: readonly string[], work: (name: string) => Promise<void>): Promise<void> {
  const rest = [...names];
  const one = async (): Promise<void> => {
    for (let name = rest.shift(); name !== undefined; name = rest.shift()) await work(name);
  };
  await Promise.all(Array.from({ length: together }, one));
}
