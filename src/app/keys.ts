import { keyOf } from './belief.ts';
import type { End } from './cli/exit.ts';
import { settings } from './open.ts';

/** What belongs under `keys` in the settings of every machine that works for the fleet. */
export async function printKeys(): Promise<End> {
  const own = settings();
  const [bot, worker] = [await keyOf(own, 'bot'), await keyOf(own, 'worker')];
  console.log(`keys:\n  bot:\n    - ${bot.public}\n  worker:\n    - ${worker.public}`);
  return 'done';
}
