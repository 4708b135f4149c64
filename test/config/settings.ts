import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { loadSettings, type Settings, SettingsError } from '../../src/config/index.ts';

/** The shortest settings that are accepted. */
export const shortest = `fleet: zeitwork
channel: C1
releases: { directory: releases }
ssh: { user: ops }
regions:
  - name: eu-west
    zone: Europe/Dublin
    approvers: { users: [U1] }
    nodes:
      - { name: op-1, address: 10.0.0.1 }
      - { name: op-2, address: 10.0.0.2 }
      - { name: op-3, address: 10.0.0.3 }
roles:
  requesters: { users: [U1] }
`;

/** A folder that is gone after the test. */
export function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'settings-'));
  onTestFinished(() => rmSync(made, { recursive: true }));
  return made;
}

/** Loads `yaml` as `zeitwork.yaml` of a new folder, or of `where`. */
export function load(yaml: string, env: NodeJS.ProcessEnv = {}, where = folder()): Settings {
  const file = join(where, 'zeitwork.yaml');
  writeFileSync(file, yaml);
  return loadSettings(file, { HOME: '/home/ana', ...env });
}

/** The lines of the error, with the folder left out; empty when the settings are accepted. */
export function complaints(yaml: string, env: NodeJS.ProcessEnv = {}, where = folder()): string[] {
  try {
    load(yaml, env, where);
    return [];
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return error.message.replaceAll(`${where}/`, '').split('\n');
  }
}

/** `shortest` with one text replaced, which must be in it. */
export function edited(from: string, to: string): string {
  if (!shortest.includes(from)) throw new Error(`"${from}" is not in the shortest settings`);
  return shortest.replace(from, to);
}
