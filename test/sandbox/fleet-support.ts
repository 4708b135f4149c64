import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll } from 'vitest';
import { type FleetOptions, type SimulatedFleet, startFleet } from '../../sandbox/fleet/fleet.ts';
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
