import type { NodeSurvey } from '../rollout/types.ts';
import { forgottenBy } from './forgotten.ts';
import type { Ledger, Left, Snoozed } from './types.ts';

/** What of a node is not as its record says. */
export interface Off {
  is: 'off';
  /** What is not there at all. */
  gone: ('unit' | 'binary' | 'environment')[];
  /** Nothing of the service runs. */
  stopped: boolean;
  /**
   * Where the binary is another one. `memory`: what lies there is the record, and was never restarted into. `disk`: what runs is
   * the record, and the next start would bring up another one. `both`: somebody changed it. null: it is the recorded one.
   */
  binary: 'memory' | 'disk' | 'both' | null;
  /** The environment file: another one, or one where none was; null: it is the recorded one. */
  environment: 'changed' | 'new' | null;
  /** A rollout that changed the node after its record, and was over before it proved it; null: none did. */
  unproven: string | null;
  /** A backup on the node that has the recorded environment file; null: none is seen. */
  kept: string | null;
  /** Another program that the unit starts in the place of the binary: no restart brings up what lies there. */
  starts?: string;
}

/** A node beside its record. What is not known is never called drift. */
export type Compared =
  | { is: 'as-recorded' }
  | Off
  /** No rollout ever left anything proven there, so nobody knows what it is to be. */
  | { is: 'no-record' }
  /** A rollout is at it. */
  | { is: 'busy'; rollout: string }
  | { is: 'unseen'; why: string }
  /** A run that is not known here was there last: the store was emptied, or put back. */
  | { is: 'unknown-run'; run: number };

/** What a comparison rests on, besides what was seen. */
export interface Basis {
  ledger: Pick<Ledger, 'nodes'>;
  /** By node, the open rollout that is at it. */
  busy: Record<string, string>;
  /** By node, the newest rollout that changed it and did not prove it: its id, and when it was over (epoch ms). */
  unproven: Record<string, { rollout: string; at: number }>;
  /** The highest number of a run that is known. */
  known: number;
  /** The service has an environment file. */
  hasEnvironment: boolean;
}

/** @param seen with what lies on the node */
export function compared(seen: NodeSurvey, basis: Basis): Compared {
  const { node, lies, sha256, detail, unit } = seen;
  const rollout = own(basis.busy, node);
  if (rollout !== undefined) return { is: 'busy', rollout };
  const left = own(basis.ledger.nodes, node);
  if (left === undefined) return { is: 'no-record' };
  if (unit === null) return { is: 'unseen', why: detail };
  if (lies === undefined)
    return { is: 'unseen', why: 'what lies there was not told, or changed while it was looked at' };
  const [unknown] = forgottenBy([seen], basis.known);
  if (unknown !== undefined) return { is: 'unknown-run', run: unknown.held };
  if (sha256 === null && unit.startsWith('active/')) return { is: 'unseen', why: 'what runs could not be read' };
  const off = offOf(left, seen, basis);
  return isQuiet(off) ? { is: 'as-recorded' } : off;
}

const own = <T>(all: Record<string, T>, name: string): T | undefined =>
  Object.hasOwn(all, name) ? all[name] : undefined;

const isQuiet = ({ gone, stopped, binary, environment }: Off): boolean =>
  gone.length === 0 && !stopped && binary === null && environment === null;

function offOf(left: Left, { node, sha256, lies }: NodeSurvey, { unproven, hasEnvironment }: Basis): Off {
  const { disk = null, envSha256 = null, noUnit, starts, backups = [] } = lies ?? {};
  const lost = hasEnvironment && left.envSha256 !== null && envSha256 === null;
  const since = own(unproven, node);
  return {
    is: 'off',
    gone: [
      ...(noUnit ? (['unit'] as const) : []),
      ...(disk === null ? (['binary'] as const) : []),
      ...(lost ? (['environment'] as const) : []),
    ],
    stopped: sha256 === null,
    binary: binaryOf(left.sha256, sha256, disk),
    environment: !hasEnvironment || envSha256 === null || envSha256 === left.envSha256 ? null : kindOf(left),
    unproven: since !== undefined && since.at > left.at ? since.rollout : null,
    kept: backups.find((each) => left.envSha256 !== null && each.envSha256 === left.envSha256)?.name ?? null,
    ...(starts === undefined ? {} : { starts }),
  };
}

const kindOf = ({ envSha256 }: Left) => (envSha256 === null ? 'new' : 'changed');

/** @param memory null: nothing runs @param disk null: nothing lies there */
function binaryOf(recorded: string, memory: string | null, disk: string | null): Off['binary'] {
  const [runs, lies] = [memory === null || memory === recorded, disk === null || disk === recorded];
  if (runs && lies) return null;
  if (runs) return 'disk';
  return disk !== null && lies ? 'memory' : 'both';
}

export const isOff = (found: Compared): found is Off => found.is === 'off';

/** One name for exactly what was seen: whoever wants to hear no more of it hears of anything else. */
export function markOf({ unit, sha256, lies }: NodeSurvey): string {
  const { disk = null, envSha256 = null, noUnit = false } = lies ?? {};
  const is = (hash: string | null) => hash ?? '-';
  return [noUnit || unit === null ? 'no-unit' : 'unit', is(sha256), is(disk), is(envSha256)].join(' ');
}

/** Whether people are told of a node that is `as` this (see `markOf`) at `now` (epoch ms). */
export function isToldOf(snoozed: Snoozed | undefined, as: string, now: number): boolean {
  return snoozed === undefined || snoozed.as !== as || snoozed.until <= now;
}
