import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type NodeAccess, type SimulatedFleet, startFleet } from '../../sandbox/fleet/fleet.ts';
import { binaryOf } from '../../sandbox/fleet/releases.ts';
import { createControl, createStore } from '../../src/jobs/index.ts';
import type { Control, JournalEntry } from '../../src/jobs/types.ts';
import { plan } from '../../src/upgrade/rollout/index.ts';
import type { Fleet, Rollout } from '../../src/upgrade/rollout/types.ts';
import { eventually, production, silent, systemClock } from '../jobs/fixtures/parts.ts';
import { releaseIn } from '../sandbox/fleet-support.ts';
import { belief, flawsIn } from './belief.ts';
import { compiled } from './compiled.ts';
import { isAsked } from './parts.ts';
import { random } from './random.ts';
import { startTestRedis, type TestRedis } from './redis.ts';
import { sha256 } from './release-archives.ts';
import { fitWith, fleetOf, inputOf, surveyOf } from './rollouts.ts';

/** What a worker of these tests is told, as JSON. */
export interface Orders {
  stateDir: string;
  fleet: Fleet;
  nodes: NodeAccess[];
  archive: string;
  /** The boundary at which it ends; null: none. */
  dieAt: string | null;
}

/**
 * One node to a good build; one to a build that never gets healthy, and back; two regions to a good build, with the watch
 * of the first one and an approval between them.
 */
type Story = 'forward' | 'back' | 'regions';
const stories: readonly Story[] = ['forward', 'back', 'regions'];

export interface CrashPoint {
  story: Story;
  boundary: string;
}

/** What came of a worker that was killed at a point, and of the one that was started right after it. */
export interface Crash extends CrashPoint {
  /** From the end of the process to the next line of the journal, ms; null where the last line was written already. */
  recovery: number | null;
  /** What is not as it must be. */
  wrong: string[];
}

const node = 'us-east-op-1';
const version: Record<Story, string> = { forward: 'v2.0.0', back: 'v2.1.0-never-healthy', regions: 'v2.0.0' };
const regions = ['us-east', 'eu-west'];
const isDone = ({ status }: Rollout) => status.is === 'done';
const end: Record<Story, (rollout: Rollout) => boolean> = {
  forward: isDone,
  back: ({ status, nodes }) => status.is === 'held' && nodes[node]?.state.is === 'rolled-back',
  regions: isDone,
};

/** How often a node is restarted in a story. */
function switches(story: Story, name: string): number {
  if (story === 'regions') return 1;
  if (name !== node) return 0;
  return story === 'back' ? 2 : 1;
}
const quick = {
  ...{ pause: 0, bake: 300, watch: 100, retryDelay: 50, soak: 200, canarySoak: 200, healthDeadline: 4_000, poll: 25 },
  ...{ commandTimeout: 10_000 },
};
const patience = 60_000;

/** A fleet of three simulated nodes, and a Redis, in which one story after another is told. */
export class Lane {
  readonly #directory: string;
  readonly #program: string;
  readonly #fleet: SimulatedFleet;
  readonly #redis: TestRedis;
  readonly #workers = new Set<ChildProcess>();

  private constructor(directory: string, program: string, fleet: SimulatedFleet, redis: TestRedis) {
    this.#directory = directory;
    this.#program = program;
    this.#fleet = fleet;
    this.#redis = redis;
  }

  /** So many, side by side: most of the time each waits. */
  static async open(count: number): Promise<Lane[]> {
    const directories = await Promise.all(Array.from({ length: count }, () => mkdtemp(join(tmpdir(), 'zw-crash-'))));
    const program = compiled('test/support/crash-worker.ts', join(directories[0] ?? '', 'build'));
    return Promise.all(
      directories.map(async (directory) => {
        const fleet = await startFleet({ directory, regions, timeScale: 0.1 });
        return new Lane(directory, program, fleet, await startTestRedis());
      }),
    );
  }

  async close(): Promise<void> {
    for (const worker of this.#workers) await killed(worker);
    await this.#fleet.close();
    await this.#redis.stop();
    await rm(this.#directory, { recursive: true, force: true });
  }

  /** Every boundary that a worker passes in a story, once, in the order in which it comes to them. */
  async boundaries(story: Story): Promise<string[]> {
    const passed = new Set<string>();
    const { control } = await this.#begin(story);
    const worker = await this.#worker(story, null, (boundary) => passed.add(boundary));
    await this.#finished(story, control);
    await killed(worker);
    await control.close();
    return [...passed];
  }

  async crash({ story, boundary }: CrashPoint): Promise<Crash> {
    const { control } = await this.#begin(story);
    const finished = this.#finished(story, control);
    finished.catch(() => undefined);
    const first = await this.#worker(story, boundary);
    if (first.exitCode === null && first.signalCode === null) {
      await Promise.race([
        once(first, 'exit'),
        new Promise((_, reject) => {
          setTimeout(() => reject(new Error(`${story}: no worker came to ${boundary}`)), patience).unref();
        }),
      ]);
    }
    const killedAt = performance.now();
    const before = (await this.#journal()).length;
    const second = this.#worker(story, null);
    const wasOver = end[story](await this.#rollout());
    const recovery = wasOver ? null : await this.#recovered(before, killedAt);
    await finished;
    const wrong = await this.#judge(story);
    await killed(await second);
    await control.close();
    return { story, boundary, recovery, wrong };
  }

  async #begin(story: Story) {
    await this.#redis.handle.caller.flushall();
    await this.#fleet.reset();
    const control = createControl(this.#redis.handle, production, belief('bot'), systemClock, silent);
    const fleet = this.#settings(story);
    const image = sha256(binaryOf('v1.0.0'));
    const survey = surveyOf(fleet).map((seen) => ({ ...seen, sha256: image, fitness: fitWith(image), at: Date.now() }));
    const now = Date.now();
    const release = await releaseIn(this.#fleet, version[story]);
    const how = story === 'regions' ? ({ strategy: 'regions' } as const) : { limit: 1 };
    await control.start(plan(inputOf(fleet, { release, survey, now, epoch: now, ...how })));
    return { control };
  }

  #settings(story: Story): Fleet {
    const fleet = fleetOf(quick, { windows: 'always' });
    const traffic = { drain: ['/bin/true', '{node}'], undrain: ['/bin/true', '{node}'], limit: 5_000 };
    const named = fleet.regions.slice(0, story === 'regions' ? 2 : 1);
    return { ...fleet, service: { ...this.#fleet.service, traffic }, regions: named };
  }

  async #worker(story: Story, dieAt: string | null, passed?: (boundary: string) => void): Promise<ChildProcess> {
    const archive = join(this.#fleet.releasesDirectory, `zeitwork-operator-${version[story]}.tar.gz`);
    const { nodes } = this.#fleet;
    const orders: Orders = { stateDir: this.#redis.dir, fleet: this.#settings(story), nodes, archive, dieAt };
    const child = fork(this.#program, [JSON.stringify(orders)], {
      execArgv: [],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#workers.add(child);
    child.once('exit', () => this.#workers.delete(child));
    if (passed) child.on('message', (boundary) => boundary !== 'ready' && passed(String(boundary)));
    await new Promise<void>((ready) => {
      child.on('message', (said) => said === 'ready' && ready());
      child.once('exit', () => ready());
    });
    return child;
  }

  readonly #store = () => createStore(this.#redis.handle.caller, production, belief());
  readonly #journal = (): Promise<JournalEntry[]> => this.#store().journal('r1');

  async #rollout(): Promise<Rollout> {
    const rollout = await this.#store().load('r1');
    if (rollout === null) throw new Error('the rollout is gone');
    return rollout;
  }

  /** Somebody approves the second region as soon as it is asked about. */
  async #finished(story: Story, control: Control): Promise<void> {
    const asks = (rollout: Rollout) => story === 'regions' && isAsked(rollout, 'eu-west');
    const now = await eventually(
      () => this.#rollout(),
      (rollout) => end[story](rollout) || asks(rollout),
      patience,
    );
    if (end[story](now)) return;
    await control.record('r1', { type: 'approved', at: Date.now(), phase: 'approval/eu-west', by: 'U-eu-west' });
    await eventually(() => this.#rollout(), end[story], patience);
  }

  /** Time that passes is written down by whoever wakes: that alone moves nothing. */
  async #recovered(before: number, since: number): Promise<number> {
    const moves = ({ event }: JournalEntry) => event.type !== 'ticked';
    await eventually(this.#journal, (lines) => lines.slice(before).some(moves), patience);
    return performance.now() - since;
  }

  async #judge(story: Story): Promise<string[]> {
    const wrong: string[] = [];
    for (const { name } of this.#settings(story).regions.flatMap(({ nodes }) => nodes)) {
      // It was started once when the node was made.
      const restarts = this.#fleet.starts(name) - 1;
      if (restarts !== switches(story, name)) wrong.push(`${name} was restarted ${restarts} times`);
    }
    const lines = await this.#store().journal('r1');
    wrong.push(...flawsIn('r1', lines));
    const reports = lines.flatMap(({ event }) => (event.type === 'reported' ? [event] : []));
    const told = reports
      .filter(({ report }) => report.is !== 'unknown')
      .map((event) => `${event.step} of ${event.node}`);
    for (const each of new Set(told)) {
      const times = told.filter((other) => other === each).length;
      if (times !== 1) wrong.push(`${each} was reported ${times} times`);
    }
    const { failures } = this.#fleet.source.counter();
    if (failures > 0) wrong.push(`the region fell below two healthy nodes ${failures} times`);
    return wrong;
  }
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** Every point of all stories, in order: of a story of two regions, those alone that one node does not have. */
export async function crashPoints(lanes: readonly Lane[]): Promise<CrashPoint[]> {
  const left = [...stories];
  const told: { story: Story; boundaries: string[] }[] = [];
  await Promise.all(
    lanes.map(async (lane) => {
      for (let story = left.shift(); story !== undefined; story = left.shift())
        told.push({ story, boundaries: await lane.boundaries(story) });
    }),
  );
  told.sort((a, b) => stories.indexOf(a.story) - stories.indexOf(b.story));
  const [forward] = told;
  return told.flatMap(({ story, boundaries }) =>
    boundaries
      .filter((boundary) => story !== 'regions' || !forward?.boundaries.includes(boundary))
      .map((boundary) => ({ story, boundary })),
  );
}

/** Crashes at all points, on as many lanes as there are. */
export async function crashAt(points: readonly CrashPoint[], lanes: readonly Lane[]): Promise<Crash[]> {
  const left = [...points];
  const crashes: Crash[] = [];
  await Promise.all(
    lanes.map(async (lane) => {
      for (let point = left.shift(); point !== undefined; point = left.shift()) crashes.push(await lane.crash(point));
    }),
  );
  return crashes;
}

/** The same ones in each run. */
export function aTenthOf(points: readonly CrashPoint[], seed: number): CrashPoint[] {
  const next = random(seed);
  const chosen = points.map((point) => ({ point, rank: next() })).sort((a, b) => a.rank - b.rank);
  return chosen.slice(0, Math.ceil(points.length / 10)).map(({ point }) => point);
}

/** How many runnable processes there are for each core. */
export const crowd = (): number => Math.min(3, Math.max(1, (loadavg()[0] ?? 0) / availableParallelism()));

/** In words, and as numbers. */
export function summary(crashes: readonly Crash[]): { p95: number; wrong: string[]; words: string } {
  const times = crashes.flatMap(({ recovery }) => (recovery === null ? [] : [recovery])).sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.ceil(times.length * share) - 1)] ?? 0;
  const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
  const slowest = [...crashes].sort((a, b) => (b.recovery ?? 0) - (a.recovery ?? 0)).slice(0, 3);
  return {
    p95: at(0.95),
    wrong: crashes.flatMap(({ story, boundary, wrong }) => wrong.map((each) => `${story}, ${boundary}: ${each}`)),
    words: [
      `${crashes.length} crash points, load ${loadavg()[0]?.toFixed(1)}: recovered in p50 ${seconds(at(0.5))}, p95 ${seconds(at(0.95))}, max ${seconds(at(1))}`,
      ...slowest.map(({ story, boundary, recovery }) => `  ${seconds(recovery ?? 0)}: ${story}, ${boundary}`),
    ].join('\n'),
  };
}
