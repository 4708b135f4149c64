import { hour } from '../base/duration.ts';
import { buildsName } from '../jobs/index.ts';
import type { PostedMessage } from '../jobs/types.ts';
import type { Sealer } from '../trust/index.ts';
import { newestBuild } from '../upgrade/ledger/index.ts';
import { digest } from './announcer.ts';
import type { Chat, OutgoingMessage } from './chat.ts';
import type { CommandContext } from './context.ts';
import { sealedBlocks } from './sealed.ts';
import { type BuildView, buildView } from './views/build.ts';
import { closed } from './views/closing.ts';
import type { Message } from './views/parts.ts';

export interface BuildPostParts extends Pick<CommandContext, 'control' | 'fleet' | 'log'> {
  chat: Chat;
  channel: string;
  sealer: Sealer;
  clock: Pick<CommandContext['clock'], 'now'>;
}

/** Of a post whose fate nobody knows: so far back it is looked for, ms. */
const since = 12 * hour;

/** What should stand there of the build that was asked for last; null when none ever was. */
export async function buildMessage({
  control,
  clock,
}: Pick<BuildPostParts, 'control' | 'clock'>): Promise<(BuildView & { number: number }) | null> {
  const build = newestBuild(await control.ledger.load());
  if (build === null) return null;
  const told = await control.buildTold(build.version, build.number);
  return { number: build.number, ...buildView(build, told, clock.now()) };
}

/**
 * Makes the channel tell of the last build: posts what is missing, edits what changed. Every build has the same places, so there are never more messages to
 * remember than one has; what stood there of the one before loses its buttons.
 */
export function createBuildPost(parts: BuildPostParts): () => Promise<void> {
  const { chat, channel, control, fleet, sealer, clock, log } = parts;
  let tail = Promise.resolve();

  const draw = async (): Promise<void> => {
    const wanted = await buildMessage(parts);
    if (wanted === null) return;
    const { number, main, thread } = wanted;
    const standing = await control.store.posted(buildsName);
    const before = standing.main;
    if (before !== undefined && numberOf(before) !== number) await close(before);
    const ts = await stand('main', number, main, null, before);
    for (const { key, message } of thread) {
      const there = standing[key];
      // What was said in a thread stays as it was.
      if (there !== undefined && numberOf(there) === number && there.ts !== '') continue;
      await stand(key, number, message, ts, there);
    }
  };

  async function stand(
    key: string,
    number: number,
    message: Message,
    thread: string | null,
    there: PostedMessage | undefined,
  ): Promise<string> {
    const isOwn = there !== undefined && numberOf(there) === number;
    const content = `${number} ${digest(message, sealer.id)}`;
    if (isOwn && there.ts !== '' && there.content === content) return there.ts;
    const mark = { fleet: fleet.name, rollout: buildsName, key: `${number}.${key}`, revision: 0 };
    const blocks = sealedBlocks(message.blocks, sealer, { fleet: fleet.name, channel });
    const posted: OutgoingMessage = {
      channel,
      thread,
      broadcast: false,
      mark,
      content: { text: message.text, blocks },
    };
    const keep = async (ts: string, as: string): Promise<string> => {
      await control.store.setPosted(buildsName, key, { ts, channel, content: as });
      return ts;
    };
    if (isOwn && there.ts !== '' && (await chat.edit(there, posted))) return keep(there.ts, content);
    // Nobody knows whether it was posted before this program ended.
    const found = isOwn && there.ts === '' ? await chat.find(posted, clock.now() - since) : null;
    if (found !== null) return keep(found, `${number} found`);
    await keep('', `${number} `);
    const ts = await keep(await chat.post(posted), content);
    if (key === 'main') log.info({ build: number }, 'a build is shown');
    return ts;
  }

  async function close(old: PostedMessage): Promise<void> {
    if (old.ts === '') return;
    const there = await chat.read({ channel: old.channel, thread: null, ts: old.ts });
    const mark = { fleet: fleet.name, rollout: buildsName, key: `${numberOf(old)}.main`, revision: 0 };
    if (there !== null) await chat.edit(old, { content: closed(there, 'Another build was asked for since.'), mark });
  }

  /** Calls wait for each other, so that nothing is posted twice. */
  return () => {
    const turn = tail.then(draw);
    tail = turn.catch(() => undefined);
    return turn;
  };
}

/** Which build a message that stands there is of. */
const numberOf = ({ content }: PostedMessage): number => Number(content.split(' ')[0]);
