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
  context: CommandContext,
  client: WebClient,
  origin: Origin,
  what: string,
  key: string,
  work: () => Promise<Answered | null>,
): Promise<void> {
  const tell = (reply: Reply, replaces: boolean) => deliver(context, client, origin, reply, replaces);
  const elsewhere = wrongPlace(context, origin);
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
  const answered = await work().finally(patience.lift);
  if (answered !== null) await tell(answered.reply, answered.replaces);
}

/** Why nothing that comes from there is heard; null when it is. */
export function wrongPlace(
  { access: { channel }, workspace }: CommandContext,
  origin: Pick<Origin, 'teams' | 'channel'>,
): string | null {
  if (workspace === null || !origin.teams.includes(workspace.pinned)) return 'This bot does not serve your workspace.';
  return origin.channel === channel ? null : `This bot is heard in <#${channel}> only.`;
}

/** Through the address that came with the delivery; when that fails, as an ephemeral message in plain text. */
async function deliver(
  context: CommandContext,
  client: WebClient,
  { user, respond }: Origin,
  reply: Reply,
  replace: boolean,
) {
  const { text, blocks } = message(reply.parts.map(withoutDecisions), 'reply');
  const { sealer, fleet, access } = context;
  const sealed =
    sealer === null ? blocks : sealedBlocks(blocks, sealer, { fleet: fleet.name, channel: access.channel });
  const content = { text, blocks: sealed };
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

/**
 * Nobody knows where an answer to one person stands, so a decision's button would not count there: it is told as what to
 * type. A plan is known by itself.
 */
function withoutDecisions(part: Part): Part {
  if (part.is !== 'buttons' || part.buttons.every(({ action }) => isOfPlan(action))) return part;
  return { is: 'lines', lines: part.buttons.map(typedOf) };
}

const isOfPlan = (action: string): boolean => isOfAnswer(action.split(':')[0] ?? '');
