import { keyOf, releaseKey, type Signer } from './belief.ts';
import type { End } from './cli/exit.ts';
import { settings } from './open.ts';

/** What belongs under `keys` in the settings of every machine that works for the fleet; or one line of it. `release`: under `releases.signers`. */
export async function printKeys(only: Signer | 'release' | null): Promise<End> {
  const own = settings();
  if (only === 'release') console.log((await releaseKey(own)).public);
  else if (only !== null) console.log((await keyOf(own, only)).public);
  else {
    const [bot, worker] = [await keyOf(own, 'bot'), await keyOf(own, 'worker')];
    console.log(`keys:\n  bot:\n    - ${bot.public}\n  worker:\n    - ${worker.public}`);
  }
  return 'done';
}
