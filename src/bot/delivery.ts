import type { WebClient } from '@slack/web-api';
import { hour } from '../base/duration.ts';
import { timeLimit } from '../base/time-limit.ts';
import { isOfAnswer } from './actions/click.ts';
import { type CommandContext, type Reply, say } from './context.ts';
import { refusedNote } from './refused-note.ts';
import { sealedBlocks } from './sealed.ts';
import { type Message, message, type Part, typedOf } from './views/parts.ts';

/** Deliveries come twice, sometimes minutes later. */
const rememberedMs = hour;
/** After this long without an answer, the person is told that it takes a while. */
const patienceMs = 2_500;

export interface Origin {
  user: string;
  /** Ids of the workspace and the organisation that the delivery says it came from. */
  teams: string[];
  channel: string | null;
  respond(answer: Told): Promise<unknown>;
}

interface Told extends Message {
  response_type: 'in_channel' | 'ephemeral';
  replace_original: boolean;
  unfurl_links: false;
}

/** `replaces`: the answer takes the place of the message that was clicked. */
export interface Answered {
  reply: Reply;
  replaces: boolean;
}

/** Does it at most once for each delivery, and tells the person what came of it; `null` when that shows by itself. */
export async function once(
  { fleets, client }: Serving,
  origin: Origin,
  what: string,
  key: string,
  work: (here: CommandContext) => Promise<Answered | null>,
): Promise<void> {
  const elsewhere = wrongPlace(fleets, origin);
  const context = fleetIn(fleets, origin.channel) ?? fleets[0];
  if (context === undefined) return;
  const tell = (reply: Reply, replaces: boolean) => deliver(context, client, origin, reply, replaces);
  if (elsewhere !== null) {
    refusedNote(context, { actor: origin.user, what, reason: elsewhere });
    return tell(say(elsewhere), false);
  }
  try {
    if (!(await context.control.store.firstTime(key, rememberedMs))) return;
  } catch (error) {
    context.log.error({ err: error }, 'the store does not answer');
    return tell(
      say(
        'The store behind this bot does not answer, so nothing was done. A rollout under way is not touched by that.',
      ),
      false,
    );
  }
  const patience = timeLimit(context.clock, patienceMs);
  const slow = () => void tell(say('Looking at the nodes, this takes a few seconds …'), false);
  patience.signal.addEventListener('abort', slow, { once: true });
  const answered = await work(context).finally(patience.lift);
  if (answered !== null) await tell(answered.reply, answered.replaces);
}

/** All the fleets of this bot, and how it speaks. */
export interface Serving {
  fleets: readonly CommandContext[];
  client: WebClient;
}

/** The channel says which fleet is meant. */
export const fleetIn = (fleets: readonly CommandContext[], channel: string | null): CommandContext | null =>
  fleets.find(({ access }) => access.channel === channel) ?? null;

/** Why nothing that comes from there is heard; null when it is. The workspace is the same for all of them. */
export function wrongPlace(
  fleets: readonly CommandContext[],
  origin: Pick<Origin, 'teams' | 'channel'>,
): string | null {
  const workspace = fleets[0]?.workspace ?? null;
  if (workspace === null || !origin.teams.includes(workspace.pinned)) return 'This bot does not serve your workspace.';
  if (fleetIn(fleets, origin.channel) !== null) return null;
  const each = fleets.map(
    ({ access, fleet }) => `<#${access.channel}>${fleets.length === 1 ? '' : ` (${fleet.name})`}`,
  );
  return `This bot is heard in ${each.join(', ')} only.`;
}

/** Through the address that came with the delivery; when that fails, as an ephemeral message in plain text. */
async function deliver(
  context: CommandContext,
  client: WebClient,
  { user, respond }: Origin,
  reply: Reply,
  replace: boolean,
) {
  const content = contentOf(context, reply);
  try {
    const response_type = reply.public ? 'in_channel' : 'ephemeral';
    await respond({ response_type, replace_original: replace, unfurl_links: false, ...content });
  } catch (error) {
    context.log.warn({ err: error }, 'could not answer in place');
    await client.chat
      .postEphemeral({ channel: context.access.channel, user, text: content.text })
      .catch((second: unknown) => context.log.error({ err: second, user }, 'an answer was lost'));
  }
}

export function contentOf({ sealer, fleet, access }: CommandContext, reply: Reply): Message {
  const { text, blocks } = message(reply.parts.map(withoutDecisions), 'reply');
  const place = { fleet: fleet.name, channel: access.channel };
  return { text, blocks: sealer === null ? blocks : sealedBlocks(blocks, sealer, place) };
}

/**
 * Nobody knows where an answer to one person stands, so a decision's button would not count there: it is told as what to
 * type. A plan is known by itself.
 */
function withoutDecisions(part: Part): Part {
  if (part.is !== 'buttons' || part.buttons.every(({ action }) => isOfPlan(action))) return part;
  return { is: 'lines', lines: part.buttons.map(typedOf) };
}

const isOfPlan = (action: string): boolean => isOfAnswer(action.split(':')[0] ?? '');
