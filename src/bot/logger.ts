import { LogLevel, type Logger as SlackLogger } from '@slack/bolt';
import type { Logger } from 'pino';

/** Told already, in one line and with what to do, by whoever made the call. */
const told = /^(?:Failed to retrieve a new WSS URL|http request failed)/;

/**
 * Bolt's log through ours. Debug output is dropped whatever is asked for: at that level the libraries log whole
 * payloads, among them what people typed and addresses that answer for them.
 */
export function slackLogger(log: Logger): SlackLogger {
  const child = log.child({ part: 'slack' });
  const line = (words: unknown[]) =>
    words.map((word) => (word instanceof Error ? word.message : String(word))).join(' ');
  return {
    debug: () => undefined,
    info: (...words: unknown[]) => child.info(line(words)),
    warn: (...words: unknown[]) => told.test(line(words)) || child.warn(line(words)),
    error: (...words: unknown[]) => told.test(line(words)) || child.error(line(words)),
    setLevel: () => undefined,
    getLevel: () => LogLevel.INFO,
    setName: () => undefined,
  };
}
