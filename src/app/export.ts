import { once } from 'node:events';
import { ledgerLines, linesOf, readStored, storedIds } from '../jobs/index.ts';
import { type End, Ended } from './cli/exit.ts';
import { stoppable } from './cli/live.ts';
import { createLog } from './log.ts';
import { openOwnRuntime, settings } from './open.ts';
import { closeRuntime, type Runtime } from './wiring.ts';

/** What the workers write down before they remove it, asked for by a person; nothing is changed. */
export async function exportRollouts(id: string | null, all: boolean): Promise<End> {
  if ((id === null) !== all) throw new Ended('usage', 'export: name one ROLLOUT (see history), or give --all');
  const ended = await stoppable(async (asked): Promise<End> => {
    const runtime = await openOwnRuntime(settings(), createLog('cli', 'warn'));
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

async function* one({ redis, settings: { fleet } }: Runtime, id: string): AsyncIterable<string> {
  const stored = await readStored(redis.caller, fleet.name, id);
  if (stored === null) throw new Ended('refused', `There is no rollout ${id}; see history, or stateDir/exports.`);
  yield* linesOf(fleet.name, stored);
}

async function* everything({ redis, settings: { fleet } }: Runtime): AsyncIterable<string> {
  for (const id of await storedIds(redis.caller, fleet.name)) {
    const stored = await readStored(redis.caller, fleet.name, id);
    // Removed while we were at it: it is in the directory of exports.
    if (stored !== null) yield* linesOf(fleet.name, stored);
  }
  yield* await ledgerLines(redis.caller, fleet.name);
}
