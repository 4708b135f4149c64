import type { Logger } from 'pino';
import type { Chat } from './chat.ts';
import { message } from './views/parts.ts';
import { foreign } from './views/text.ts';

export interface AlarmParts {
  chat: Pick<Chat, 'post'>;
  channel: string;
  fleet: string;
  log: Pick<Logger, 'error'>;
}

/** Calls people when what is stored cannot be believed: once for each thing that is wrong, whatever stands in Redis. */
export function createAlarm({
  chat,
  channel,
  fleet,
  log,
}: AlarmParts): (rollout: string, what: string) => Promise<void> {
  const told = new Set<string>();
  return async (rollout, what) => {
    const wrong = `${rollout} ${what}`;
    if (told.has(wrong)) return;
    told.add(wrong);
    log.error({ rollout, what }, 'what is stored cannot be believed, nothing is done for it');
    const content = message([{ is: 'lines', lines: alarming(rollout, what) }], 'alarm');
    const mark = { fleet, rollout, key: 'alarm', revision: 0 };
    await chat.post({ channel, thread: null, broadcast: false, content, mark }).catch((error: unknown) => {
      told.delete(wrong);
      throw error;
    });
  };
}

function alarming(rollout: string, what: string): string[] {
  const id = foreign(rollout);
  return [
    `:rotating_light: <!here> What is stored about *${id}* is not what was decided and done: ${foreign(what)}. *No node is touched for it.*`,
    `Somebody or something wrote to the store, or it was put back. Look with \`zeitwork audit ${id}\`, and what the nodes really run with \`/zeitwork verify\`. When you know, \`/zeitwork adopt ${id}\` goes on from what was signed.`,
  ];
}
