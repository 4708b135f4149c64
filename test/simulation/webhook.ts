import type { Webhook } from '../../src/upgrade/http/types.ts';
import type { Chance, Program, Time } from './time.ts';

export const webhookName = 'status page';

export interface WebhookTrouble {
  awayUntil: number;
  /** It answers 503. */
  refuses: number;
  /** It is taken, and nobody hears of it. */
  losesAnswer: number;
}

/** A notice that was taken. */
interface Taken {
  at: number;
  rollout: string;
  kind: string;
}

/** How long somebody waits for an answer, ms. */
const patience = 10_000;

/** Whoever is told besides the chat. What was taken is known here, whatever the program that told it believes. */
export class SimulatedWebhook {
  readonly taken: Taken[] = [];
  readonly #time: Time;
  readonly #chance: Chance;
  readonly #trouble: WebhookTrouble;

  constructor(time: Time, chance: Chance, trouble: WebhookTrouble) {
    this.#time = time;
    this.#chance = chance;
    this.#trouble = trouble;
  }

  as(program: Program): Webhook {
    return {
      name: webhookName,
      post: async (body) => {
        await program.pass(this.#chance.between(20, 300));
        if (this.#time.now < this.#trouble.awayUntil) {
          await program.pass(patience);
          throw new Error('it did not answer within 10 s');
        }
        if (this.#chance.of(this.#trouble.refuses)) throw new Error('HTTP 503');
        const { rollout, kind } = body as { rollout: string; kind: string };
        this.taken.push({ at: this.#time.now, rollout, kind });
        if (!this.#chance.of(this.#trouble.losesAnswer)) return program.pass(this.#chance.between(20, 300));
        await program.pass(patience);
        throw new Error('it did not answer within 10 s');
      },
    };
  }

  /** When it first knew of a start, epoch ms; null while it does not. */
  knows(rollout: string): number | null {
    return this.taken.find((each) => each.rollout === rollout && each.kind === 'scheduled')?.at ?? null;
  }

  /** It still believes in a start. */
  expects(rollout: string): boolean {
    return this.taken.findLast((each) => each.rollout === rollout)?.kind === 'scheduled';
  }
}
