import { randomUUID } from 'node:crypto';
import { Refusal } from './args.ts';

/** Trigger ids: each opens one view, for one person, within a few seconds. */
export class Triggers {
  readonly #lifeMs: number;
  readonly #given = new Map<string, { user: string; at: number; used: boolean }>();

  constructor(lifeMs: number) {
    this.#lifeMs = lifeMs;
  }

  give(user: string): string {
    const id = `${Date.now()}.${randomUUID().replaceAll('-', '')}`;
    this.#given.set(id, { user, at: performance.now(), used: false });
    return id;
  }

  /** Returns whose trigger it was. Throws `invalid_trigger_id`, `exchanged_trigger_id` or `expired_trigger_id`. */
  take(id: string): string {
    const trigger = this.#given.get(id);
    if (!trigger) throw new Refusal('invalid_trigger_id');
    if (trigger.used) throw new Refusal('exchanged_trigger_id');
    if (performance.now() - trigger.at > this.#lifeMs) throw new Refusal('expired_trigger_id');
    trigger.used = true;
    return trigger.user;
  }
}
