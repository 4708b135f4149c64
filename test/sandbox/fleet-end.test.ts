import { readdirSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startFleet } from '../../sandbox/fleet/fleet.ts';
import { command, printed, shellTo, until } from './fleet-support.ts';

/** Working directories of all processes of this machine that lie in the folder. */
function processesIn(folder: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readlinkSync(`/proc/${pid}/cwd`)];
      } catch {
        return [];
      }
    })
    .filter((place) => place.startsWith(folder));
}

const refused = (port: number) =>
  new Promise((resolve) => {
    connect(port, '127.0.0.1')
      .on('error', () => resolve(true))
      .on('connect', () => resolve(false));
  });

it('leaves no process, port or pipe behind when it is closed', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'simulated-fleet-'));
  const pipes = () => process.getActiveResourcesInfo().filter((name) => name === 'PipeWrap').length;
  const before = pipes();
  const fleet = await startFleet({ directory, regions: ['us-east'], timeScale: 0.1, probeMs: 1_000 });
  const shell = shellTo(fleet);
  const [node] = fleet.nodes;
  if (!node) throw new Error('the fleet has no node');
  await printed(shell, node.name, 'sleep 300 >/dev/null 2>&1 &');
  const asked = shell.run(node.name, command('sleep 300', { timeoutMs: 400_000 }));
  await until(() => processesIn(directory).length >= 3);
  await fleet.close();
  expect(processesIn(directory)).toEqual([]);
  expect((await asked).is).toBe('lost');
  expect(await refused(node.port)).toBe(true);
  expect(await refused(Number(new URL(node.healthUrl).port))).toBe(true);
  await shell.close();
  await until(() => pipes() <= before);
  await rm(directory, { recursive: true });
});

it('refuses a directory whose path would break scripts', async () => {
  const directory = join(tmpdir(), "it's here");
  await expect(startFleet({ directory })).rejects.toThrow('its path may hold letters');
  await rm(directory, { recursive: true });
});
