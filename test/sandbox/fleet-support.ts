import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll } from 'vitest';
import { type FleetOptions, type SimulatedFleet, startFleet } from '../../sandbox/fleet/fleet.ts';
import type { Release } from '../../src/upgrade/rollout/types.ts';
import { createShell } from '../../src/upgrade/ssh/shell.ts';
import type { Command, Outcome, Shell } from '../../src/upgrade/ssh/types.ts';

export interface Trial {
  fleet: SimulatedFleet;
  shell: Shell;
  directory: string;
}

/** A fleet for all tests of a file, with the product's own shell to it. */
export function fleetOfTrial(options: Omit<FleetOptions, 'directory'>): Trial {
  const trial: Partial<Trial> = {};
  beforeAll(async () => {
    trial.directory = await mkdtemp(join(tmpdir(), 'simulated-fleet-'));
    trial.fleet = await startFleet({ directory: trial.directory, ...options });
    trial.shell = shellTo(trial.fleet);
  });
  afterAll(async () => {
    await trial.shell?.close();
    await trial.fleet?.close();
    if (trial.directory) await rm(trial.directory, { recursive: true, force: true });
  });
  const of = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('the fleet is not started yet');
    return value;
  };
  return {
    get fleet() {
      return of(trial.fleet);
    },
    get shell() {
      return of(trial.shell);
    },
    get directory() {
      return of(trial.directory);
    },
  };
}

export function shellTo(fleet: SimulatedFleet): Shell {
  const hosts = Object.fromEntries(fleet.nodes.map((node) => [node.name, node]));
  return createShell(hosts, { connectTimeoutMs: 1_000, deadlineGraceMs: 500 });
}

export function command(script: string, change: Partial<Command> = {}): Command {
  return { name: 'trial', script, args: [], sudo: true, timeoutMs: 5_000, ...change };
}

/** What a script printed; throws unless it ended well. */
export async function printed(shell: Shell, node: string, script: string, args: string[] = []): Promise<string> {
  const outcome = await shell.run(node, command(script, { args }));
  if (outcome.is !== 'exited' || outcome.code !== 0) throw new Error(`${node}: ${JSON.stringify(outcome)}`);
  return outcome.stdout.trim();
}

/** Asks again until it holds; the test's own time limit ends it otherwise. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await wait(10);
}

export function reasonOf(outcome: Outcome): string {
  return outcome.is === 'unreachable' || outcome.is === 'lost' ? outcome.reason : '';
}

/** What a plan says of an archive of the simulated fleet: its one file begins behind two headers of 512 bytes. */
export async function releaseIn({ releasesDirectory }: SimulatedFleet, version: string): Promise<Release> {
  const archive = `zeitwork-operator-${version}.tar.gz`;
  const bytes = await readFile(join(releasesDirectory, archive));
  const tar = gunzipSync(bytes);
  const binaryBytes = Number.parseInt(tar.toString('latin1', 512 + 124, 512 + 135), 8);
  const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex');
  return {
    version,
    archive,
    archiveSha256: sha256(bytes),
    binarySha256: sha256(tar.subarray(1024, 1024 + binaryBytes)),
    archiveBytes: bytes.length,
    binaryBytes,
    signed: null,
  };
}
