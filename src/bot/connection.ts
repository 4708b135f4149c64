import type { SocketModeReceiver } from '@slack/bolt';
import type { Logger } from 'pino';
import { inSeconds } from '../base/duration.ts';
import { type ChatMeter, slackTroubleIn } from './meter.ts';
import { troubleWith } from './trouble.ts';

type SocketClient = SocketModeReceiver['client'];

const firstPauseMs = 500;
const longestPauseMs = 30_000;
/** From opening the socket until Slack says hello. */
const helloMs = 30_000;

/**
 * Keeps a Socket Mode connection open until `close`. The client's own reconnecting must be off: it leaves a rejection
 * unhandled when its last try fails, which ends the process, and after an outage waits far too long.
 */
export function keepConnected(
  client: SocketClient,
  log: Logger,
  meter?: Pick<ChatMeter, 'connected' | 'failed'>,
): { first: Promise<void>; close(): Promise<void> } {
  const state = { closing: false, failures: 0 };
  let connected: () => void = () => undefined;
  const first = new Promise<void>((resolve) => {
    connected = resolve;
  });
  const bell = new Bell();
  client.on('disconnected', () => bell.ring());
  const loop = (async () => {
    while (!state.closing) {
      try {
        bell.reset();
        await hello(client);
        state.failures = 0;
        log.info('connected to Slack');
        connected();
        meter?.connected(true);
        await bell.rung;
        meter?.connected(false);
        if (!state.closing) log.warn('the connection to Slack closed; opening another');
      } catch (error) {
        if (state.closing) break;
        state.failures += 1;
        meter?.failed(slackTroubleIn(error));
        const reason = troubleWith('SLACK_APP_TOKEN', error);
        log.error({ reason, failures: state.failures }, 'cannot hear Slack; trying again');
      }
      const pause = state.failures === 0 ? 0 : Math.min(firstPauseMs * 2 ** (state.failures - 1), longestPauseMs);
      if (!state.closing && pause > 0) await bell.waitAtMost(pause);
    }
  })();
  return {
    first,
    async close() {
      state.closing = true;
      bell.ring();
      await Promise.race([Promise.all([client.disconnect().catch(() => undefined), loop]), after(3_000)]);
    },
  };
}

/** Opens the connection; one that says nothing is given up. */
async function hello(client: SocketClient): Promise<void> {
  const silence = after(helloMs).then(() => 'silent' as const);
  // Rejects with undefined when the socket closes before the hello.
  const started = client.start().then(
    () => 'connected' as const,
    (error: unknown) => Promise.reject(error ?? new Error('the connection closed before Slack said hello')),
  );
  if ((await Promise.race([started, silence])) === 'connected') return;
  started.catch(() => undefined);
  await Promise.race([client.disconnect(), after(3_000)]);
  throw new Error(`Slack did not say hello within ${inSeconds(helloMs)}`);
}

/** Something to wait for that may happen again. */
class Bell {
  rung: Promise<void> = Promise.resolve();
  #ring: () => void = () => undefined;

  constructor() {
    this.reset();
  }

  reset(): void {
    this.rung = new Promise((resolve) => {
      this.#ring = resolve;
    });
  }

  ring(): void {
    this.#ring();
  }

  async waitAtMost(ms: number): Promise<void> {
    this.reset();
    await Promise.race([this.rung, after(ms)]);
  }
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
