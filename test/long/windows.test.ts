import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { JournalEntry } from '../../src/jobs/types.ts';
import type { NodeState } from '../../src/upgrade/rollout/types.ts';
import { Conversation } from '../support/conversation.ts';
import { type Prober, startProber } from '../support/prober.ts';
import { type Product, people, startProduct } from '../support/product.ts';
import {
  fleetStatus,
  freshFleet,
  offerRelease,
  onNode,
  type RealNode,
  sayWhyNot,
  starts,
} from '../support/real-fleet.ts';

const reason = sayWhyNot('Windows on real nodes');

const minute = 60_000;
const zones = { 'us-east': 'America/New_York', 'eu-west': 'Europe/Dublin', 'ap-south': 'Asia/Kathmandu' } as const;
type Region = keyof typeof zones;
const regions = Object.keys(zones) as Region[];
/** The one in which a service takes long to start, and whose first window has room for one node only. */
const slow = 'ap-south';
const slowStart = 12;

/** Two nodes of one region, there and back: the newest ten are what the ledger keeps of a node. */
const recorded: Region[] = [...Array(4).fill('us-east'), ...Array(4).fill('eu-west'), ...Array(2).fill(slow)];

const common = { watch: '1s', healthDeadline: '40s', retryDelay: '500ms' };
const quick = { ...common, soak: '1s', canarySoak: '1s', pause: '0s', bake: '1s' };
/** What the settings want of a window at least, before anything was recorded. */
const noLongerThanAMinute = { expectedNode: '30s', rollbackReserve: '30s' };
/** Longer than what was recorded: a forecast goes by the policy of its own night. */
const unhurried = { ...common, soak: '3s', canarySoak: '6s', pause: '2s', bake: '5s', ...noLongerThanAMinute };

interface Span {
  start: number;
  end: number;
}

/** What is told of a region, foreseen or happened; epoch ms. */
interface Told {
  region: string;
  begin: number;
  end: number;
  goesOn: number[];
}

/** How a clock on the wall shows an instant there, by other means than the product's. */
function onTheWall(at: number, timeZone: string) {
  const parts = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone, weekday: 'short', day: 'numeric', month: 'short' },
    ...{ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  }).formatToParts(at);
  const part = (type: string) => parts.find((each) => each.type === type)?.value ?? '';
  return {
    weekday: part('weekday'),
    date: `${part('day')} ${part('month')}`,
    time: `${part('hour')}:${part('minute')}`,
  };
}

/** Open on that one day of the week, between those two minutes. */
function windowOf({ start, end }: Span, zone: string) {
  const { weekday, time } = onTheWall(start, zone);
  return { days: [weekday.toLowerCase()], from: time, to: onTheWall(end, zone).time };
}

describe.skipIf(reason !== null)('three windows that open one after another on nine real nodes', () => {
  const releases = mkdtempSync(join(tmpdir(), 'zeitwork-releases-'));
  let nodes: RealNode[] = [];
  let product: Product;
  let talk: Conversation;
  let prober: Prober;

  const nodesIn = (region: Region) => nodes.flatMap((node) => (node.region === region ? [node.name] : []));
  const within = (spans: Span[], at: number) => spans.some(({ start, end }) => start <= at && at < end);

  /** What is done to nodes that serve; staging does nothing to them, and may be done at any time. */
  const begunIn = (entries: JournalEntry[], names: string[]) =>
    entries.flatMap(({ event }) =>
      event.type === 'begun' && event.step !== 'stage' && names.includes(event.node) ? [event] : [],
    );
  const stateOf = async (node: string): Promise<NodeState | undefined> => (await talk.newest())?.nodes[node]?.state;
  const isDone = async (names: string[]) => {
    const states = await Promise.all(names.map(stateOf));
    return states.every((state) => state?.is === 'done');
  };

  /** Workers that were just started are asked for in vain. */
  const allAnswer = () =>
    talk.until(
      'all nodes answer',
      async () => /All 9 nodes are healthy now/.test(await talk.type('upgrade v2.0.0 --dry-run')),
      60_000,
    );

  const comeBack = async (killed: readonly Region[]) => {
    await Promise.all([product.kill('bot'), ...killed.map((region) => product.kill('worker', region))]);
    await talk.until('the bot is gone', () => product.slack.connections() === 0, 20_000);
    for (const region of killed) product.startWorker(region);
    product.startBot();
    await talk.until('the bot is back', () => product.slack.connections() > 0, 60_000);
  };

  /** The night's own settings, read by programs that are started anew. */
  const openAt = async (windows: Record<Region, Span[]>) => {
    const settings = parse(readFileSync(product.settingsFile, 'utf8'));
    const written = {
      ...settings,
      policy: { ...settings.policy, ...unhurried },
      regions: settings.regions.map((region: { name: Region }) => ({
        ...region,
        zone: zones[region.name],
        windows: windows[region.name].map((span) => windowOf(span, zones[region.name])),
      })),
    };
    writeFileSync(product.settingsFile, stringify(written));
    await comeBack(regions);
    await allAnswer();
  };

  const foreseen = async (): Promise<Told[]> => {
    const { out } = await product.shell('upgrade', 'v2.0.0', '--strategy', 'regions', '--dry-run', '--json');
    const { usual, recorded: fromLedger } = JSON.parse(out).foreseen;
    expect(fromLedger).toBe(true);
    return usual.regions.map((each: { region: string; begin: string; end: string; goesOn: string[] }) => ({
      region: each.region,
      begin: Date.parse(each.begin),
      end: Date.parse(each.end),
      goesOn: each.goesOn.map((at) => Date.parse(at)),
    }));
  };

  /** The same of what happened. It went on where a node was begun in another window than the one before. */
  const happened = async (windows: Record<Region, Span[]>): Promise<Told[]> => {
    const rollout = await talk.newest();
    const entries = await talk.journal();
    return regions.map((region) => {
      const begun = begunIn(entries, nodesIn(region)).map(({ at }) => at);
      const firsts = windows[region].flatMap((span) => begun.find((at) => within([span], at)) ?? []);
      const ends = nodesIn(region).map((name) => {
        const state = rollout?.nodes[name]?.state;
        return state?.is === 'done' ? state.at : Number.NaN;
      });
      return { region, begin: firsts[0] ?? Number.NaN, end: Math.max(...ends), goesOn: firsts.slice(1) };
    });
  };
  /** Waiting for a window is no work: from where it was begun, or went on for the last time, to the last proof. */
  const worked = ({ begin, end, goesOn }: Told) => end - (goesOn.at(-1) ?? begin);

  beforeAll(async () => {
    for (const version of ['v1.0.0', 'v1.1.0', 'v2.0.0']) offerRelease(releases, version);
    nodes = await freshFleet();
    const dropIn = '/etc/systemd/system/zeitwork-operator.service.d';
    const lines = `[Service]\\nExecStartPre=/bin/sleep ${slowStart}\\n`;
    for (const node of nodesIn(slow)) {
      await onNode(node, `mkdir -p ${dropIn} && printf "${lines}" >${dropIn}/slow.conf && systemctl daemon-reload`);
    }
    prober = startProber(nodes);
    product = await startProduct({
      releases,
      policy: quick,
      nodes,
    });
    talk = new Conversation(product);
    await product.kill('worker');
    for (const region of regions) product.startWorker(region);
    await allAnswer();
  });
  afterAll(async () => {
    prober?.stop();
    await product?.close();
    rmSync(releases, { recursive: true, force: true });
  });

  /**
   * Ten real rollouts, of two nodes each, and back again. So the two slow ones were timed twice each, which is too seldom for a
   * node and enough for its region; the third node of a region was never touched and goes by its neighbours.
   */
  it('are foreseen after ten recorded rollouts', async () => {
    for (const region of recorded) {
      await talk.type(`upgrade v1.1.0 --regions ${region} --nodes 2`);
      await talk.click('Start');
      await talk.becomes('done');
      await talk.type('rollback all');
      await talk.becomes('rolled-back');
    }
    const rollouts = await (await talk.store()).latest(20);
    expect(rollouts.map(({ status }) => status.is)).toEqual(Array(10).fill('rolled-back'));
  });

  it('are kept to, through a window that closes and with bot and workers killed, and last as long as was foreseen', async () => {
    const first = Math.ceil((Date.now() + 100_000) / minute) * minute;
    const after = (from: number, to: number): Span => ({ start: first + from * minute, end: first + to * minute });
    const windows = {
      'us-east': [after(0, 2)],
      'eu-west': [after(2, 4)],
      'ap-south': [after(4, 5), after(6, 9)],
    };
    const [closing, reopening] = windows[slow] as [Span, Span];
    await openAt(windows);
    const told = await foreseen();
    expect(told.map(({ region, goesOn }) => [region, ...goesOn])).toEqual([
      ['us-east'],
      ['eu-west'],
      ['ap-south', reopening.start],
    ]);

    const since = Date.now();
    const preview = await talk.type('upgrade v2.0.0 --strategy regions');
    expect(preview).toMatch(/ap-south\* does not fit into one window: it goes on/);
    await talk.click(/Schedule for [^\n":]+:\d\d/.exec(preview)?.[0] ?? 'Schedule for');
    await talk.until(
      'everything is staged',
      async () => Object.values((await talk.newest())?.nodes ?? {}).every(({ state }) => state.is === 'ready'),
      60_000,
    );
    expect(Date.now(), 'staged before the first window opens').toBeLessThan(first);

    // Between two windows: all programs at once, when the second region was approved and its window is still closed.
    await talk.until('us-east is done', () => isDone(nodesIn('us-east')), 180_000);
    await talk.click('Approve eu-west', people.ines.id);
    expect(Date.now(), 'approved before its window opens').toBeLessThan(first + 2 * minute);
    await comeBack(regions);

    // And in one: while the second node of the region is being proven.
    const second = nodesIn('eu-west')[1] ?? '';
    await talk.until(
      `${second} is being proven`,
      async () => {
        const entries = await talk.journal();
        return begunIn(entries, [second]).some(({ step }) => step === 'verify');
      },
      180_000,
    );
    await comeBack(['eu-west']);

    await talk.until('eu-west is done', () => isDone(nodesIn('eu-west')), 120_000);
    await talk.click('Approve ap-south', people.ines.id);
    expect(Date.now(), 'approved before its window opens').toBeLessThan(closing.start);

    // The window closes over two nodes; the channel says when the region goes on, in its own time.
    const [done = '', ...left] = nodesIn(slow);
    await talk.until(`${done} is done`, () => isDone([done]), 180_000);
    const { weekday, date, time } = onTheWall(reopening.start, zones[slow]);
    await talk.sees(
      new RegExp(`Next: ${left[0]}, not before .*${weekday} ${date} ${time} \\(${zones[slow]}\\)`),
      30_000,
    );
    await talk.until('the window is closed', () => Date.now() > closing.end, 2 * minute);
    expect(begunIn(await talk.journal(), left)).toEqual([]);
    await talk.becomes('done', 5 * minute);
    await talk.sees(/all 9 nodes/i);

    for (const { node, serves, binary, health } of await fleetStatus()) {
      expect([node, serves, binary, health]).toEqual([node, 'v2.0.0', 'v2.0.0', 'healthy']);
    }
    const entries = await talk.journal();
    for (const region of regions) {
      for (const { node, step, at } of begunIn(entries, nodesIn(region))) {
        expect([node, step, within(windows[region], at)]).toEqual([node, step, true]);
      }
      for (const node of nodesIn(region)) {
        const started = (await starts(node)).filter((at) => at > since);
        expect([node, started.length]).toEqual([node, 1]);
        expect([node, within(windows[region], started[0] ?? 0)]).toEqual([node, true]);
      }
    }
    for (const [region, fewest] of Object.entries(prober.fewest())) {
      expect(fewest, `fewest healthy in ${region}`).toBeGreaterThanOrEqual(2);
    }

    const real = await happened(windows);
    const compared = told.map((each, index) => {
      const one = real[index] as Told;
      return { region: each.region, expected: worked(each), took: worked(one), late: one.begin - each.begin };
    });
    console.info('foreseen and happened, ms:', JSON.stringify(compared), JSON.stringify({ told, real }));
    for (const { region, expected: ms, took, late } of compared) {
      // What a killed worker held is taken over within ten seconds; a forecast knows nothing of that.
      const takenOver = region === 'eu-west' ? 10_000 : 0;
      expect(took - ms, `${region}: later than foreseen`).toBeLessThanOrEqual(0.2 * took + takenOver);
      expect(ms - took, `${region}: earlier than foreseen`).toBeLessThanOrEqual(0.2 * took);
      expect(Math.abs(late), `${region}: when it was begun`).toBeLessThanOrEqual(3_000);
    }
    const sum = (of: 'expected' | 'took') => compared.reduce((total, each) => total + each[of], 0);
    expect(Math.abs(sum('expected') - sum('took')) / sum('took'), 'all together').toBeLessThanOrEqual(0.2);
  });
});
