import { execFile, spawn } from 'node:child_process';
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Host } from '../../src/upgrade/ssh/types.ts';
import { shown } from './product.ts';

const run = promisify(execFile);
export const scripts = process.env.ZEITWORK_FLEET_SCRIPTS ?? resolve(import.meta.dirname, '../../../shared/fleet');
export const home = process.env.FLEET_HOME ?? '/tmp/fleet';

export interface RealNode {
  name: string;
  region: string;
  address: string;
  port: number;
  user: string;
  keyFile: string;
  knownHostsFile: string;
  healthUrl: string;
}

/** One row of the fleet's own `status`, read on the node itself. */
export interface NodeStatus {
  node: string;
  binary: string;
  sha: string;
  backup: string;
  owner: string;
  unit: string;
  starts: string;
  serves: string;
  health: string;
  tmp: string;
}

/** Why the tests on the real fleet cannot run here; null when they can. */
export function whyNoRealFleet(): string | null {
  if (process.getuid?.() !== 0) return 'the real fleet needs root';
  if (!existsSync(join(scripts, 'up'))) return `the fleet's scripts are not in ${scripts} (set ZEITWORK_FLEET_SCRIPTS)`;
  if (!existsSync(join(home, 'inventory.json'))) return `no fleet is up in ${home}: run ${join(scripts, 'up')}`;
  return null;
}

const knownHosts = join(home, 'known_hosts');

/** The machine that builds, which `up --tools` brings; null where it was not brought. */
export function buildHost(): Host | null {
  const conf = join(home, 'nodes', 'build-1', 'conf');
  const [, address] = existsSync(conf) ? (/\baddress=(\S+)/.exec(readFileSync(conf, 'utf8')) ?? []) : [];
  if (address === undefined) return null;
  const port = Number(process.env.FLEET_SSH_PORT ?? 22);
  const files = { keyFile: join(home, 'id_ed25519'), knownHostsFile: knownHosts };
  return { name: 'build-1', address, port, user: 'ops', ...files };
}

/** The same, brought where it was not; nodes that run are left alone. */
export async function broughtBuildHost(): Promise<Host> {
  if (buildHost() === null) await run(join(scripts, 'up'), ['--tools', '--etc-hosts'], { timeout: 600_000 });
  const host = buildHost();
  if (host === null) throw new Error('the fleet has no build-1, and `up --tools` brought none');
  return host;
}

/** Puts a folder onto a machine, as its login; in the place of what was there. */
export async function copyOnto(machine: string, folder: string, to: string): Promise<void> {
  const ssh = `ssh -F ${quoted(join(home, 'ssh_config'))} ${machine}`;
  const there = quoted(`rm -rf ${to} && mkdir -p ${to} && tar -C ${to} --no-same-owner -xf -`);
  await run('sh', ['-c', `tar -C ${quoted(folder)} -cf - . | ${ssh} ${there}`]);
}
export const releasesDirectory = join(home, 'releases');

/** Puts a release where the product of a test finds it. `from`: a folder of the fleet's releases, as of its faulty builds. */
export function offerRelease(into: string, version: string, from = '.'): void {
  for (const suffix of ['', '.sha256']) {
    const name = `zeitwork-operator-${version}.tar.gz${suffix}`;
    cpSync(join(releasesDirectory, from, name), join(into, name), { preserveTimestamps: false });
  }
}

export function inventory(): RealNode[] {
  const rows: { name: string; region: string; address: string; ssh_port: string; user: string; key: string }[] =
    JSON.parse(readFileSync(join(home, 'inventory.json'), 'utf8'));
  return rows.map(({ name, region, address, ssh_port, user, key }) => ({
    name,
    region,
    address,
    port: Number(ssh_port),
    user,
    keyFile: key,
    knownHostsFile: knownHosts,
    healthUrl: `http://${address}:8080/health`,
  }));
}

/** Why tests do not run here, said aloud; a failure when the fleet was promised by ZEITWORK_FLEET_SCRIPTS. */
export function sayWhyNot(what: string): string | null {
  const reason = whyNoRealFleet();
  if (reason === null) return null;
  if (process.env.ZEITWORK_FLEET_SCRIPTS) throw new Error(`The real fleet was promised, but ${reason}.`);
  console.warn(`${what} are not tried here: ${reason}.`);
  return reason;
}

/**
 * Every node back to v1.0.0 on a new disk. A node's link is not always up in time, and `up` gives up then, with the
 * nodes behind it on their old disks: so it is done again from the start.
 */
/** Who is in it is known only then: what stood there before may have had another size. */
export async function freshFleet({ perRegion = 3, tries = 5 } = {}): Promise<RealNode[]> {
  try {
    const words = ['-n', String(perRegion), '--fresh', '--etc-hosts'];
    await run(join(scripts, 'up'), words, { timeout: 60_000 * perRegion });
    return inventory();
  } catch (error) {
    if (tries <= 1) throw error;
    return freshFleet({ perRegion, tries: tries - 1 });
  }
}

/** Switches on again what was powered off; nodes that run are left alone. */
export async function revive(): Promise<void> {
  await run(join(scripts, 'up'), ['--etc-hosts'], { timeout: 180_000 });
}

export async function fleetStatus(): Promise<NodeStatus[]> {
  const { stdout } = await run(join(scripts, 'status'), ['--json'], { timeout: 300_000, maxBuffer: 16 * 1024 * 1024 });
  return JSON.parse(stdout);
}

/** The version that each node serves, asked over HTTP from here: what is waited for. `fleetStatus` costs a core for seconds. */
export function served(nodes: RealNode[]): Promise<(string | null)[]> {
  const ask = async ({ healthUrl }: RealNode): Promise<string | null> => {
    try {
      const answer = await fetch(healthUrl, { signal: AbortSignal.timeout(5_000), headers: { connection: 'close' } });
      const { version }: { version?: string } = JSON.parse(await answer.text());
      return version ?? null;
    } catch {
      return null;
    }
  };
  return Promise.all(nodes.map(ask));
}

export async function fault(node: string, ...words: string[]): Promise<void> {
  await run(join(scripts, 'fault'), [node, ...words], { timeout: 60_000 });
}

/** A command on the node, as root. */
export async function onNode(node: string, command: string): Promise<string> {
  const { stdout } = await run('ssh', ['-n', '-F', join(home, 'ssh_config'), node, `sudo sh -c ${quoted(command)}`], {
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout;
}

/** Puts a file in the place of another one in one step, as root: what has the old one open keeps it. */
export async function putOnNode(node: string, path: string, content: Buffer, mode = '755'): Promise<void> {
  const command = `cat >${path}.put && chmod ${mode} ${path}.put && mv ${path}.put ${path}`;
  const child = spawn('ssh', ['-F', join(home, 'ssh_config'), node, `sudo sh -c ${quoted(command)}`], {
    stdio: ['pipe', 'inherit', 'pipe'],
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(content);
  const { code, err } = await shown(child);
  if (code !== 0) throw new Error(`${path} was not put on ${node}: ${err}`);
}

/** A shell on the node as root, past its network, its sshd and its sudo. `stdin` is what the command reads. */
export async function inside(node: string, command: string, stdin = ''): Promise<string> {
  const line = `. ${quoted(join(scripts, 'lib.sh'))}; inside ${quoted(node)} sh -c ${quoted(command)}`;
  const child = spawn('bash', ['-c', line], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.on('error', () => undefined);
  child.stdin.end(stdin);
  const { out } = await shown(child);
  return out;
}

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

/** When the service was started on a node, epoch ms, as its own journal tells. */
export async function starts(node: string): Promise<number[]> {
  const lines = await onNode(
    node,
    'journalctl -u zeitwork-operator -o json --no-pager | grep -F "Started zeitwork-operator" || true',
  );
  return lines
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const entry: { __REALTIME_TIMESTAMP: string } = JSON.parse(line);
      return Math.round(Number(entry.__REALTIME_TIMESTAMP) / 1000);
    });
}
