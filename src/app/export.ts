import { once } from 'node:events';
import { Refused } from '../base/errors.ts';
import { exportedLine, ledgerLines, lineIn, linesOf, readStored, type Stored, storedIds } from '../jobs/index.ts';
import { type End, Ended } from './cli/exit.ts';
import { stoppable } from './cli/live.ts';
import { createLog } from './log.ts';
import { chosen, openOwnRuntime } from './open.ts';
import { closeRuntime, type Runtime } from './wiring.ts';

/** What the workers write down before they remove it, asked for by a person; nothing is changed. */
export async function exportRollouts(id: string | null, all: boolean): Promise<End> {
  if ((id === null) !== all) throw new Ended('usage', 'export: name one ROLLOUT (see history), or give --all');
  const ended = await stoppable(async (asked): Promise<End> => {
    const runtime = await openOwnRuntime(chosen(), createLog('cli', 'warn'));
    try {
      for await (const line of id === null ? everything(runtime) : one(runtime, id)) {
        if (asked.aborted) return 'interrupted';
        if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain', { signal: asked });
      }
      return 'done';
    } finally {
      await closeRuntime(runtime);
    }
  });
  return ended ?? 'interrupted';
}

async function* one(runtime: Runtime, id: string): AsyncIterable<string> {
  const { redis, clock, settings } = runtime;
  const { fleet } = settings;
  const at = clock.now();
  const stored = await readStored(redis.caller, fleet.name, id);
  if (stored === null) throw new Ended('refused', `There is no rollout ${id}; see history, or stateDir/exports.`);
  yield* linesOf(fleet.name, stored);
  yield* end(runtime, at, { [id]: headOf(stored) });
}

async function* everything(runtime: Runtime): AsyncIterable<string> {
  const { redis, clock, settings } = runtime;
  const { fleet } = settings;
  const at = clock.now();
  const heads: Record<string, string> = {};
  for (const id of await storedIds(redis.caller, fleet.name)) {
    const stored = await readStored(redis.caller, fleet.name, id);
    // Removed while we were at it: it is in the directory of exports.
    if (stored === null) continue;
    heads[id] = headOf(stored);
    yield* linesOf(fleet.name, stored);
  }
  yield* await ledgerLines(redis.caller, fleet.name);
  yield* end(runtime, at, heads);
}

/** Of what was read: a line may have been added since the rollout beside it was. */
const headOf = ({ journal }: Stored): string => lineIn(journal.at(-1) ?? '')?.hash ?? '';

/** What is believed of nobody here is exported all the same, without the line that another fleet would ask for. */
function end({ settings, belief, log }: Runtime, at: number, heads: Record<string, string>): string[] {
  try {
    return [exportedLine(settings.fleet.name, at, heads, belief.notary)];
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    log.warn(`The export is not signed, and proves nothing elsewhere. ${error.message}`);
    return [];
  }
}
