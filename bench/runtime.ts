import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { openBelief } from '../src/app/belief.ts';
import { systemClock } from '../src/app/clock.ts';
import { day } from '../src/base/duration.ts';
import { createControl, type Log, openRedis, startWorker } from '../src/jobs/index.ts';
import type { Control } from '../src/jobs/types.ts';
import { openReleases } from '../src/releases/index.ts';
import { diagnoseNode, surveyForWork, surveyNode } from '../src/upgrade/host/index.ts';
import { createAlerting, createProbe } from '../src/upgrade/http/index.ts';
import { stillProven } from '../src/upgrade/proof/index.ts';
import { plan } from '../src/upgrade/rollout/index.ts';
import type { Fleet, FleetNode, Rollout } from '../src/upgrade/rollout/types.ts';
import { createShell, type Host, type Shell } from '../src/upgrade/ssh/index.ts';
import { seeWayBack, steps } from '../src/upgrade/steps/index.ts';
import { fleetOf } from './fleet.ts';

const clock = systemClock();

export interface Where {
  /** Addresses; ssh on port 2222 as root, health on port 8080. */
  nodes: string[];
  archive: string;
  key: string;
  known: string;
}

/** Everything between the settings and the nodes: a Redis of its own, queues, store, journal, worker, connections. */
export interface Runtime {
  fleet: Fleet;
  nodes: FleetNode[];
  control: Control;
  planRelease(version: string, startAt: number | null): Promise<Rollout>;
  /** How long each remote command and transfer took, ms, by name; empty without `trace`. */
  commands: Map<string, number[]>;
  close(): Promise<void>;
}

/** Notes how long everything takes that goes through `shell`, and what the commands cost the nodes. */
function timed(shell: Shell, commands: Map<string, number[]>): Shell {
  const add = (name: string, ms: number) => commands.set(name, [...(commands.get(name) ?? []), ms]);
  const note = async <T>(name: string, work: Promise<T>): Promise<T> => {
    const from = performance.now();
    const result = await work;
    add(name, performance.now() - from);
    return result;
  };
  return {
    async run(node, command, signal) {
      const outcome = await note(
        command.name,
        shell.run(node, { ...command, script: `${command.script}\ntimes` }, signal),
      );
      if (outcome.is === 'exited') add(`${command.name}, CPU there`, cpuIn(outcome.stdout));
      return outcome;
    },
    put: (node, local, remote, signal) => note('put', shell.put(node, local, remote, signal)),
    close: () => shell.close(),
  };
}

/** What `times` of a POSIX shell says at the end: user and system time of itself and of its children, in ms. */
function cpuIn(stdout: string): number {
  const spans = [
    ...stdout
      .trim()
      .split('\n')
      .slice(-2)
      .join(' ')
      .matchAll(/(\d+)m([\d.]+)s/g),
  ];
  return spans.reduce((sum, [, minutes, seconds]) => sum + 60_000 * Number(minutes) + 1_000 * Number(seconds), 0);
}

const troubles = (fields: object, message: string): void => console.error(message, JSON.stringify(fields));
const log: Log = { info: () => undefined, warn: troubles, error: troubles };
const commandTimeout = 60_000;

/** @param trace notes times of remote commands, which changes them a little */
export async function openRuntime({ nodes: addresses, archive, key, known }: Where, trace: boolean): Promise<Runtime> {
  const stateDir = await mkdtemp(join(tmpdir(), 'zeitwork-bench-'));
  const fleet = fleetOf(addresses);
  const nodes = fleet.regions.flatMap((region) => region.nodes);
  const byName = <T>(make: (address: string) => T): Record<string, T> =>
    Object.fromEntries(nodes.map(({ name }) => [name, make(name)]));
  const hosts = byName<Host>((name) => ({
    name,
    address: name,
    port: 2222,
    user: 'root',
    keyFile: key,
    knownHostsFile: known,
  }));
  const commands = new Map<string, number[]>();
  const shell = trace ? timed(createShell(hosts), commands) : createShell(hosts);
  const probe = createProbe(byName((address) => `http://${address}:8080/health`));
  const releases = openReleases(
    { directory: dirname(archive), signers: [], unsigned: 'allowed' },
    fleet.service,
    join(stateDir, 'releases'),
  );
  const redis = await openRedis(null, stateDir);
  const control = createControl(redis, fleet.name, await openBelief({ stateDir, keys: null }, 'bot', log), clock, log);
  const closely = { service: fleet.service, shell, probe, now: () => clock.now(), helper: () => null };
  await startWorker({
    redis,
    belief: await openBelief({ stateDir, keys: null }, 'worker', log),
    fleet,
    regions: fleet.regions.map(({ name }) => name),
    steps,
    shell,
    probe,
    alerting: createAlerting(null),
    elsewhere: async () => ({ is: 'not wanted' }),
    compatible: async () => ({ is: 'not wanted' }),
    halt: async () => ({ is: 'clear' }),
    withdrawn: () => null,
    archives: (release) => releases.archivePath(release),
    stillProven: (node, proof, signal) => stillProven(node, proof, fleet.service, shell, commandTimeout, signal),
    wayBack: (node, question, signal) => seeWayBack(node, question, fleet.service, shell, commandTimeout, signal),
    retention: { keepFor: 400 * day, exports: join(stateDir, 'exports') },
    freezes: () => [],
    survey: ({ name, region }, signal) =>
      surveyNode(name, region, fleet.service, shell, probe, clock, commandTimeout, signal),
    surveyForWork: ({ name, region }, signal) => surveyForWork(name, region, closely, commandTimeout, signal),
    diagnose: ({ name }, signal) => diagnoseNode(name, fleet.service, shell, probe, commandTimeout, signal),
    clock,
    log,
  });
  return {
    fleet,
    nodes,
    control,
    commands,
    async planRelease(version, startAt) {
      const [release, survey] = await Promise.all([releases.resolve(version), control.survey(nodes, commandTimeout)]);
      const now = clock.now();
      const epoch = await control.store.nextEpoch(now);
      const asked = {
        strategy: 'rolling',
        requester: 'cli:bench',
        override: null,
        regions: null,
        limit: null,
        begun: null,
        pace: {},
      } as const;
      return plan({ ...asked, id: 'r-bench', fleet, release, now, epoch, startAt, survey });
    },
    // Nothing is under way by now; whoever ends this process need not wait for idle workers.
    async close() {
      await redis.stop();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}
