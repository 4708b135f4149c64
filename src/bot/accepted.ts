import { setTimeout as pause } from 'node:timers/promises';
import type { WebClient } from '@slack/web-api';
import type { Logger } from 'pino';
import { Refused } from '../base/errors.ts';
import { troubleWith } from './trouble.ts';
import { pinnedTo, type Workspace } from './workspace.ts';

const firstPauseMs = 1_000;
const longestPauseMs = 30_000;

/**
 * Resolves when Slack accepts the bot's token and says whose it is; until then each try leaves one line in the log.
 * Without it a bot whose token was revoked would hear everything and say nothing. Stays pending when `closing` comes first.
 * @param team that the settings name; null for any
 * @throws Refused when the token belongs to another workspace
 */
export async function accepted(
  client: WebClient,
  team: string | null,
  log: Logger,
  closing: AbortSignal,
): Promise<Workspace> {
  for (let wait = firstPauseMs; !closing.aborted; wait = Math.min(2 * wait, longestPauseMs)) {
    try {
      return pinnedTo(await client.auth.test(), team);
    } catch (error) {
      if (error instanceof Refused) throw error;
      if (closing.aborted) break;
      log.error({ reason: troubleWith('SLACK_BOT_TOKEN', error) }, 'nothing can be said in Slack; trying again');
      await pause(wait, undefined, { signal: closing, ref: false }).catch(() => undefined);
    }
  }
  return new Promise(() => undefined);
}
