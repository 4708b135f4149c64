import { day, minute } from '../base/duration.ts';
import { nightPatience } from '../jobs/index.ts';
import type { PostedMessage } from '../jobs/types.ts';
import type { Sealer } from '../trust/index.ts';
import { isAtWork } from '../upgrade/ledger/index.ts';
import { nightAt } from '../windows/index.ts';
import { digest } from './announcer.ts';
import type { Chat, OutgoingMessage } from './chat.ts';
import type { CommandContext } from './context.ts';
import { sealedBlocks } from './sealed.ts';
import { closed } from './views/closing.ts';
import { nightParts, nightsName } from './views/nights.ts';
import { type Message, message } from './views/parts.ts';

export interface NightPostParts extends Pick<CommandContext, 'control' | 'fleet' | 'log'> {
  chat: Chat;
  channel: string;
  sealer: Sealer;
  clock: Pick<CommandContext['clock'], 'now'>;
}

/** What should stand in the channel of one night. */
export interface NightMessage extends Message {
  night: string;
  tells: boolean;
}

/** What is older is nobody's last night. */
const oldest = 3 * day;
/** A message of this night has only just begun to be looked for; Slack's clock may differ. */
const before = 5 * minute;
/** Ends the content of a message that is over. */
const over = 'over';

type Looking = Pick<CommandContext, 'control' | 'fleet'> & { clock: Pick<CommandContext['clock'], 'now'> };

/**
 * The messages of the last nights: regions begin theirs hours apart, so two may be told of at a time. What each says follows from what
 * was found then and from what became of it since.
 * @param since epoch ms, from when a region that nobody looked at is a region that was missed; null: none is
 */
export async function nightMessages(
  { control, fleet, clock }: Looking,
  since: number | null = null,
): Promise<NightMessage[]> {
  const { at = null, snooze = 0 } = fleet.drift ?? {};
  const now = clock.now();
  const regions = fleet.regions.map(({ name }) => name);
  const found = (await control.nights(regions)).filter((each) => each.at <= now + day && now - each.at <= oldest);
  const missed = fleet.regions.flatMap(({ name, calendar }) => {
    if (at === null || since === null) return [];
    const night = nightAt(now, at, calendar.zone);
    const isOver = now - night.begins > nightPatience + before;
    const isLooked = found.some((each) => each.region === name && each.night === night.name);
    return since <= night.begins && isOver && !isLooked ? [{ region: name, night: night.name }] : [];
  });
  const nights = [...new Set([...found, ...missed].map(({ night }) => night))].sort().slice(-2);
  if (nights.length === 0) return [];
  const ledger = await control.ledger.load();
  const open = await control.store.open();
  const names = fleet.regions.flatMap(({ nodes }) => nodes.map(({ name }) => name));
  const busy = Object.fromEntries(
    names.flatMap((name) => (open !== null && isAtWork(open, name) ? [[name, open.id] as const] : [])),
  );
  const of = <T extends { night: string }>(all: T[], night: string) => all.filter((each) => each.night === night);
  return nights.map((night) => {
    const own = of(missed, night).map(({ region }) => region);
    const view = { night, found: of(found, night), missed: own, ledger, busy, snooze, now };
    const { tells, parts } = nightParts(view);
    return { night, tells, ...message(parts, `night.${night}`) };
  });
}

/** Which night a message that stands there is of. */
export const nightOf = ({ content }: PostedMessage): string => content.split(' ')[0] ?? '';

/** Every other night has the same place: there are never more messages to remember than two. */
const slotOf = (night: string): string => `night-${(Date.parse(night) / day) % 2}`;

/** One message for a night, posted when there is something to tell, and edited from then on. */
export function createNightPost(parts: NightPostParts): () => Promise<void> {
  const { chat, channel, control, fleet, sealer, clock, log } = parts;
  const since = clock.now();
  let tail = Promise.resolve();

  const draw = async (): Promise<void> => {
    const wanted = await nightMessages(parts, since);
    const standing = await control.store.posted(nightsName);
    // First what is over: its place may be another night's.
    for (const [slot, old] of Object.entries(standing))
      if (!wanted.some(({ night }) => night === nightOf(old))) await close(slot, old);
    for (const each of wanted) await show(each, standing[slotOf(each.night)]);
  };

  const show = async (wanted: NightMessage, there: PostedMessage | undefined): Promise<void> => {
    const { night, tells } = wanted;
    const slot = slotOf(night);
    const isOwn = there !== undefined && nightOf(there) === night;
    const content = `${night} ${digest(wanted, sealer.id)}`;
    if (isOwn ? there.content === content : !tells) return;
    const sealed = sealedBlocks(wanted.blocks, sealer, { fleet: fleet.name, channel });
    const mark = { fleet: fleet.name, rollout: nightsName, key: night, revision: 0 };
    const posted: OutgoingMessage = {
      ...{ channel, thread: null, broadcast: false, mark },
      content: { text: wanted.text, blocks: sealed },
    };
    const keep = (ts: string, as: string) => control.store.setPosted(nightsName, slot, { ts, channel, content: as });
    if (isOwn && there.ts !== '' && (await chat.edit(there, posted))) return keep(there.ts, content);
    // Somebody deleted it; or nobody knows whether it was posted before this program ended.
    const found = isOwn && there.ts === '' ? await chat.find(posted, clock.now() - oldest) : null;
    if (found !== null) return keep(found, night);
    if (!tells) return;
    await keep('', night);
    await keep(await chat.post(posted), content);
    log.info({ night }, 'told what the night found');
  };

  /** Nothing that was said is taken back: it loses its buttons, and says so. */
  const close = async (slot: string, old: PostedMessage): Promise<void> => {
    if (old.content.endsWith(over) || old.ts === '') return;
    const night = nightOf(old);
    const there = await chat.read({ channel: old.channel, thread: null, ts: old.ts });
    const mark = { fleet: fleet.name, rollout: nightsName, key: night, revision: 0 };
    if (there !== null)
      await chat.edit(old, { content: closed(there, 'That night is over: `/zeitwork drift` looks now.'), mark });
    await control.store.setPosted(nightsName, slot, { ...old, content: `${night} ${over}` });
  };

  /** Calls wait for each other, so that nothing is posted twice. */
  return () => {
    const turn = tail.then(draw);
    tail = turn.catch(() => undefined);
    return turn;
  };
}
