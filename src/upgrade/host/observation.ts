import type { Health } from '../http/types.ts';
import type { Space } from '../rollout/types.ts';
import { last, type Output } from './answer.ts';
import { readVersion } from './version.ts';

/** What systemd says of the unit. */
export interface UnitFacts {
  loaded: boolean;
  active: string;
  sub: string;
  result: string;
  exitStatus: number;
  mainPid: number;
  invocation: string;
  restarts: number;
}

/** A node as it was seen, read from the answer of `observe`. Hashes are null when there is nothing to hash. */
export interface Observation {
  unit: UnitFacts;
  /** systemd said that no process of the service runs. */
  down: boolean;
  image: string | null;
  disk: string | null;
  env: string | null;
  /** It lies there, and is no environment file: empty, or with the zeros that a crash leaves. */
  torn: boolean;
  /** This program put it there, and what runs was started before that. */
  stale: boolean;
  /** The environment file that this program put there and somebody replaced since; what runs may have been started with it. */
  outlived: string | null;
  /** Where symbolic links lead that stand in the place of a file; null for a file. */
  links: { binary: string | null; env: string | null };
  staged: string | null;
  machine: string;
  writable: boolean;
  space: Partial<Record<string, Space>>;
  /** The number of the run that was here last, 0 for none; null when the node did not tell. */
  held: number | null;
  /** What the binary printed when it was asked for its version, with `exit N` as the last line. */
  version: string[];
}

/** A word of systemd or of ours: anything else is a host's own invention, and is not passed on. */
const word = (value: string | null | undefined, otherwise: string) =>
  value && /^[a-z0-9_-]{1,40}$/.test(value) ? value : otherwise;

/** The lines `Property=value` of `systemctl show`. A property that is missing counts as unknown, not as bad. */
export function readUnit(lines: string[]): UnitFacts {
  const facts = new Map(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
  const number = (key: string) => (/^\d{1,15}$/.test(facts.get(key) ?? '') ? Number(facts.get(key)) : 0);
  return {
    loaded: (facts.get('LoadState') ?? 'loaded') !== 'not-found',
    active: word(facts.get('ActiveState'), 'unknown'),
    sub: word(facts.get('SubState'), 'unknown'),
    result: word(facts.get('Result'), 'success'),
    exitStatus: number('ExecMainStatus'),
    mainPid: number('MainPID'),
    invocation: word(facts.get('InvocationID'), ''),
    restarts: number('NRestarts'),
  };
}

/** How a process ended, in words. */
export function ending(unit: UnitFacts): string {
  if (unit.result === 'exit-code') return `exit status ${unit.exitStatus}`;
  if (unit.result === 'success')
    return unit.mainPid > 0 && unit.exitStatus === 0 ? 'running again' : `exit status ${unit.exitStatus}`;
  return unit.result;
}

export function readSpace(lines: string[]): Partial<Record<string, Space>> {
  const space: Partial<Record<string, Space>> = {};
  for (const line of lines) {
    const [label = '', device = '', blocks, size, free, all] = line.split(' ');
    if (!['home', 'binary', 'state'].includes(label)) continue;
    space[label] = {
      device,
      freeBytes: Number(blocks) * Number(size),
      freeInodes: Number(all) === 0 ? null : Number(free),
    };
  }
  return space;
}

/** A hash as a host told it: it becomes part of commands, so anything else counts as none. */
function hash(output: Output, key: string): string | null {
  const value = last(output, key);
  return value !== null && /^[0-9a-f]{64}$/.test(value) ? value : null;
}

/** Twenty digits, of which a number holds sixteen. */
export function numberIn(told: string | null): number | null {
  const number = told !== null && /^\d{1,20}$/.test(told) ? Number(told) : Number.NaN;
  return Number.isSafeInteger(number) ? number : null;
}

export function readObservation(output: Output): Observation {
  const unit = output.get('unit') ?? [];
  const link = (part: string) =>
    output
      .get('link')
      ?.find((line) => line.startsWith(`${part} `))
      ?.slice(part.length + 1) ?? null;
  return {
    unit: readUnit(unit),
    down: unit.includes('MainPID=0'),
    image: hash(output, 'image'),
    disk: hash(output, 'disk'),
    env: hash(output, 'env'),
    torn: last(output, 'torn') === 'env',
    stale: last(output, 'stale') === 'env',
    outlived: hash(output, 'outlived'),
    links: { binary: link('binary'), env: link('env') },
    staged: hash(output, 'staged'),
    machine: word(last(output, 'machine'), ''),
    writable: last(output, 'writable') === 'yes',
    space: readSpace(output.get('space') ?? []),
    held: numberIn(last(output, 'held')),
    version: output.get('version') ?? [],
  };
}

/** What runs, as health says it; else what the file on disk says of itself, when that is what runs or nothing does. */
export function versionOf(seen: Observation, health: Health): string | null {
  if (health.is === 'healthy' && health.version !== null) return health.version;
  if (seen.image !== null && seen.image !== seen.disk) return null;
  const answer = readVersion(seen.version);
  return answer.is === 'version' ? answer.version : null;
}
