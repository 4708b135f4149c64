import { setTimeout as pause } from 'node:timers/promises';
import type { WebClient } from '@slack/web-api';
import type { Logger } from 'pino';
import { troubleWith } from './trouble.ts';

const firstPauseMs = 1_000;
const longestPauseMs = 30_000;

/**
 * Resolves when Slack accepts the bot's token; until then each try leaves one line in the log. Without it a bot whose
 * token was revoked would hear everything and say nothing. Never rejects; stays pending when `closing` comes first.
 */
export async function accepted(client: WebClient, log: Logger, closing: AbortSignal): Promise<void> {
  for (let wait = firstPauseMs; !closing.aborted; wait = Math.min(2 * wait, longestPauseMs)) {
    try {
      await client.auth.test();
      return;
    } catch (error) {
      if (closing.aborted) break;
      log.error({ reason: troubleWith('SLACK_BOT_TOKEN', error) }, 'nothing can be said in Slack; trying again');
      await pause(wait, undefined, { signal: closing, ref: false }).catch(() => undefined);
    }
  }
  await new Promise(() => undefined);
}
