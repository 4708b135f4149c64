import { randomUUID } from 'node:crypto';
import { type Args, flag, Refusal, text } from './args.ts';
import type { Faults } from './faults.ts';
import type { ChannelMessage } from './types.ts';
import { bot, type Workspace } from './workspace.ts';
import { readMessage, threadOf } from './writing.ts';

const mostUses = 5;
const lifeMs = 30 * 60_000;

export type Asked = { user: string; channel: string; original: ChannelMessage | null; responses: ChannelMessage[] };

/** The response_urls: five posts each, within half an hour of the click or command. */
export class Responses {
  readonly #workspace: Workspace;
  readonly #faults: Faults;
  readonly #given = new Map<string, Asked & { uses: number; at: number }>();

  constructor(workspace: Workspace, faults: Faults) {
    this.#workspace = workspace;
    this.#faults = faults;
  }

  give(asked: Asked): string {
    const id = randomUUID();
    this.#given.set(id, { ...asked, uses: 0, at: performance.now() });
    return id;
  }

  /** A post to a response_url. Throws `used_url` and `expired_url`. */
  use(id: string, args: Args): void {
    const given = this.#given.get(id);
    if (!given || performance.now() - given.at > lifeMs) throw new Refusal('expired_url');
    if (given.uses >= mostUses) throw new Refusal('used_url');
    given.uses += 1;
    this.say(given, args);
  }

  /** Says something in answer: posts, edits the original, or deletes it. */
  say(asked: Asked, args: Args): void {
    const original = asked.original && this.#workspace.find(asked.channel, asked.original.ts);
    if (flag(args, 'delete_original')) {
      if (original) this.#workspace.remove(original);
      return;
    }
    const written = readMessage('response_url', args, this.#workspace, this.#faults.refusedBlocks);
    const content = { text: written.text, blocks: written.blocks, metadata: written.metadata ?? null };
    if (flag(args, 'replace_original') && original) {
      asked.responses.push(this.#workspace.edit(original, content));
      return;
    }
    const visibleTo = text(args, 'response_type') === 'in_channel' ? null : asked.user;
    const thread = threadOf(args, asked.channel, this.#workspace);
    asked.responses.push(
      this.#workspace.post({ channel: asked.channel, user: bot.id, visibleTo, ...thread, ...content }),
    );
  }
}
