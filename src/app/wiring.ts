import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Clock } from '../base/clock.ts';
import { hour } from '../base/duration.ts';
import { Refused } from '../base/errors.ts';
import { isMeantBy } from '../base/sibling.ts';
import type { BotFleet } from '../bot/app.ts';
import { type CommandContext, ownPeople } from '../bot/context.ts';
import { createLooks } from '../bot/looks.ts';
import { createBuildPlace, createBuildShelf } from '../building/index.ts';
import { readSecretIn, type Settings, SettingsError } from '../config/index.ts';
import type { AskElsewhere, Belief, WorkerParts } from '../jobs/index.ts';
import {
  askingBeside,
  bringOver,
  createCensus,
  createCompatible,
  createControl,
  createElsewhere,
  openRedis,
  type RedisHandle,
  seldom,
  startPublisher,
  startWorker,
  stopFile,
  vouching,
  vouchingForActions,
} from '../jobs/index.ts';
import type { Control } from '../jobs/types.ts';
import type { Meter, RoleName } from '../metrics/index.ts';
import { type Database, databaseOn, withSchemaOf } from '../migrating/index.ts';
import { openShelves, type Shelves } from '../releases/index.ts';
import { here, overThere } from '../running/index.ts';
import { keyId, openSealKey, ownFolder, sealer, sshSignature } from '../trust/index.ts';
import { migrateWith } from '../upgrade/actions/migrate.ts';
import { createBalancer, serverOf } from '../upgrade/balancer/index.ts';
import type { AskChecks, MetricsCheck } from '../upgrade/checks/types.ts';
import { noRules } from '../upgrade/environment/index.ts';
import { helpersOf, orderNamespace } from '../upgrade/host/helper/index.ts';
import {
  createChecks,
  createMeasure,
  diagnoseNode,
  resolverFor,
  seeEnvironment,
  surveyForWork,
  surveyNode,
  surveyWhole,
} from '../upgrade/host/index.ts';
import { createAlerting, createInventory, createProbe, createWebhook, fetchOnce } from '../upgrade/http/index.ts';
import { stillProven } from '../upgrade/proof/index.ts';
import { isAskedChecks, serviceOf } from '../upgrade/rollout/index.ts';
import { createDatabase, createShell } from '../upgrade/ssh/index.ts';
import { seeWayBack, steps, stillSwitched, tidyNode } from '../upgrade/steps/index.ts';
import { openBelief, releaseKey } from './belief.ts';
import { systemClock } from './clock.ts';
import { decisionKey, knownSigners } from './decision-key.ts';
import { neighbour } from './neighbour.ts';
import { version } from './version.ts';

/** What every role needs, of one fleet. */
export interface Runtime {
  settings: Settings;
  /** The settings of every fleet that this process knows of, this one's too. */
  known: readonly Settings[];
  redis: RedisHandle;
  /** With the key that signs what people decide. */
  belief: Belief;
  control: Control & { close(): Promise<void> };
  releases: Shelves;
  /** What the settings want to be proven on another fleet. */
  elsewhere: AskElsewhere;
  clock: Clock;
  log: Logger;
  /** Absent where nobody may ask how this process is. */
  meter?: Meter;
  /** Gives back what was opened to look at another fleet. */
  leave?: () => Promise<void>;
}

/** A role that runs until it is closed. */
export interface Role {
  close(): Promise<void>;
}

export interface OpenOptions {
  clock?: Clock;
  /** That are to run in it, which others may watch; none for whoever only asks or decides something. */
  roles?: readonly RoleName[];
  /** Every fleet of which the settings are here; this one alone when absent. */
  known?: readonly Settings[];
}

export async function openRuntime(settings: Settings, log: Logger, options: OpenOptions = {}): Promise<Runtime> {
  const clock = options.clock ?? systemClock();
  return openWith(
    settings,
    log,
    { ...options, clock, meter: await meterFor([settings], log, clock, options.roles) },
    null,
  );
}

/** Several fleets in one process: one meter, and one connection to the Redis that they share. */
export async function openRuntimes(
  fleets: readonly Settings[],
  log: Logger,
  options: OpenOptions = {},
): Promise<Runtime[]> {
  const clock = options.clock ?? systemClock();
  const meter = await meterFor(fleets, log, clock, options.roles);
  const opened: Runtime[] = [];
  try {
    for (const settings of fleets) {
      const own = fleets.length === 1 ? log : log.child({ fleet: settings.fleet.name });
      const shared =
        settings.redis === null ? null : (opened.find((each) => each.settings.redis !== null)?.redis ?? null);
      opened.push(await openWith(settings, own, { known: fleets, ...options, clock, meter }, shared));
    }
    return opened;
  } catch (error) {
    await closeRuntimes(opened);
    throw error;
  }
}

type Opening = Required<Pick<OpenOptions, 'clock'>> & Pick<OpenOptions, 'known'> & { meter: Meter | undefined };

/** @param shared the Redis that another fleet opened, and closes */
async function openWith(
  settings: Settings,
  log: Logger,
  { clock, known = [settings], meter }: Opening,
  shared: RedisHandle | null,
): Promise<Runtime> {
  await ownFolder(settings.stateDir);
  const redis =
    shared === null
      ? await openRedis(settings.redis, settings.stateDir, meter?.redisFailed)
      : { ...shared, doubts: [], stop: async () => undefined };
  for (const doubt of redis.doubts) log.warn(`Redis: ${doubt}`);
  await bringOver(redis.caller, settings.fleet.name, log).catch(async (error: unknown) => {
    await redis.stop();
    throw error;
  });
  const belief = await openBelief(settings, 'bot', log);
  const control = createControl(redis, settings.fleet.name, belief, clock, log, await orderSigner(settings, log));
  const releases = openShelves(settings.releases, settings.fleet, join(settings.stateDir, 'releases'));
  const near = await neighbour(settings, known, redis, 'bot', log);
  const elsewhere = createElsewhere(settings.proven, clock, near?.store ?? null);
  return {
    elsewhere,
    ...(near === null ? {} : { leave: near.leave }),
    settings,
    known,
    redis,
    belief,
    control,
    releases,
    clock,
    log,
    ...(meter === undefined ? {} : { meter }),
  };
}

/** Nobody counts where nobody may ask. */
async function meterFor(
  fleets: readonly Settings[],
  log: Logger,
  clock: Clock,
  roles: readonly RoleName[] = [],
): Promise<Meter | undefined> {
  if (roles.length === 0 || fleets.every(({ metrics }) => metrics === null)) return undefined;
  const { createMeter } = await import('../metrics/index.ts');
  const complain = seldom(hour, (reason) => log.warn({ reason }, 'something could not be counted'));
  return createMeter({ roles, version: version(), clock, complain });
}

/** Tells whoever asks how this process is, where the settings say so; what it tells of is never kept waiting by it. */
export async function startMetricsRole(fleets: readonly Runtime[]): Promise<(Role & { url(): string | null }) | null> {
  const [first] = fleets;
  const place = fleets.flatMap(({ settings }) => settings.metrics ?? [])[0];
  if (first?.meter === undefined || place === undefined) return null;
  const { startMetrics } = await import('../metrics/index.ts');
  const { meter, clock, log } = first;
  const seesSteps = meter.vitals().roles.includes('worker');
  const watched = fleets.map(({ settings, redis, belief, control }) => {
    const { name: fleet, regions: all } = settings.fleet;
    const regions = all.map(({ name }) => name);
    const { notary } = belief;
    const look = createCensus({ redis: redis.caller, fleet, regions, store: control.store, notary, seesSteps });
    return { fleet, regions, look };
  });
  const callers = [...new Set(fleets.map(({ redis }) => redis.caller))];
  const ping = () => Promise.all(callers.map((each) => each.ping()));
  return startMetrics({ place, meter, ping, fleets: watched, clock, log });
}

/** Orders are signed where some node asks for them; making the key costs nobody else anything. */
async function orderSigner(settings: Settings, log: Pick<Logger, 'warn'>): Promise<((text: string) => string) | null> {
  if (!Object.values(settings.hosts).some(({ become }) => become === 'helper')) return null;
  const key = await decisionKey(settings);
  const signers = await knownSigners(settings);
  if (!signers.some((line) => keyId(line) === key.id)) {
    log.warn(`The nodes take no orders of this program: its key is not among ssh.signers. It is ${key.public}`);
  }
  return (text) => sshSignature(key, orderNamespace, text);
}

export async function closeRuntime({ control, redis, leave }: Runtime): Promise<void> {
  await control.close();
  await leave?.();
  await redis.stop();
}

/** The one that opened a shared Redis closes it, last. */
export async function closeRuntimes(opened: readonly Runtime[]): Promise<void> {
  for (const each of [...opened].reverse()) await closeRuntime(each);
}

/** A file that is written anew while the role lives and reaches its Redis: what a container's health check looks at. */
export function showSignOfLife({ settings, redis, clock }: Runtime, name: string): Role {
  const file = join(settings.stateDir, `alive-${name}`);
  const write = async () => {
    await redis.caller.ping();
    await writeFile(file, `${new Date(clock.now()).toISOString()}\n`);
  };
  const timer = setInterval(() => write().catch(() => undefined), 5_000);
  void write().catch(() => undefined);
  return {
    async close() {
      clearInterval(timer);
      await rm(file, { force: true });
    },
  };
}

/** What the settings ask of every node; null where they ask nothing. */
export function checksOf(
  { fleet, healthUrls }: Settings,
  shell: ReturnType<typeof createShell>,
  clock: Clock,
): AskChecks | null {
  const { service, checks = [] } = fleet;
  if (checks.length === 0) return null;
  const probe = createProbe(healthUrls);
  const ask = createChecks({ checks, service, shell, probe, fetch: fetchOnce, database: createDatabase(shell), clock });
  return async (node, place, signal) => (isAskedChecks(fleet, node) ? ask(node, place, signal) : []);
}

/** What is measured on every node, so that upgraded ones can be held against others; nothing where no check is compared. */
function comparingOf(settings: Settings, clock: Clock): Pick<WorkerParts, 'compare'> {
  const { compare, checks = [] } = settings.fleet;
  if (compare === undefined) return {};
  const own = checks.filter((check): check is MetricsCheck => check.kind === 'metrics' && check.compare === true);
  const measure = createMeasure({ checks: own, compare, fetch: fetchOnce, clock });
  return { compare: { compare, checks: own.map(({ name }) => name), measure } };
}

/** How releases are built, where the settings say so. */
async function buildOf(
  { build, fleet, stateDir, releases }: Settings,
  shell: ReturnType<typeof createShell>,
  clock: Clock,
): Promise<Pick<WorkerParts, 'build'>> {
  if (build === null) return {};
  const { name, service } = fleet;
  const own = join(stateDir, 'build');
  const place = createBuildPlace({
    fleet: name,
    build,
    machine: build.host === null ? here : overThere(shell, build.host.name),
    folders:
      build.host === null
        ? { login: own, root: own }
        : { login: `.zeitwork-builds/${name}`, root: `/var/lib/zeitwork-builds/${name}` },
    member: service.archiveMember,
    versionArgs: service.versionArgs,
  });
  const shelf = createBuildShelf({
    fleet: name,
    directory: 'directory' in releases ? releases.directory : null,
    ...{ signers: releases.signers, unsigned: releases.unsigned, service, build },
    key: await releaseKey({ stateDir }),
    now: () => clock.now(),
  });
  return { build: { place, shelf } };
}

/** Where the database is migrated, where the settings say so. */
function databaseOf(
  { database, fleet }: Settings,
  shell: ReturnType<typeof createShell>,
): (Database & { maxAge: number }) | null {
  if (database === null) return null;
  return { ...databaseOn(fleet.name, database, shell), maxAge: database.backup.maxAge };
}

/** What gives the nodes of each region their clients, where the settings say it. */
function balancingOf({ balancers, fleet, healthUrls, besideUrls }: Settings): Pick<WorkerParts, 'balancing'> {
  const { slots } = fleet.service;
  if (slots === undefined) return {};
  const beside = createProbe(besideUrls);
  const through = createProbe(mapped(balancers, ({ probe }) => probe));
  const green = Object.entries(besideUrls).map(([name, url]) => [serverOf(slots.server, name), portOf(url)]);
  const ports = { ...mapped(healthUrls, portOf), ...Object.fromEntries(green) };
  return {
    balancing(region, shell) {
      const balancer = Object.hasOwn(balancers, region) ? balancers[region] : undefined;
      if (balancer === undefined) return null;
      const known = { balancer, fleet: fleet.name, region, shell, timeoutMs: fleet.policy.commandTimeout };
      const place = createBalancer(known);
      return {
        ...{ place, drain: balancer.drain, beside, ports, through: () => through.health(region) },
        still: (nodes, signal) => stillSwitched(nodes, slots.server, { place, ports }, signal),
      };
    },
  };
}

const mapped = <A, B>(all: Record<string, A>, of: (each: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(all).map(([name, each]) => [name, of(each)]));

function portOf(url: string): number {
  const { port, protocol } = new URL(url);
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
}

/** Advances rollouts and works on the nodes of `regions`; null: of all. */
export async function startWorkerRole(runtime: Runtime, regions: string[] | null): Promise<Role> {
  const { settings, redis, releases, clock, log, meter } = runtime;
  const known = [settings.build?.host, settings.database?.host].flatMap((host) => host ?? []);
  const others = { ...Object.fromEntries(known.map((host) => [host.name, host])), ...settings.balancerHosts };
  const shell = createShell(
    { ...others, ...settings.hosts },
    {
      transferTimeoutMs: settings.fleet.policy.transferTimeout,
    },
  );
  const probe = createProbe(settings.healthUrls);
  const { fleet } = settings;
  const { regions: all, policy } = fleet;
  const named = all.map(({ name }) => name);
  const names = named.filter((name) => regions?.some((word) => isMeantBy(name, word)) ?? true);
  const serviceOn = (node: string) => serviceOf(fleet, node);
  const limit = policy.commandTimeout;
  const helper = helpersOf(settings.fleet, settings.hosts, await knownSigners(settings));
  const closely = (node: string) => ({ service: serviceOn(node), shell, probe, now: () => clock.now(), helper });
  const database = databaseOf(settings, shell);
  const checks = checksOf(settings, shell, clock);
  const rules = settings.fleet.config ?? noRules;
  const resolve = resolverFor(rules, (name) => readSecretIn(rules.files, name));
  const runs = async (node: string) => {
    const health = await probe.health(node);
    return health.is === 'healthy' ? health.version : null;
  };
  const near = await neighbour(settings, runtime.known, redis, 'worker', log);
  const inventory = askingBeside(withSchemaOf(database, createInventory(settings.inventory), clock), { fleet, runs });
  const worker = await startWorker({
    redis,
    belief: await openBelief(settings, 'worker', log),
    fleet: settings.fleet,
    regions: names,
    steps,
    shell,
    probe,
    ...(settings.approvals === 'signed' ? { vouched: vouching(settings.fleet, settings.people, runs) } : {}),
    ...(database === null
      ? {}
      : { database, actions: { migrate: migrateWith(database, { maxAge: database.maxAge }) } }),
    ...(settings.approvals === 'signed' ? { vouchedAction: vouchingForActions(settings.fleet, settings.people) } : {}),
    alerting: createAlerting(settings.alerts),
    elsewhere: createElsewhere(settings.proven, clock, near?.store ?? null),
    compatible: createCompatible(fleet.compatibility, inventory, { fleet, runs }),
    halt: stopFile(settings.stopFile, hostname()),
    archives: (release) => releases.archivePath(release),
    withdrawn: (release) => releases.withdrawn(release),
    stillProven: (node, proof, signal) => stillProven(node, proof, serviceOn(node), shell, limit, signal),
    ...(checks === null ? {} : { checks }),
    ...comparingOf(settings, clock),
    wayBack: (node, question, signal) => seeWayBack(node, question, serviceOn(node), shell, limit, signal),
    tidyNode,
    ...(meter === undefined ? {} : { meter: meter.of(settings.fleet.name) }),
    retention: { keepFor: settings.retention, exports: join(settings.stateDir, 'exports') },
    freezes: (region) => all.find(({ name }) => name === region)?.calendar.freezes ?? [],
    survey: ({ name, region }, signal, whole = false) =>
      (whole ? surveyWhole : surveyNode)(name, region, serviceOn(name), shell, probe, clock, limit, signal),
    surveyForWork: ({ name, region }, signal) => surveyForWork(name, region, closely(name), limit, signal),
    inventory,
    resolve,
    environment: (node, wanted, signal) =>
      seeEnvironment(node, { wanted, resolve, rules }, serviceOn(node), shell, limit, signal),
    ...(await buildOf(settings, shell, clock)),
    ...balancingOf(settings),
    diagnose: ({ name }, signal) =>
      diagnoseNode(name, serviceOn(name), shell, probe, limit, signal, { now: () => clock.now() }),
    clock,
    log,
  });
  meter?.started('worker');
  return {
    async close() {
      await worker.close();
      await near?.leave();
      await shell.close();
    },
  };
}

/**
 * Loads Slack's libraries only here: a worker does without them. Talks to Slack: commands, buttons, and the messages
 * that follow from every rollout. Returns at once; `connected` resolves when Slack lets the bot in.
 */
export async function startBotRole(fleets: readonly Runtime[]): Promise<Role & { connected: Promise<void> }> {
  const [first] = fleets;
  if (first === undefined) throw new Error('a bot of no fleet');
  const { clock, log, meter } = first;
  const { botToken, appToken, apiUrl } = first.settings.slack;
  if (botToken === null || appToken === null) {
    throw new SettingsError('The bot needs SLACK_BOT_TOKEN (xoxb-…) and SLACK_APP_TOKEN (xapp-…); see the README.');
  }
  const { startBot } = await import('../bot/index.ts');
  const team = fleets.flatMap(({ settings }) => settings.slack.team ?? [])[0] ?? null;
  const served = await Promise.all(fleets.map((each) => botFleet(each, fleets)));
  const bot = await startBot({ team, slack: { botToken, appToken, apiUrl }, meter, clock, log }, served);
  const publishers: Role[] = [];
  const close = async () => {
    await Promise.all(publishers.map((each) => each.close()));
    await bot.close();
  };
  try {
    for (const [at, { redis, belief, settings, meter, clock, log }] of fleets.entries()) {
      const fleet = settings.fleet.name;
      const announcer = bot.announcers[at];
      if (announcer === undefined) throw new Error(`nobody announces for ${fleet}`);
      const counts = meter === undefined ? {} : { meter: meter.of(fleet) };
      publishers.push(await startPublisher({ redis, belief, fleet, announcer, ...counts, clock, log }));
    }
  } catch (error) {
    await close();
    throw error;
  }
  meter?.started('bot');
  return {
    connected: bot.connected.catch((error: unknown) => {
      throw error instanceof Refused ? new SettingsError(error.message) : error;
    }),
    close,
  };
}

/** What a bot needs to speak and to hear for a fleet. */
async function botFleet(runtime: Runtime, all: readonly Runtime[]): Promise<BotFleet> {
  const { settings, meter } = runtime;
  const followers = all.filter((each) => each.settings.proven?.fleet === settings.fleet.name);
  const { fleet, webhook, sealKey, stateDir } = settings;
  return {
    ...commandContext(runtime),
    sealer: sealer(sealKey ?? (await openSealKey(join(stateDir, 'seal.key')))),
    promotesTo: followers.map((each) => each.settings.fleet.name),
    ...(meter === undefined ? {} : { meter: meter.of(fleet.name) }),
    ...(webhook === null ? {} : { webhook: createWebhook(webhook) }),
  };
}

/** For commands that come from elsewhere than Slack: nobody is looked up there. */
export function commandContext({
  settings,
  control,
  releases,
  elsewhere,
  clock,
  log,
}: Pick<Runtime, 'settings' | 'releases' | 'elsewhere' | 'clock' | 'log'> & { control: Control }): CommandContext {
  const { fleet, roles, slack, people, approvals } = settings;
  return {
    control,
    fleet,
    releases,
    clock,
    log,
    ...(settings.build === null ? {} : { builds: true as const }),
    access: { channel: slack.channel, approvals, roles },
    sealer: null,
    ...ownPeople(people.map((person) => person.slack)),
    looks: createLooks(() => clock.now()),
    elsewhere,
    names: Object.fromEntries(people.map((person) => [person.slack, person.name])),
    newId: () => `r-${randomBytes(4).toString('hex')}`,
    // A tenth of a second, in which nobody else gets an answer.
    playsUpTo: 40,
  };
}
