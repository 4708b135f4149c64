import { isMeantBy, placeOf } from '../base/sibling.ts';
import type { Settings } from '../config/index.ts';
import { type End, Ended } from './cli/exit.ts';
import { live } from './cli/live.ts';
import type { Read } from './cli/read.ts';
import type { Role as Word } from './cli/words.ts';
import { createLog } from './log.ts';
import { openServed, served } from './open.ts';
import { closeRuntimes, type Role, showSignOfLife, startBotRole, startMetricsRole, startWorkerRole } from './wiring.ts';

export async function run(name: Exclude<Word, 'sandbox'>, read: Read): Promise<End> {
  switch (name) {
    case 'all':
      return role(['bot', 'worker'], null);
    case 'bot':
      return role(['bot'], null);
    case 'worker':
      return role(['worker'], read.values.get('region') ?? null);
  }
}

async function role(which: ('bot' | 'worker')[], regions: string[] | null): Promise<End> {
  await live((asked) => start(which, regions, asked), { signals: ['SIGINT', 'SIGTERM'] });
  return 'done';
}

async function start(
  which: ('bot' | 'worker')[],
  regions: string[] | null,
  asked: AbortSignal,
): Promise<Role & { lost: Promise<never> }> {
  let lost: Promise<never> = new Promise(() => undefined);
  const log = createLog(which.join('+'));
  const fleets = served();
  if (regions !== null) refuseUnknown(regions, fleets.own);
  const runtimes = await openServed(fleets, log, which);
  const started: Role[] = [];
  const close = async () => {
    await Promise.allSettled(started.map((each) => each.close()));
    await closeRuntimes(runtimes);
  };
  try {
    const watched = await startMetricsRole(runtimes);
    if (watched !== null) started.push(watched);
    asked.throwIfAborted();
    if (which.includes('worker')) {
      for (const runtime of runtimes) {
        const own = regionsOf(runtime.settings, regions);
        // Of a fleet that has none of the named regions this process is no worker.
        if (own?.length === 0) continue;
        started.push(await startWorkerRole(runtime, own));
        log.info({ ready: 'worker', fleet: runtime.settings.fleet.name }, 'ready');
        asked.throwIfAborted();
      }
    }
    asked.throwIfAborted();
    if (which.includes('bot')) {
      const bot = await startBotRole(runtimes);
      started.push(bot);
      const ready = bot.connected.then(() => {
        for (const { settings } of runtimes) log.info({ ready: 'bot', fleet: settings.fleet.name }, 'ready');
      });
      lost = ready.then(() => new Promise<never>(() => undefined));
    }
    started.push(...runtimes.map((each) => showSignOfLife(each, which.join('-'))));
  } catch (error) {
    await close();
    throw error;
  }
  return { close, lost };
}

/** A region may be named by its place, for all services there. */
const regionsOf = ({ fleet }: Settings, named: string[] | null): string[] | null =>
  named?.filter((name) => fleet.regions.some((region) => isMeantBy(region.name, name))) ?? null;

function refuseUnknown(named: string[], fleets: readonly Settings[]): void {
  const names = fleets.flatMap(({ fleet }) => fleet.regions.map(({ name }) => name));
  const known = [...new Set([...names.map(placeOf), ...names])];
  const unknown = named.filter((name) => !known.includes(name));
  const who = fleets.length === 1 ? 'the fleet has' : 'the fleets have';
  if (unknown.length > 0) throw new Ended('usage', `--region ${unknown.join(', ')}: ${who} ${known.join(', ')}`);
}
