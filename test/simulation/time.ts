import type { Clock } from '../../src/base/clock.ts';
import { random } from '../support/random.ts';

interface Due {
  at: number;
  order: number;
  run: () => void;
}

/** So many are played in one turn of the event loop. */
const atOnce = 100;

/** A clock that jumps from one thing to the next. Whatever is due at the same moment happens in the order it was asked for. */
export class Time {
  now: number;
  #order = 0;
  /** A heap: the next is first. */
  readonly #due: Due[] = [];

  constructor(start: number) {
    this.now = start;
  }

  at(at: number, run: () => void): void {
    const due = { at: Math.max(Math.ceil(at), this.now), order: this.#order++, run };
    const heap = this.#due;
    let place = heap.push(due) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !isBefore(due, above)) break;
      heap[place] = above;
      place = parent;
    }
    heap[place] = due;
  }

  after(ms: number, run: () => void): void {
    this.at(this.now + ms, run);
  }

  wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  /** Plays until it is `over`, nothing is left, or `limit` (epoch ms) is reached. */
  async play(over: () => boolean, limit: number): Promise<void> {
    let isEnd = (): boolean => over() || !((this.#due[0]?.at ?? Number.POSITIVE_INFINITY) <= limit);
    while (!isEnd()) {
      await new Promise<void>((resolve, reject) => {
        // All that follows from one without waiting follows before the next; a turn of the event loop for each would cost more than it.
        for (let left = atOnce; left > 0; left -= 1) {
          setImmediate(() => {
            try {
              if (!isEnd()) this.#playNext();
            } catch (error) {
              isEnd = () => true;
              reject(error);
            }
          });
        }
        setImmediate(resolve);
      });
    }
  }

  #playNext(): void {
    const next = this.#take();
    if (next === null) return;
    this.now = next.at;
    next.run();
  }

  #take(): Due | null {
    const heap = this.#due;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first ?? null;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      const right = heap[child + 1];
      const left = heap[child];
      if (left === undefined) break;
      let smaller = left;
      if (right !== undefined && isBefore(right, left)) {
        smaller = right;
        child += 1;
      }
      if (!isBefore(smaller, last)) break;
      heap[place] = smaller;
      place = child;
    }
    heap[place] = last;
    return first;
  }
}

const isBefore = (one: Due, other: Due): boolean =>
  one.at < other.at || (one.at === other.at && one.order < other.order);

/** All chance of one story comes from its seed. */
export class Chance {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = random(seed);
  }

  of(probability: number): boolean {
    return this.#next() < probability;
  }

  between(from: number, to: number): number {
    return from + Math.floor(this.#next() * (to - from + 1));
  }

  pick<T>(list: readonly T[]): T {
    const found = list[this.between(0, list.length - 1)];
    if (found === undefined) throw new Error('nothing to pick from');
    return found;
  }
}

/** One of our programs: it can be killed or stand still, and its clock can be wrong. What it waited for then never comes. */
export class Program {
  readonly name: string;
  readonly time: Time;
  alive = true;
  /** Milliseconds that its clock is ahead. */
  skew = 0;
  #thawsAt = 0;

  constructor(name: string, time: Time) {
    this.name = name;
    this.time = time;
  }

  readonly clock: Clock = {
    now: () => this.time.now + this.skew,
    monotonic: () => this.time.now,
    sleep: (ms, signal) => this.sleep(ms, signal),
  };

  kill(): void {
    this.alive = false;
  }

  freeze(ms: number): void {
    this.#thawsAt = Math.max(this.#thawsAt, this.time.now + ms);
  }

  get frozen(): boolean {
    return this.time.now < this.#thawsAt;
  }

  /** Resolves after so long, once it runs; never when it does not live any more. */
  pass(ms: number): Promise<void> {
    return new Promise((resolve) => this.#soon(ms, resolve));
  }

  #soon(ms: number, run: () => void): void {
    this.time.after(ms, () => {
      if (!this.alive) return;
      if (this.frozen) this.#soon(this.#thawsAt - this.time.now, run);
      else run();
    });
  }

  /** Again and again, as long as it lives. */
  every(ms: () => number, run: () => void): void {
    this.#soon(ms(), () => {
      run();
      this.every(ms, run);
    });
  }

  private sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const abort = (): void => reject(signal?.reason);
      signal?.addEventListener('abort', abort, { once: true });
      this.#soon(ms, () => {
        signal?.removeEventListener('abort', abort);
        resolve();
      });
    });
  }
}
