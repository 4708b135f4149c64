import { redactLines } from '../../base/redact.ts';
import type { Health, Probe } from '../http/types.ts';
import type { Diagnosis, Service } from '../rollout/types.ts';
import type { Shell } from '../ssh/types.ts';
import { last, type Output, read } from './answer.ts';
import * as commands from './commands.ts';
import { diagnosisOf, diagnosisOfSilence, type Place, type Signs } from './diagnosis.ts';
import { lastError, linesOf } from './journal.ts';
import type { Visit } from './look.ts';
import { readSpace, readUnit } from './observation.ts';

/** What is known besides, of a node that is to be diagnosed. */
export interface Beside {
  /** The version that it should run. */
  wanted?: string;
  /** Epoch ms. */
  now?(): number;
}

function signsOf(output: Output, health: Health, clock: number | null, wanted: string | null): Signs {
  const lines = (key: string) => output.get(key) ?? [];
  return {
    health,
    unit: readUnit(lines('unit')),
    properties: [...lines('unit'), ...lines('more')],
    journal: linesOf(lines('journal')),
    listens: lines('listens'),
    file: lines('file')[0] ?? '',
    executable: lines('executable')[0] !== 'no',
    space: readSpace(lines('space')).binary ?? null,
    places: lines('place').flatMap(readPlace),
    running: last(output, 'running'),
    clock,
    wanted,
  };
}

/** `/var 147150 1024 2504 2560 rw`: free blocks, their size, free and all inodes. */
function readPlace(line: string): Place[] {
  const [, path, blocks, size, free, all, mode] =
    /^(\/\S{0,200}) (\d{1,18}) (\d{1,9}) (\d{1,18}) (\d{1,18}) (r[ow])$/.exec(line) ?? [];
  if (path === undefined) return [];
  const freeInodes = Number(all) === 0 ? null : Number(free);
  return [{ path, freeBytes: Number(blocks) * Number(size), freeInodes, readOnly: mode === 'ro' }];
}

/** Seconds by which the node's clock lies outside of the time in which it was asked; null when that is not known. */
function clockAhead(output: Output, from: number | undefined, to: number | undefined): number | null {
  const said = last(output, 'clock');
  if (from === undefined || to === undefined || said === null || !/^\d{9,11}$/.test(said)) return null;
  const at = Number(said);
  const early = Math.floor(from / 1000);
  const late = Math.ceil(to / 1000);
  return at < early ? at - early : at > late ? at - late : 0;
}

/** Kept in the journal of the rollout: more than this would weigh on everybody who reads it. */
const bundleMax = { lines: 150, characters: 16_000 };

/** All that was captured, each part redacted as a whole; of the journal the newest lines, as many as there is room for. */
function bundleOf(output: Output, health: Health): string[] {
  const heard = health.is === 'healthy' ? `healthy ${health.version ?? ''}`.trim() : health.detail;
  const part = (key: string, values: string[]) => redactLines(values).map((line) => `${key}: ${line}`.slice(0, 330));
  const others = [...output]
    .filter(([key]) => key !== 'journal' && key !== 'end')
    .flatMap(([key, values]) => part(key, values));
  const kept = [...part('health', [heard]), ...others].slice(0, bundleMax.lines);
  let left = bundleMax.characters - kept.reduce((sum, line) => sum + line.length, 0);
  const newest: string[] = [];
  for (const line of part('journal', output.get('journal') ?? []).toReversed()) {
    left -= line.length;
    if (left < 0 || kept.length + newest.length >= bundleMax.lines) break;
    newest.unshift(line);
  }
  return [...kept, ...newest];
}

/** What the answer of a node to `diagnose` says. */
export function diagnosisIn(
  output: Output,
  health: Health,
  service: Service,
  clock: number | null,
  wanted: string | null,
): Diagnosis {
  return { ...diagnosisOf(signsOf(output, health, clock, wanted), service), bundle: bundleOf(output, health) };
}

/** Looks for the likely cause of a sick node. Never fails: what cannot be seen is said. Redacted already. */
export async function diagnoseNode(
  node: string,
  service: Service,
  shell: Shell,
  probe: Probe,
  timeoutMs: number,
  signal?: AbortSignal,
  { wanted, now }: Beside = {},
): Promise<Diagnosis> {
  const command = commands.diagnose(service, timeoutMs);
  const health = probe.health(node);
  const from = now?.();
  const answer = read(await shell.run(node, command, signal));
  const to = now?.();
  const heard = await health;
  if (answer.is === 'ok') {
    return diagnosisIn(answer.output, heard, service, clockAhead(answer.output, from, to), wanted ?? null);
  }
  const why = answer.is === 'refused' ? answer.word : answer.reason;
  return diagnosisOfSilence(why, heard.is === 'healthy' ? 'healthy' : heard.detail);
}

/** The newest line of the journal that tells of an error, redacted; null when there is none or it cannot be read. */
export async function lastWords(visit: Visit): Promise<string | null> {
  const { rollout, node, shell, signal } = visit;
  const answer = read(
    await shell.run(node.name, commands.diagnose(rollout.service, rollout.policy.commandTimeout), signal),
  );
  signal.throwIfAborted();
  return answer.is === 'ok' ? lastError(linesOf(answer.output.get('journal') ?? [])) : null;
}
