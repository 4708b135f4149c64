import type { Logger } from 'pino';
import type { Announcer } from '../jobs/types.ts';
import type { Chat } from './chat.ts';
import { message } from './views/parts.ts';
import { foreign } from './views/text.ts';

export interface AlarmParts {
  chat: Pick<Chat, 'post'>;
  channel: string;
  log: Pick<Logger, 'warn' | 'error'>;
}

/**
 * What the channel must hear although no rollout can be shown: once for each thing that is wrong, whatever stands in Redis.
 * No rollout paints these messages, so they bear no mark by which one could be found to be out of date.
 */
export function createAlarm({ chat, channel, log }: AlarmParts): Pick<Announcer, 'alarm' | 'outrun' | 'refusing'> {
  const told = new Set<string>();
  const post = async (lines: string[]): Promise<void> => {
    const content = message([{ is: 'lines', lines }], 'alarm');
    await chat.post({ channel, thread: null, broadcast: false, content, mark: null });
  };
  const tell = async (what: string, lines: string[], write: () => void): Promise<void> => {
    if (told.has(what)) return;
    told.add(what);
    write();
    await post(lines).catch((error: unknown) => {
      told.delete(what);
      throw error;
    });
  };
  return {
    alarm: (rollout, what) =>
      tell(`${rollout} ${what}`, alarming(rollout, what), () =>
        log.error({ rollout, what }, 'what is stored cannot be believed, nothing is done for it'),
      ),
    outrun: (journal) =>
      tell(journal, outrunning(journal), () =>
        log.warn({ journal }, 'a newer version went on with it: this bot shows and decides nothing there'),
      ),
    async refusing(reason) {
      if (reason !== null)
        return tell(refused, refusing(reason), () => log.error({ reason }, 'the store takes no writes'));
      if (!told.has(refused)) return;
      await post(['✓ The store takes writes again, and what is under way goes on by itself.']);
      told.delete(refused);
    },
  };
}

/** Told anew each time that it happens. */
const refused = 'the store refuses';

const refusing = (reason: string): string[] => [
  `:rotating_light: <!here> *The store takes no writes* (${foreign(reason)}). No further node is begun, and nothing that anybody decides is written down: approve, pause and stop do not count until this is mended.`,
  'Give Redis memory or disk, or lead the program back to a Redis that may be written to. All goes on by itself then; a node that was being changed is looked at first.',
];

function alarming(rollout: string, what: string): string[] {
  const id = foreign(rollout);
  return [
    `:rotating_light: <!here> What is stored about *${id}* is not what was decided and done: ${foreign(what)}. *No node is touched for it.*`,
    `Somebody or something wrote to the store, or it was put back. Look with \`zeitwork audit ${id}\`, and what the nodes really run with \`/zeitwork verify\`. When you know, \`/zeitwork adopt ${id}\` goes on from what was signed.`,
  ];
}

const outrunning = (journal: string): string[] => [
  `‼ <!here> *A newer version of this program went on with ${foreign(journal)}*, and this bot is too old to follow: its messages stand still, and its buttons and commands decide nothing there. Workers of the newer version go on.`,
  'Nothing is wrong with the nodes or the store. Update the bot; it goes on where the workers are. Until then all goes back with `zeitwork rollback all` on a shell of the newer version, and one node with `zeitwork return NODE`.',
];
