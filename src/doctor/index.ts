import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../base/clock.ts';
import { wordsOf } from '../base/errors.ts';
import { loadFleets, type Settings } from '../config/index.ts';
import { createElsewhere, type Nearby } from '../jobs/index.ts';
import { databaseOn, withSchemaOf } from '../migrating/index.ts';
import { type BalancerPlace, createBalancer } from '../upgrade/balancer/index.ts';
import type { AskChecks } from '../upgrade/checks/types.ts';
import { helpersOf } from '../upgrade/host/helper/index.ts';
import { createChecks } from '../upgrade/host/index.ts';
import { createAlerting, createInventory, createProbe, fetchOnce } from '../upgrade/http/index.ts';
import { isAskedChecks, serviceOf } from '../upgrade/rollout/index.ts';
import type { Release } from '../upgrade/rollout/types.ts';
import { createDatabase, createShell } from '../upgrade/ssh/index.ts';
import { examineAlerts } from './alerts.ts';
import { examineBalancers } from './balancers.ts';
import { examineChecks } from './checks.ts';
import { examineCompatibility } from './compatibility.ts';
import { examineDatabase } from './database.ts';
import { type Finding, lineOf, right, shown, wrong } from './finding.ts';
import { examineNative } from './native.ts';
import { examineNode } from './nodes.ts';
import { examineProven } from './proven.ts';
import { examineRedis } from './redis.ts';
import { examineReleases } from './releases.ts';
import { examineSlack } from './slack.ts';
import { examineState, whereStateLies } from './state.ts';
import { type NodeLook, tellNodes } from './together.ts';

export interface DoctorOptions {
  /** This machine's clock, epoch ms. */
  now?: () => number;
  /** Milliseconds in which a node must let us in; default 10,000. */
  connectTimeoutMs?: number;
  /** Whose orders the helpers on the nodes should take, as far as is known here. */
  signers?: (settings: Settings) => Promise<readonly string[]>;
  /** Those that are looked at; null, or absent: all. */
  fleets?: readonly string[] | null;
  /** Opens the fleet on which a release must be proven, where it is asked itself; null where it cannot be. */
  neighbour?: (
    settings: Settings,
    known: readonly Settings[],
  ) => Promise<{ store: Nearby; leave(): Promise<void> } | null>;
}

/** One line of the examination; not `ok` when something has to be done before the night. */
export interface Examined {
  ok: boolean;
  line: string;
  finding: Finding & { fleet?: string };
}

/**
 * Checks everything that can be checked beforehand and changes nothing: settings, Redis, Slack, releases, every node.
 * All at once, told in order, fleet by fleet; what several nodes have in common is told once. Never throws for what it finds, never shows a secret.
 */
export async function* examine(
  files: string | readonly string[],
  env: NodeJS.ProcessEnv,
  options: DoctorOptions = {},
): AsyncIterable<Examined> {
  const { fleets, faults, clashes } = loadFleets([files].flat(), env);
  const lines = [...faults.flatMap(({ message }) => message.split('\n')), ...clashes];
  yield* told(
    lines.map((line) => wrong('settings', line)),
    'settings'.length,
  );
  const chosen = fleets.filter(({ fleet }) => options.fleets?.includes(fleet.name) ?? true);
  const isOne = fleets.length + faults.length === 1;
  // Nothing can be said of nodes that two fleets may own.
  if (isOne && clashes.length > 0) return;
  for (const settings of chosen)
    for await (const each of examineFleet(settings, fleets, options)) yield isOne ? each : ofFleet(settings, each);
}

const ofFleet = ({ fleet: { name } }: Settings, { ok, line, finding }: Examined): Examined => ({
  ok,
  line: `${name}: ${line}`,
  finding: { fleet: name, ...finding },
});

async function* examineFleet(
  settings: Settings,
  known: readonly Settings[],
  options: DoctorOptions,
): AsyncIterable<Examined> {
  const width = Math.max('settings'.length, ...nodesOf(settings).map(({ name }) => name.length));
  const { checks, close } = start(settings, known, options);
  try {
    for (const check of checks) yield* told(await check, width);
  } finally {
    await Promise.allSettled(checks);
    await close();
  }
}

function* told(findings: Finding[], width: number): Iterable<Examined> {
  for (const finding of findings)
    yield { ok: finding.is !== 'wrong', line: lineOf(finding, width), finding: shown(finding) };
}

/** What the settings want to be proven on another fleet: read from its file, or asked of it where it is at hand. */
async function proofOf(
  settings: Settings,
  known: readonly Settings[],
  { neighbour, now = Date.now }: DoctorOptions,
  newest: Release | null,
): Promise<Finding[]> {
  const near = (await neighbour?.(settings, known)) ?? null;
  try {
    return await examineProven(settings, newest, createElsewhere(settings.proven, { now }, near?.store ?? null));
  } finally {
    await near?.leave();
  }
}

const nodesOf = ({ fleet }: Settings) => fleet.regions.flatMap(({ nodes }) => nodes);

/** Begins all checks; each settles with what it found. */
function start(
  settings: Settings,
  known: readonly Settings[],
  options: DoctorOptions,
): { checks: Promise<Finding[]>[]; close(): Promise<void> } {
  const { fleet } = settings;
  const { now = Date.now, connectTimeoutMs = 10_000 } = options;
  const { database } = settings;
  const others = database === null ? {} : { [database.host.name]: database.host };
  const shell = createShell({ ...settings.balancerHosts, ...others, ...settings.hosts }, { connectTimeoutMs });
  const migrated = database === null ? null : databaseOn(fleet.name, database, shell);
  const inventory = withSchemaOf(migrated, createInventory(settings.inventory), clockOf(now));
  const probe = createProbe(settings.healthUrls);
  const releases = examineReleases(settings);
  const safely = (subject: string, check: Promise<Finding[]>): Promise<Finding[]> =>
    check.catch((error: unknown) => [wrong(subject, `the check itself failed: ${wordsOf(error)}`)]);
  const signers = options.signers?.(settings) ?? Promise.resolve(settings.signers);
  const looks = nodesOf(settings).map(async (node): Promise<NodeLook> => {
    const helper = helpersOf(settings.fleet, settings.hosts, await signers);
    const largest = isAskedChecks(fleet, node.name) ? (await releases).largest : null;
    const parts = { service: serviceOf(fleet, node.name), shell, probe, now, helper, largest };
    return examineNode(node, parts).catch((error: unknown) => ({
      node: node.name,
      problems: [`the check itself failed: ${wordsOf(error)}`],
      portrait: '',
    }));
  });
  const units = (fleet.services ?? [fleet]).map(({ service }) => service.unit);
  const checks = [
    Promise.resolve([right('settings', summaryOf(settings))]),
    Promise.resolve(examineNative()),
    safely(
      'redis',
      whereStateLies(settings, (stateDir) => examineRedis(settings.redis, stateDir)),
    ),
    safely('state', examineState(settings)),
    safely('slack', examineSlack(settings.slack, now)),
    safely(
      'releases',
      releases.then(({ findings }) => findings),
    ),
    safely('alerts', examineAlerts(settings, createAlerting(settings.alerts))),
    safely(
      'proven',
      releases.then(({ newest }) => proofOf(settings, known, options, newest)),
    ),
    safely(
      'versions',
      releases.then(({ newest }) => examineCompatibility(settings, newest, inventory)),
    ),
    safely('balancers', examineBalancers(settings, balancersOf(settings, shell), throughBalancers(settings))),
    safely('database', examineDatabase(settings, migrated, now)),
    safely('checks', examineChecks(settings, askOf(settings, shell, probe, now))),
    safely(
      'nodes',
      Promise.all(looks).then((all) =>
        units.flatMap((unit) =>
          tellNodes(
            all.filter(({ node }) => serviceOf(fleet, node).unit === unit),
            { hosts: settings.hosts, healthUrls: settings.healthUrls, unit },
          ),
        ),
      ),
    ),
  ];
  return { checks, close: () => shell.close() };
}

/** The doctor's own clock tells the time alone: what waits, waits for real. */
const clockOf = (now: () => number): Clock => ({
  now,
  monotonic: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, { ...(signal ? { signal } : {}), ref: false }),
});

function askOf(
  { fleet }: Settings,
  shell: ReturnType<typeof createShell>,
  probe: ReturnType<typeof createProbe>,
  now: () => number,
): AskChecks | null {
  const { service, checks = [] } = fleet;
  if (checks.length === 0) return null;
  const clock = clockOf(now);
  const ask = createChecks({ checks, service, shell, probe, fetch: fetchOnce, database: createDatabase(shell), clock });
  return async (node, place, signal) => (isAskedChecks(fleet, node) ? ask(node, place, signal) : []);
}

function balancersOf({ balancers, fleet }: Settings, shell: ReturnType<typeof createShell>) {
  return (region: string): BalancerPlace => {
    const balancer = balancers[region];
    if (balancer === undefined) throw new Error(`${region} has no balancer`);
    return createBalancer({ balancer, fleet: fleet.name, region, shell, timeoutMs: fleet.policy.commandTimeout });
  };
}

/** Health as clients see it, by region. */
const throughBalancers = ({ balancers }: Settings) =>
  createProbe(Object.fromEntries(Object.entries(balancers).map(([region, { probe }]) => [region, probe])));

function summaryOf(settings: Settings): string {
  const { name, regions } = settings.fleet;
  return `${settings.file}: fleet ${name}, ${nodesOf(settings).length} nodes in ${regions.map((region) => region.name).join(', ')}`;
}
