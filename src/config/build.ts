import { join } from 'node:path';
import { Bug } from '../base/errors.ts';
import { siblingName } from '../base/sibling.ts';
import type { Signer } from '../trust/index.ts';
import type { Balancer } from '../upgrade/balancer/index.ts';
import type { Check } from '../upgrade/checks/types.ts';
import type { Row } from '../upgrade/compatibility/index.ts';
import type { AlertSource, InventorySource, Question } from '../upgrade/http/types.ts';
import type { Fleet, Item, Region } from '../upgrade/rollout/types.ts';
import type { Host } from '../upgrade/ssh/types.ts';
import { freezeIn } from './calendars.ts';
import { checkFrom, type WrittenCheck } from './node-checks.ts';
import type { Absolute } from './paths.ts';
import type { Written, WrittenBalancer } from './schema.ts';
import type { Secrets } from './secrets.ts';
import { serviceFrom } from './service.ts';
import { byNode, profilesFrom, regionsOf } from './siblings.ts';
import type { Settings } from './types.ts';

export interface Origin {
  /** Absolute path of the settings file. */
  file: string;
  env: NodeJS.ProcessEnv;
  absolute: Absolute;
}

/** SSH access by name, of the nodes and of what else there is. */
export interface Reached {
  nodes: Record<string, Host>;
  others: Record<string, Host>;
}

/** Puts together what was parsed and found sound. */
export function build(written: Written, { nodes: hosts, others }: Reached, secrets: Secrets, origin: Origin): Settings {
  const { absolute, file } = origin;
  const { releases } = written;
  const place = written.notices?.webhook ?? null;
  const webhook = place === null ? null : { ...place, token: secrets.noticeToken };
  const places = written.regions.map((region) => regionFrom(region, written));
  const profiles = written.services ? profilesFrom(written.services) : null;
  const [first] = profiles ?? [];
  return {
    file,
    fleet: {
      name: written.fleet,
      service: first?.service ?? serviceFrom(written.service),
      ...(profiles === null ? {} : { services: profiles }),
      regions: profiles === null ? places : regionsOf(profiles, places),
      policy: written.policy,
      drift: { at: written.drift.at ?? null, snooze: written.drift.snooze },
      aftercare: {
        watch: written.aftercare.watch ?? null,
        every: written.aftercare.every,
        stable: written.aftercare.stable ?? null,
        keep: written.aftercare.keep,
      },
      audiences: webhook === null ? [] : [webhook.name],
      ...databaseFrom(written),
      ...(written.compatibility ? { compatibility: written.compatibility.map(rowFrom) } : {}),
      ...checklistsFrom(written.checklists),
      ...(written.config ? { config: rulesFrom(written.config, absolute) } : {}),
      ...(written.checks ? { checks: checksFrom(written.checks, written, hosts) } : {}),
      ...(written.checks?.some((each) => each.compare) ? { compare: written.compare } : {}),
    },
    hosts:
      profiles === null
        ? hosts
        : byNode(profiles, (host, _, name) => ({ ...hostNamed(hosts, host), name }), Object.keys(hosts)),
    signers: written.ssh.signers,
    healthUrls: healthUrls(written, hosts),
    besideUrls: besideUrls(written, hosts),
    alerts: alertsFrom(written.alerts),
    proven: provenFrom(written.proven, absolute),
    inventory: inventoryFrom(written, hosts),
    webhook,
    releases: {
      ...(releases.url === undefined ? { directory: absolute(releases.directory ?? '') } : { url: releases.url }),
      signers: signersFrom(releases.signers),
      unsigned: releases.unsigned,
    },
    build: written.build ? buildingFrom(written.build, others) : null,
    database: migratingFrom(written, others),
    balancers: balancersFrom(written),
    balancerHosts: balancerHostsOf(written, others),
    slack: {
      channel: written.channel,
      team: written.team ?? null,
      botToken: secrets.botToken,
      appToken: secrets.appToken,
      apiUrl: secrets.apiUrl,
    },
    keys: written.keys ?? null,
    redis: secrets.redis,
    metrics: secrets.metricsListen ?? written.metrics?.listen ?? null,
    retention: written.retention,
    sealKey: secrets.sealKey,
    stateDir: absolute(written.stateDir),
    stopFile: written.stopFile === undefined ? join(absolute(written.stateDir), 'STOP') : absolute(written.stopFile),
    people: written.people,
    approvals: written.approvals,
    roles: written.roles,
  };
}

function provenFrom(written: Written['proven'], absolute: Absolute): Settings['proven'] {
  if (!written) return null;
  const { journal = null, keys = null, within = null } = written;
  return { ...written, journal: journal === null ? null : absolute(journal), keys, within };
}

/** `local` is no host. */
function buildingFrom(
  { on, repository, command, network, signedBy = null, limit, memory }: NonNullable<Written['build']>,
  hosts: Record<string, Host>,
): Settings['build'] {
  const signers = signedBy === null ? null : signersFrom(signedBy);
  return { host: hosts[on] ?? null, repository, command, network, signedBy: signers, limit, memory };
}

function databaseFrom(written: Written): Pick<Settings['fleet'], 'database'> {
  const { database, regions } = written;
  if (!database) return {};
  const { approvers, needed, limit, backup, region = regions[0]?.name ?? '' } = database;
  const { users, groups } = approvers;
  // Of several services the first is the one that works with the database.
  const rules = { region: askedName(region, written), approvers: { users, groups }, needed, limit };
  return { database: { ...rules, maxAge: backup.maxAge, attest: backup.attest } };
}

/** What is wrong with it is told by `databaseProblems`. */
function migratingFrom({ database, build }: Written, hosts: Record<string, Host>): Settings['database'] {
  const host = hosts[database?.on ?? ''];
  if (!database || !build || host === undefined) return null;
  const { env, folder, prepare = null, status = null, before, after = null, query, version, backup, limit } = database;
  const { repository, signedBy = null } = build;
  return {
    ...{ host, env, folder, prepare, status, before, after, query, version, limit, repository },
    backup: { command: backup.command ?? null, maxAge: backup.maxAge },
    signedBy: signedBy === null ? null : signersFrom(signedBy),
  };
}

function balancersFrom({ regions }: Written): Settings['balancers'] {
  return Object.fromEntries(
    regions.flatMap(({ name, balancer }) => (balancer ? [[name, balancerFrom(balancer)]] : [])),
  );
}

function balancerFrom(written: WrittenBalancer): Balancer {
  const { hosts, probe, drain } = written;
  const all = { hosts, probe, drain };
  switch (written.kind) {
    case 'haproxy': {
      const { backend = '', socket = '/run/haproxy/admin.sock', config = '/etc/haproxy/haproxy.cfg' } = written;
      const stateFile = written.stateFile === undefined ? '/var/lib/haproxy/state' : written.stateFile;
      return { kind: 'haproxy', ...all, backend, socket, stateFile, config };
    }
    case 'nginx': {
      const { file = '', config = '/etc/nginx/nginx.conf', pidFile = '/run/nginx.pid' } = written;
      return { kind: 'nginx', ...all, file, config, pidFile };
    }
    case 'command': {
      const { show = [], apply = [] } = written;
      return { kind: 'command', ...all, show, apply };
    }
  }
}

function balancerHostsOf({ regions }: Written, hosts: Record<string, Host>): Record<string, Host> {
  const names = new Set(regions.flatMap(({ balancer }) => balancer?.hosts ?? []));
  return Object.fromEntries(Object.entries(hosts).filter(([name]) => names.has(name)));
}

/** A person may have several keys. */
function signersFrom(written: Written['releases']['signers']): Signer[] {
  const names = [...new Set(written.map(({ name }) => name))];
  return names.map((name) => ({ name, keys: written.filter((each) => each.name === name).map(({ key }) => key) }));
}

function alertsFrom(alerts: Written['alerts']): AlertSource | null {
  const { alertmanager, matchers, url } = alerts ?? { matchers: [] };
  if (alertmanager !== undefined) return { alertmanager, matchers };
  return url === undefined ? null : { url };
}

function regionFrom(region: Written['regions'][number], { freezes }: Written): Region {
  const { name, zone, windows, approvers } = region;
  const concerned = freezes.filter((freeze) => freeze.region === undefined || freeze.region === name);
  return {
    name,
    calendar: { zone, windows, freezes: [...region.freezes, ...concerned].map((freeze) => freezeIn(freeze, zone)) },
    approvers: { users: approvers.users, groups: approvers.groups },
    needed: approvers.needed,
    nodes: region.nodes.map((node) => ({ name: node.name, region: name })),
    ...(region.balancer ? { balanced: true as const } : {}),
  };
}

const hostNamed = (hosts: Record<string, Host>, name: string): Host => {
  const host = hosts[name];
  if (host === undefined) throw new Bug(`no host ${name}`);
  return host;
};

/** An address that a node has of its own is that of the first service. */
function healthUrls({ regions, health, services }: Written, hosts: Record<string, Host>): Record<string, string> {
  const nodes = regions.flatMap((region) => region.nodes);
  const urlOf = (name: string, pattern: string, isFirst: boolean): string =>
    (isFirst ? nodes.find((node) => node.name === name)?.healthUrl : undefined) ?? filled(pattern, name, hosts);
  if (!services) return Object.fromEntries(nodes.map(({ name }) => [name, urlOf(name, health, true)]));
  const profiles = profilesFrom(services);
  const of = (host: string, key: string): string =>
    urlOf(host, services[key]?.health ?? health, key === profiles[0]?.key);
  return byNode(
    profiles,
    of,
    nodes.map(({ name }) => name),
  );
}

/** What is asked of nodes is asked of the first service, which also is the one that the database is migrated for. */
function askedName(name: string, { services }: Written): string {
  const [first] = services ? profilesFrom(services) : [];
  return first === undefined ? name : siblingName(name, first.key);
}

function besideUrls(written: Written, hosts: Record<string, Host>): Record<string, string> {
  const { slots } = written.service;
  if (slots == null) return {};
  const nodes = written.regions.flatMap((region) => region.nodes);
  const first = healthUrls(written, hosts);
  return Object.fromEntries(
    nodes.map(({ name, besideUrl }) => [name, besideUrl ?? withPort(first[name] ?? '', slots.port)]),
  );
}

function withPort(url: string, port: number): string {
  const changed = new URL(url);
  changed.port = String(port);
  return changed.href;
}

/** An address with those of a node in it. */
function filled(pattern: string, name: string, hosts: Record<string, Host>): string {
  const address = hosts[name]?.address ?? name;
  const inUrl = address.includes(':') ? `[${address}]` : address;
  return pattern.replaceAll('{address}', inUrl).replaceAll('{name}', name);
}

function rulesFrom(
  { secret, values = {}, files = null, changes }: NonNullable<Written['config']>,
  absolute: Absolute,
): NonNullable<Fleet['config']> {
  return {
    ...{ secret, values },
    files: files === null ? null : absolute(files),
    changes: changes.map(({ version, set = {}, unset, rename = {}, ensure = {} }) => ({
      ...{ version, set, unset, rename, ensure },
      expect: {},
    })),
  };
}

/** Lists without an item are none. */
function checklistsFrom(written: Written['checklists']): Pick<Settings['fleet'], 'checklists'> {
  const { before = [], during = [], after = [] } = written ?? {};
  if (before.length + during.length + after.length === 0) return {};
  return { checklists: { before: before.map(itemFrom), during: during.map(itemFrom), after: after.map(itemFrom) } };
}

const itemFrom = ({ text, check }: NonNullable<Written['checklists']>['before'][number]): Item =>
  check === undefined ? { text } : { text, check };

function rowFrom(written: NonNullable<Written['compatibility']>[number]): Row {
  const { operator, agent = null, schema = null, from = null, before = null, after = null } = written;
  return { operator, agent, schema, from, before, after };
}

/** Where something is asked for: a path on each node's health address, or a URL. */
function urlsFor(get: string, written: Written, hosts: Record<string, Host>): Record<string, string> {
  const health = healthUrls(written, hosts);
  const urlOf = (region: string, name: string): string => {
    const url = filled(get.replaceAll('{region}', region), name, hosts);
    return url.startsWith('/') ? new URL(url, health[askedName(name, written)]).href : url;
  };
  const all = written.regions.flatMap(({ name: region, nodes }) =>
    nodes.map(({ name }) => [askedName(name, written), urlOf(region, name)]),
  );
  return Object.fromEntries(all);
}

const checksFrom = (checks: WrittenCheck[], written: Written, hosts: Record<string, Host>): Check[] =>
  checks.map((check) => checkFrom(check, (get) => urlsFor(get, written, hosts)));

function inventoryFrom(written: Written, hosts: Record<string, Host>): InventorySource | null {
  const { agent = null, schema = null } = written.inventory ?? {};
  if (agent === null && schema === null) return null;
  const question = (asked: typeof agent): Question | null =>
    asked === null ? null : { select: asked.select, urls: urlsFor(asked.get, written, hosts) };
  return { agents: question(agent), schema: question(schema) };
}
