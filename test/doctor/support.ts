import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { NodeAccess } from '../../sandbox/fleet/fleet.ts';
import { type DoctorOptions, examine } from '../../src/doctor/index.ts';

export const scratch = (): string => mkdtempSync(join(tmpdir(), 'zeitwork-doctor-'));

export interface Written {
  nodes: NodeAccess[];
  releases: string;
  stateDir: string;
  changes?: Record<string, unknown>;
}

/** Writes the settings of a fleet and returns the file's path. */
export function writeSettings({ nodes, releases, stateDir, changes = {} }: Written): string {
  const file = join(stateDir, 'zeitwork.yaml');
  const settings = {
    fleet: 'trial',
    channel: 'C1',
    team: 'T1',
    stateDir,
    releases: { directory: releases, unsigned: 'allowed' },
    service: { owner: 'zeitwork:zeitwork' },
    roles: { requesters: { users: ['U1'] } },
    regions: [...new Set(nodes.map(({ region }) => region))].map((region) => ({
      name: region,
      zone: 'Etc/UTC',
      approvers: { users: ['U2'] },
      nodes: nodes
        .filter((node) => node.region === region)
        .map(({ region: _, keyFile, knownHostsFile, ...node }) => ({
          ...node,
          key: keyFile,
          knownHosts: knownHostsFile,
        })),
    })),
    ...changes,
  };
  writeFileSync(file, stringify(settings));
  return file;
}

/** All lines, by what they begin with: `ok redis`, `FAIL us-east-op-1`. */
export async function examined(file: string, env: NodeJS.ProcessEnv, options?: DoctorOptions) {
  const found: { ok: boolean; line: string }[] = [];
  for await (const each of examine(file, env, options)) found.push(each);
  const about = (subject: string) =>
    found.map(({ line }) => line.replace(/ +/g, ' ')).filter((line) => line.split(' ')[1] === subject);
  return { found, about, ok: found.every(({ ok }) => ok), text: found.map(({ line }) => line).join('\n') };
}
