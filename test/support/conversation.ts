import type { ChannelMessage, Outcome } from '../../sandbox/slack/types.ts';
import { createStore } from '../../src/jobs/index.ts';
import type { JournalEntry } from '../../src/jobs/types.ts';
import type { Rollout } from '../../src/upgrade/rollout/types.ts';
import { beliefIn } from './belief.ts';
import { type Product, people, until } from './product.ts';

/** All the words of a message, also those inside its blocks. */
export function wordsOf(message: ChannelMessage): string {
  const texts: string[] = [message.text];
  const walk = (value: unknown) => {
    if (Array.isArray(value)) value.forEach(walk);
    else if (value !== null && typeof value === 'object') {
      for (const [key, inner] of Object.entries(value)) {
        if (key === 'text' && typeof inner === 'string') texts.push(inner);
        else walk(inner);
      }
    }
  };
  walk(message.blocks);
  return texts.join('\n');
}

/** What was answered; on a busy machine a person is told first that it takes a while. */
export const answersIn = ({ responses }: Outcome): ChannelMessage[] =>
  responses.filter((message) => !/^Looking at the nodes/.test(wordsOf(message)));
const answers = (outcome: Outcome): string[] => answersIn(outcome).map(wordsOf);

/** What a person sees and does in the channel. */
export class Conversation {
  readonly product: Product;
  /** What was answered last, for whoever has to find out why a test waits. */
  #answered = '';

  constructor(product: Product) {
    this.product = product;
  }

  /** Types a slash command; the answer that only that person sees, once it is there. */
  async type(text: string, who: string = people.rosa.id): Promise<string> {
    const outcome: Outcome = await this.product.slack.command(who, `/zeitwork ${text}`);
    if (!outcome.acked) throw new Error(`/zeitwork ${text} was not acknowledged: ${outcome.error}`);
    await this.until(`an answer to ${text}`, () => answers(outcome).length > 0, 180_000);
    this.#answered = answers(outcome).join('\n');
    return this.#answered;
  }

  /** Clicks the newest button whose label contains `label`, as soon as somebody can see it. */
  async click(label: string, who: string = people.rosa.id, timeoutMs = 120_000): Promise<string> {
    const { slack } = this.product;
    const find = () =>
      [...slack.ephemerals(who), ...this.everything()].reverse().find((message) => hasButton(message, label));
    await this.until(`a button ${label}`, () => find() !== undefined, timeoutMs);
    const message = find();
    if (!message) throw new Error(`the button ${label} went away`);
    const outcome = await slack.click(who, message.ts, label, { confirm: true });
    if (!outcome.acked) throw new Error(`the click on ${label} was not acknowledged: ${outcome.error}`);
    await this.until(`an answer to the click on ${label}`, () => answers(outcome).length > 0, 180_000);
    return answers(outcome).join('\n');
  }

  everything(): ChannelMessage[] {
    const { slack } = this.product;
    const top = slack.messages();
    return top.flatMap((message) => [message, ...slack.thread(message.ts).filter(({ ts }) => ts !== message.ts)]);
  }

  /** Every word that anybody can read in the channel and its threads. */
  words(): string {
    return this.everything().map(wordsOf).join('\n');
  }

  async sees(pattern: RegExp, timeoutMs = 120_000): Promise<void> {
    await this.until(`the channel says ${pattern}`, () => pattern.test(this.words()), timeoutMs);
  }

  /** What the store tells, beside what the channel says. */
  async store() {
    const { redis } = this.product;
    return createStore(redis.handle.caller, 'trial', await beliefIn(redis.dir));
  }

  async newest(): Promise<Rollout | undefined> {
    return (await (await this.store()).latest(1))[0];
  }

  /** The journal of the newest rollout. */
  async journal(): Promise<JournalEntry[]> {
    const rollout = await this.newest();
    return rollout ? (await this.store()).journal(rollout.id) : [];
  }

  /** Waits until the newest rollout has come to that state; what the channel says may be of an earlier one. */
  becomes(is: Rollout['status']['is'], timeoutMs = 120_000): Promise<void> {
    return this.until(`the rollout is ${is}`, async () => (await this.newest())?.status.is === is, timeoutMs);
  }

  until(what: string, check: () => boolean | Promise<boolean>, timeoutMs: number): Promise<void> {
    const logs = () =>
      [this.words().slice(-2_000), this.product.logs().slice(-2_000), `answered: ${this.#answered}`].join('\n');
    return until(what, check, { timeoutMs, logs });
  }
}

function hasButton({ blocks }: ChannelMessage, label: string): boolean {
  const drawn = JSON.stringify(blocks);
  return drawn.includes(`"text":"${label}"`) && drawn.includes(`"type":"button"`);
}
