import type { SignedAnswer } from '../../src/jobs/ask.ts';
import { createLeases } from '../../src/jobs/lease.ts';
import type { AskJob, Queues, StepEnd, StepJob } from '../../src/jobs/queues.ts';
import { lockDuration, stalledInterval } from '../../src/jobs/worker.ts';
import type { Chance, Program, Time } from './time.ts';

/** How wake-ups and jobs misbehave, as probabilities. */
export interface QueueTrouble {
  losesWake: number;
  /** A job is given to a second worker although the first still has it. */
  doubles: number;
  /** A job waits up to so long, ms. */
  dawdles: number;
}

interface Job {
  id: string;
  queue: string;
  data: unknown;
  state: 'waiting' | 'active' | 'completed' | 'failed';
  returnvalue?: unknown;
  failedReason?: string;
  /** Who works on it now: counts up with each that took it. */
  holder: number;
}

/** Takes jobs of these queues. */
export interface Taker {
  program: Program;
  takes(queue: string): boolean;
  work(queue: string, data: unknown, signal: AbortSignal): Promise<unknown>;
}

/** The queues of one fleet: jobs arrive at least once, in any order, and may be lost with a wake-up. */
export class SimulatedQueues {
  readonly #time: Time;
  readonly #chance: Chance;
  readonly #trouble: QueueTrouble;
  readonly #jobs = new Map<string, Job>();
  readonly #takers = new Set<{ taker: Taker; leases: ReturnType<typeof createLeases>; holds: Map<Job, number> }>();
  /** Wake-ups that wait or run, by queue and rollout: a second one while it runs is kept. */
  readonly #wakes = new Map<string, 'waiting' | 'active' | 'again'>();
  #serial = 0;

  constructor(time: Time, chance: Chance, trouble: QueueTrouble) {
    this.#time = time;
    this.#chance = chance;
    this.#trouble = trouble;
  }

  /** Steps and asks that nobody is over with. */
  get busy(): boolean {
    return [...this.#jobs.values()].some(({ state }) => state === 'waiting' || state === 'active');
  }

  /** All jobs are gone. */
  obliterate(): void {
    this.#jobs.clear();
    this.#wakes.clear();
  }

  serve(taker: Taker): void {
    const entry = { taker, leases: createLeases(lockDuration, taker.program.clock), holds: new Map<Job, number>() };
    this.#takers.add(entry);
    taker.program.every(
      () => lockDuration / 2,
      () => {
        for (const [job, holder] of entry.holds) {
          if (job.state === 'active' && job.holder === holder) entry.leases.renewed([job.id]);
          else entry.leases.lost([job.id]);
        }
      },
    );
  }

  /** As a program sees them that adds jobs. */
  of(program: Program): Queues {
    const step = (queue: string) => this.#face(program, queue);
    return {
      wake: async (id) => {
        await program.pass(1);
        for (const queue of ['advance', 'publish']) this.#wake(queue, id);
      },
      publish: async (id) => {
        await program.pass(1);
        this.#wake('publish', id);
      },
      wakeAt: async (id, _at, delay) => {
        await program.pass(1);
        if (!this.#chance.of(this.#trouble.losesWake)) this.#time.after(delay, () => this.#wake('advance', id));
      },
      build: async () => undefined,
      step: (region) => step(`step-${region}`) as unknown as ReturnType<Queues['step']>,
      free: async (region, id) => {
        if (this.#jobs.has(`step-${region} ${id}`)) await step(`step-${region}`).remove(id);
      },
      ask: (region) => step(`ask-${region}`) as unknown as ReturnType<Queues['ask']>,
      close: async () => undefined,
    };
  }

  #face(program: Program, queue: string) {
    const key = (id: string) => `${queue} ${id}`;
    return {
      getJobState: async (id: string) => {
        await program.pass(1);
        return this.#jobs.get(key(id))?.state ?? 'unknown';
      },
      getJob: async (id: string) => {
        await program.pass(1);
        return this.#jobs.get(key(id));
      },
      remove: async (id: string) => {
        await program.pass(1);
        const job = this.#jobs.get(key(id));
        if (job?.state !== 'active') this.#jobs.delete(key(id));
      },
      add: async (_name: string, data: StepJob | AskJob, options: { jobId?: string }) => {
        await program.pass(1);
        const id = options.jobId ?? `n${this.#serial++}`;
        if (!this.#jobs.has(key(id))) {
          const job: Job = { id, queue, data, state: 'waiting', holder: 0 };
          this.#jobs.set(key(id), job);
          this.#offer(job);
        }
        return { id };
      },
    };
  }

  #wake(queue: string, id: string): void {
    if (this.#chance.of(this.#trouble.losesWake)) return;
    const key = `${queue} ${id}`;
    const now = this.#wakes.get(key);
    if (now === 'active') this.#wakes.set(key, 'again');
    if (now !== undefined) return;
    this.#wakes.set(key, 'waiting');
    this.#time.after(this.#chance.between(1, 20), () => this.#deliverWake(queue, id));
  }

  #deliverWake(queue: string, id: string): void {
    const key = `${queue} ${id}`;
    if (!this.#wakes.has(key)) return;
    const entry = this.#idle(queue);
    // Nobody there: it waits until somebody is.
    if (entry === null) {
      this.#time.after(1_000, () => this.#deliverWake(queue, id));
      return;
    }
    this.#wakes.set(key, 'active');
    const { program } = entry.taker;
    const done = (): void => {
      const again = this.#wakes.get(key) === 'again';
      this.#wakes.delete(key);
      if (again) this.#wake(queue, id);
    };
    let over = false;
    const end = (): void => {
      if (over) return;
      over = true;
      done();
    };
    entry.taker.work(queue, id, new AbortController().signal).then(end, end);
    // Its lock runs out when it dies.
    const look = (): void => {
      if (over) return;
      this.#time.after(lockDuration, program.alive && !program.frozen ? look : end);
    };
    this.#time.after(lockDuration, look);
  }

  #idle(queue: string) {
    const able = [...this.#takers].filter(
      ({ taker }) => taker.program.alive && !taker.program.frozen && taker.takes(queue),
    );
    return able.length === 0 ? null : this.#chance.pick(able);
  }

  #offer(job: Job): void {
    const { dawdles, doubles } = this.#trouble;
    const wait = this.#chance.of(0.1) ? dawdles : 10;
    this.#time.after(this.#chance.between(1, Math.max(1, wait)), () => this.#give(job));
    if (this.#chance.of(doubles)) this.#time.after(this.#chance.between(1, 3_000), () => this.#give(job, true));
  }

  #give(job: Job, twice = false): void {
    const there = this.#jobs.get(`${job.queue} ${job.id}`) === job;
    if (!there || (!twice && job.state !== 'waiting') || (twice && job.state !== 'active')) return;
    const entry = this.#idle(job.queue);
    if (entry === null) {
      this.#time.after(1_000, () => this.#give(job, twice));
      return;
    }
    job.state = 'active';
    job.holder += 1;
    const { holder } = job;
    const mine = (): boolean => job.holder === holder;
    entry.holds.set(job, holder);
    entry.leases
      .hold(job.id, (signal) => entry.taker.work(job.queue, job.data, signal))
      .then(
        (value) => {
          if (!mine()) return;
          job.state = 'completed';
          job.returnvalue = value as StepEnd | SignedAnswer | null;
        },
        (error: unknown) => {
          if (!mine()) return;
          if (error instanceof Error && error.name === 'LetGo') return this.#again(job, holder);
          job.state = 'failed';
          job.failedReason = error instanceof Error ? error.message : String(error);
        },
      )
      .finally(() => entry.holds.delete(job));
    this.#watchLock(job, holder, entry.taker.program);
  }

  /** Its lock has to run out first. */
  #again(job: Job, holder: number): void {
    this.#time.after(lockDuration, () => {
      if (job.state !== 'active' || job.holder !== holder) return;
      job.state = 'waiting';
      job.holder += 1;
      this.#give(job);
    });
  }

  /** Whoever dies or stands still loses it to another one. */
  #watchLock(job: Job, holder: number, program: Program): void {
    this.#time.after(stalledInterval, () => {
      if (job.state !== 'active' || job.holder !== holder) return;
      if (program.alive && !program.frozen) this.#watchLock(job, holder, program);
      else this.#again(job, holder);
    });
  }
}
