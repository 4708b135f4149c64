import { execFile } from 'node:child_process';
import { chmod, mkdir, realpath, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ssh2 from 'ssh2';
import { faultNamed, faults } from './faults.ts';
import { SimulatedHost } from './host.ts';
import { freshKeyPair } from './keys.ts';
import { layoutIn } from './layout.ts';
import { type Count, Prober, type Sight } from './prober.ts';
import { archiveOf, versions, writeReleases } from './releases.ts';
import { writeShims } from './shims.ts';

export interface FleetOptions {
  /** Everything lies in here and is made anew; the path may hold letters, digits and `/._+@-` only. */
  directory: string;
  /** Default us-east, eu-west, ap-south. */
  regions?: string[];
  /** Default 3. */
  nodesPerRegion?: number;
  /** Installed version at first; default v1.0.0. */
  initial?: string;
  /** ms until systemd restarts a service that died; default 500. */
  restartMs?: number;
  /** Multiplies the durations of the service (healthy after 300 ms, dies after 20 s, …); default 1. */
  timeScale?: number;
  /** ms between two looks of the counter at every node; default 100. */
  probeMs?: number;
  /** How far the clocks of the nodes, and of the counter, are put forward, ms; default 0. */
  ahead?: () => number;
}

export interface NodeAccess {
  name: string;
  region: string;
  address: string;
  port: number;
  user: string;
  keyFile: string;
  knownHostsFile: string;
  healthUrl: string;
  /** Of its second unit. */
  besideUrl?: string;
}

export interface NodeStatus {
  name: string;
  region: string;
  /** What the node says that it runs; while it is down, what ran last. */
  version: string;
  status: Sight['status'];
  /** systemd's ActiveState. */
  unit: string;
}

/** What a page or a test may see of the fleet and do to it. */
export interface FleetSource {
  nodes(): NodeStatus[];
  counter(): Count;
  faults(): { id: string; label: string }[];
  /** Rejects for an unknown node or fault. */
  inject(node: string, fault: string): Promise<void>;
}

export interface SimulatedFleet {
  nodes: NodeAccess[];
  releasesDirectory: string;
  /** File names in it. */
  archives: string[];
  /** Versions for which an archive exists, the faulty ones last. */
  versions: string[];
  service: typeof service;
  source: FleetSource;
  /** How often the service of a node was started, automatic restarts included. */
  starts(node: string): number;
  /** The node's journal as `journalctl` prints it. */
  journal(node: string): string[];
  /** Every node back to the first version on a new disk, nothing broken, counters at zero. */
  reset(): Promise<void>;
  /** Ends every connection, process and timer of the fleet. */
  close(): Promise<void>;
}

/** The service's profile, to be configured as it is. */
export const service = {
  name: 'zeitwork-operator',
  unit: 'zeitwork-operator',
  binary: '/usr/local/bin/zeitwork-operator',
  owner: 'zeitwork:zeitwork',
  mode: '0755',
  envFile: '/etc/zeitwork/operator.env',
  versionArgs: ['--version'],
  archiveMember: 'build/zeitwork-operator',
};

/** Starts nodes that take real SSH, SFTP and HTTP on loopback ports; resolves when all are healthy. */
export async function startFleet(options: FleetOptions): Promise<SimulatedFleet> {
  const directory = await cleanDirectory(options.directory);
  const releasesDirectory = join(directory, 'releases');
  const client = freshKeyPair();
  const hosts = await makeHosts(options, directory, client.public);
  const access = await writeAccess(directory, hosts, client.private);
  const { ahead = () => 0 } = options;
  const prober = new Prober(access, options.probeMs ?? 100, () => Date.now() + ahead());
  const peers = hosts.map((host) => `${host.name}=127.0.0.1`).join(',');
  const hostOf = (name: string): SimulatedHost => {
    const host = hosts.find((candidate) => candidate.name === name);
    if (!host) throw new Error(`"${name}" is no node; there are: ${hosts.map((known) => known.name).join(', ')}`);
    return host;
  };
  const install = async (): Promise<void> => {
    await Promise.all(hosts.map((host) => host.install(peers)));
    await Promise.all(access.map((node) => untilHealthy(prober, node)));
    await prober.start();
  };
  const close = async (): Promise<void> => {
    prober.stop();
    await Promise.all(hosts.map((host) => host.close()));
  };
  await Promise.all([writeReleases(releasesDirectory), install()]).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return {
    nodes: access,
    releasesDirectory,
    archives: versions.map(archiveOf),
    versions,
    service,
    source: {
      nodes: () => hosts.map((host) => statusOf(host, prober.sight(host.name))),
      counter: () => prober.count(),
      faults: () => faults.map(({ id, label }) => ({ id, label })),
      inject: async (node, fault) => hostOf(node).inject(faultNamed(fault)),
    },
    starts: (node) => hostOf(node).journal.starts,
    journal: (node) => hostOf(node).journal.lines(),
    reset: install,
    close,
  };
}

async function cleanDirectory(wanted: string): Promise<string> {
  await mkdir(wanted, { recursive: true });
  const directory = await realpath(wanted);
  if (!/^[\w/.+@-]+$/.test(directory)) {
    throw new Error(`The sandbox cannot live in ${directory}: its path may hold letters, digits and /._+@- only`);
  }
  await rm(join(directory, 'nodes'), { recursive: true, force: true });
  return directory;
}

async function makeHosts(options: FleetOptions, directory: string, clientKey: string): Promise<SimulatedHost[]> {
  const { regions = ['us-east', 'eu-west', 'ap-south'], nodesPerRegion = 3 } = options;
  const allowed = ssh2.utils.parseKey(clientKey);
  if (allowed instanceof Error) throw allowed;
  const names = regions.flatMap((region) =>
    Array.from({ length: nodesPerRegion }, (_, index) => ({ region, name: `${region}-op-${index + 1}` })),
  );
  const oldAgents = new Set<string>();
  const rootOf = (name: string) => join(directory, 'nodes', name);
  await Promise.all(names.map(({ name }) => writeShims(layoutIn(rootOf(name)), name)));
  await promisify(execFile)(
    'mkfifo',
    names.map(({ name }) => layoutIn(rootOf(name)).control),
  );
  return Promise.all(
    names.map(({ name, region }) =>
      SimulatedHost.create({
        name,
        region,
        root: rootOf(name),
        clientKey: allowed,
        initial: options.initial ?? 'v1.0.0',
        restartMs: options.restartMs ?? 500,
        timeScale: options.timeScale ?? 1,
        ahead: options.ahead ?? (() => 0),
        oldAgents,
      }),
    ),
  );
}

/** Writes the client's key and the known hosts. */
async function writeAccess(directory: string, hosts: SimulatedHost[], privateKey: string): Promise<NodeAccess[]> {
  const keyFile = join(directory, 'id_ed25519');
  const knownHostsFile = join(directory, 'known_hosts');
  await writeFile(keyFile, privateKey, { mode: 0o600 });
  await chmod(keyFile, 0o600);
  await writeFile(knownHostsFile, hosts.map((host) => `[127.0.0.1]:${host.sshPort} ${host.hostKey}\n`).join(''));
  return hosts.map(({ name, region, sshPort, healthPort, greenPort }) => ({
    name,
    region,
    address: '127.0.0.1',
    port: sshPort,
    user: 'ops',
    keyFile,
    knownHostsFile,
    healthUrl: `http://127.0.0.1:${healthPort}/health`,
    besideUrl: `http://127.0.0.1:${greenPort}/health`,
  }));
}

/** Not for ever: the first version may be a faulty one. */
async function untilHealthy(prober: Prober, node: NodeAccess): Promise<void> {
  const end = performance.now() + 1_500;
  while (performance.now() < end) {
    if ((await prober.look(node)).status === 'healthy') return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function statusOf({ name, region, unit }: SimulatedHost, sight: Sight): NodeStatus {
  return {
    name,
    region,
    version: sight.version ?? unit.build?.reported ?? 'none',
    status: sight.status,
    unit: unit.state,
  };
}
