import { last, type Said } from './answer.ts';

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

export interface Space {
  device: string;
  freeBytes: number;
  /** null where the file system does not count them. */
  freeInodes: number | null;
}

/** A node as it was seen, read from the answer of `observe`. Hashes are null when there is nothing to hash. */
export interface Observation {
  unit: UnitFacts;
  image: string | null;
  disk: string | null;
  env: string | null;
  staged: string | null;
  epoch: number;
  machine: string;
  writable: boolean;
  space: Partial<Record<string, Space>>;
  /** What the binary printed when it was asked for its version, with `exit N` as the last line. */
  version: string[];
}

/** The lines `Property=value` of `systemctl show`. A property that is missing counts as unknown, not as bad. */
export function readUnit(lines: string[]): UnitFacts {
  const facts = new Map(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
  const number = (key: string) => Number(facts.get(key) || 0);
  return {
    loaded: (facts.get('LoadState') ?? 'loaded') !== 'not-found',
    active: facts.get('ActiveState') ?? 'unknown',
    sub: facts.get('SubState') ?? 'unknown',
    result: facts.get('Result') ?? 'success',
    exitStatus: number('ExecMainStatus'),
    mainPid: number('MainPID'),
    invocation: facts.get('InvocationID') ?? '',
    restarts: number('NRestarts'),
  };
}

export function readSpace(lines: string[]): Partial<Record<string, Space>> {
  const space: Partial<Record<string, Space>> = {};
  for (const line of lines) {
    const [label = '', device = '', blocks, size, free, all] = line.split(' ');
    space[label] = {
      device,
      freeBytes: Number(blocks) * Number(size),
      freeInodes: Number(all) === 0 ? null : Number(free),
    };
  }
  return space;
}

export function readObservation(said: Said): Observation {
  return {
    unit: readUnit(said.get('unit') ?? []),
    image: last(said, 'image'),
    disk: last(said, 'disk'),
    env: last(said, 'env'),
    staged: last(said, 'staged'),
    epoch: Number(last(said, 'epoch') ?? 0),
    machine: last(said, 'machine') ?? '',
    writable: last(said, 'writable') === 'yes',
    space: readSpace(said.get('space') ?? []),
    version: said.get('version') ?? [],
  };
}
