import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { type End, Ended } from './cli/exit.ts';
import { neverSilent } from './cli/heartbeat.ts';
import { aborted, live } from './cli/live.ts';
import { isTaken, refuseTaken, taken } from './cli/port.ts';
import type { Read } from './cli/read.ts';
import { manifest } from './version.ts';

/** Says a word before anything is loaded, and for every step from there. Loads what is heavy only then. */
export async function sandbox({ values }: Read): Promise<End> {
  const port = portIn(values.get('port')?.[0] ?? process.env.PORT ?? '4000');
  const windows = values.get('windows')?.[0] === 'guide' ? 'guide' : 'always';
  await refuseTaken(port);
  const teller = neverSilent((line) => console.log(line));
  const begin = async (asked: AbortSignal) => {
    teller.say('  The sandbox is starting; from cold, loading alone takes some seconds …');
    try {
      const { startSandbox } = await import('../../sandbox/start.ts');
      return await startSandbox({ port, windows, say: teller.say, asked });
    } catch (error) {
      // Ctrl-C reaches the compiler behind tsx as well, and loading may fail over that before we hear of it.
      await Promise.race([aborted(asked), pause(200)]);
      asked.throwIfAborted();
      if (isMissing(error)) throw new Ended('usage', absent());
      throw isTaken(error) ? taken(port) : error;
    } finally {
      teller.stop();
    }
  };
  // A terminal that is closed sends SIGHUP: it must not leave a Redis and a private key behind either.
  const signals: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  await live(begin, { signals, onAsked: () => console.log('  Ending …') });
  return 'done';
}

/** The image leaves it out, and whoever installs the package the libraries of its page: production does without them. */
function absent(): string {
  const elsewhere = 'in a checkout of the project: npm ci && npm run sandbox';
  if (!existsSync(new URL('../../sandbox/start.js', import.meta.url)))
    return `sandbox: it is not part of this installation; ${elsewhere}`;
  const { devDependencies: known } = manifest();
  const wanted = pageLibraries.map((name) => `${name}@${known[name] ?? 'latest'}`).join(' ');
  return `sandbox: it needs libraries for its page, which production does without; here: npm install ${wanted}; ${elsewhere}`;
}

const pageLibraries = ['react', 'react-dom', 'slack-blocks-to-jsx', 'ws'];

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';

function portIn(written: string): number {
  if (/^\d{1,5}$/.test(written) && Number(written) <= 65_535) return Number(written);
  throw new Ended('usage', `sandbox: --port ${written}: a number up to 65535 is expected`);
}
