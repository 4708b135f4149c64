import { placeOf } from '../base/sibling.ts';
import { type End, Ended } from './cli/exit.ts';
import { live } from './cli/live.ts';
import type { Read } from './cli/read.ts';
import type { Role as Word } from './cli/words.ts';
import { createLog } from './log.ts';
import { openOwnRuntime, settings } from './open.ts';
import { closeRuntime, type Role, showSignOfLife, startBotRole, startMetricsRole, startWorkerRole } from './wiring.ts';

export async function run(name: Exclude<Word, 'sandbox'>, read: Read): Promise<End> {
  switch (name) {
    case 'all':
      return role(['bot', 'worker'], null);
    case 'bot':
      return role(['bot'], null);
    case 'worker':
      return role(['worker'], regionsIn(read));
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
  const runtime = await openOwnRuntime(settings(), log, which);
  const started: Role[] = [];
  const close = async () => {
    await Promise.allSettled(started.map((each) => each.close()));
    await closeRuntime(runtime);
  };
  const fleet = runtime.settings.fleet.name;
  try {
    const watched = await startMetricsRole(runtime);
    if (watched !== null) started.push(watched);
    asked.throwIfAborted();
    if (which.includes('worker')) {
      started.push(await startWorkerRole(runtime, regions));
      log.info({ ready: 'worker', fleet }, 'ready');
    }
    asked.throwIfAborted();
    if (which.includes('bot')) {
      const bot = await startBotRole(runtime);
      started.push(bot);
      const ready = bot.connected.then(() => log.info({ ready: 'bot', fleet }, 'ready'));
      lost = ready.then(() => new Promise<never>(() => undefined));
    }
    started.push(showSignOfLife(runtime, which.join('-')));
  } catch (error) {
    await close();
    throw error;
  }
  return { close, lost };
}

function regionsIn({ values }: Read): string[] | null {
  const named = values.get('region') ?? null;
  const names = settings().fleet.regions.map(({ name }) => name);
  const known = [...new Set([...names.map(placeOf), ...names])];
  const unknown = named?.filter((name) => !known.includes(name)) ?? [];
  if (unknown.length > 0) throw new Ended('usage', `--region ${unknown.join(', ')}: the fleet has ${known.join(', ')}`);
  return named;
}
