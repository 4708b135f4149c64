import type { AllMessageEvents } from '@slack/types';
import type { WebClient } from '@slack/web-api';
import { day } from '../base/duration.ts';
import type { PostedMessage } from '../jobs/types.ts';
import { sinceOf } from '../upgrade/rollout/index.ts';
import type { ApprovalPhase } from '../upgrade/rollout/types.ts';
import { asShown } from './as-shown.ts';
import type { CommandContext } from './context.ts';
import { permit } from './permissions.ts';
import { refusedNote } from './refused-note.ts';
import { gateKey } from './views/gate.ts';
import { questions, whatCounts } from './views/written.ts';
import { linkTo } from './workspace.ts';

/** What a person wrote in the channel. */
export interface Written {
  user: string;
  channel: string;
  ts: string;
  /** The message that it replies to. */
  thread: string | null;
  isMention: boolean;
}

/**
 * "lgtm" in a thread decides nothing, and whoever wrote it may go back to sleep believing that it did: they are told what
 * would count. Without a mention once for each question, and only where something is asked.
 */
export async function heard(context: CommandContext, client: WebClient, written: Written): Promise<void> {
  const { user, channel, thread, isMention } = written;
  if (channel !== context.access.channel) return;
  const { asked, posted } = await asking(context).catch(() => nothing);
  if (!isMention && (asked.length === 0 || !Object.values(posted).some(({ ts }) => ts === thread))) return;
  const verdict = await permit(context, user, { is: 'look' });
  if (verdict.is === 'refused') {
    if (isMention) refusedNote(context, { actor: user, what: 'mention', reason: verdict.reason });
    return;
  }
  if (!(await isNew(context, written, asked))) return;
  const link = (phase: ApprovalPhase, words: string): string | null => {
    const message = posted[keyOf(phase)];
    return message === undefined || context.workspace === null ? null : linkTo(context.workspace, message, words);
  };
  const text = whatCounts(asked, link);
  await client.chat.postEphemeral({ channel, user, text, ...(thread === null ? {} : { thread_ts: thread }) });
}

const keyOf = (phase: ApprovalPhase): string => gateKey(phase, sinceOf(phase) ?? 0);

interface Asking {
  asked: ApprovalPhase[];
  posted: Record<string, PostedMessage>;
}

const nothing: Asking = { asked: [], posted: {} };

async function asking(context: CommandContext): Promise<Asking> {
  const { store } = context.control;
  const open = await store.open();
  if (open === null) return nothing;
  return { asked: questions(asShown(context, open)), posted: await store.posted(open.id) };
}

/** A mention is delivered as a message, too, and either may come twice. */
async function isNew({ control: { store } }: CommandContext, written: Written, asked: ApprovalPhase[]) {
  const { user, ts, isMention } = written;
  const once = `heard:${ts}`;
  if (isMention) return store.firstTime(once, day).catch(() => true);
  try {
    return (
      (await store.firstTime(`written:${user}:${asked.map(keyOf).join()}`, day)) && (await store.firstTime(once, day))
    );
  } catch {
    return false;
  }
}

/** A person's reply in a thread; null for everything else that is told of a channel. */
export function replyIn(event: AllMessageEvents): Written | null {
  if (event.subtype !== undefined && event.subtype !== 'thread_broadcast') return null;
  const { user, channel, ts, thread_ts: thread } = event;
  return user === undefined || thread === undefined ? null : { user, channel, ts, thread, isMention: false };
}
