import { createStore } from '../src/jobs/index.ts';
import { next } from '../src/upgrade/rollout/index.ts';
import type { Event } from '../src/upgrade/rollout/types.ts';
import { belief } from '../test/support/belief.ts';
import { startTestRedis } from '../test/support/redis.ts';
import { planned } from '../test/support/rollouts.ts';

export interface JournalCost {
  lines: number;
  /** A program that starts: all lines verified, folded and compared, ms. */
  cold: number;
  /** The two lines of each step, written by one program and read by another, ms. */
  steps: number[];
  /** The same where nothing is signed and nothing verified: two writes and a read of the same bytes, ms. */
  bare: number[];
  /** CPU of this process for a step, ms: it says the same on a machine that is busy. */
  cpu: { signed: number; bare: number };
}

const steps = 200;

/** What it costs that a journal is signed and believed by nobody unread, once it holds `lines` lines. */
export async function journalCost(lines: number): Promise<JournalCost> {
  const redis = await startTestRedis();
  const { caller } = redis.handle;
  try {
    const writer = createStore(caller, 'production', belief());
    let rollout = planned({}, { id: 'r1' });
    await writer.create(rollout);
    const add = async (event: Event) => {
      rollout = { ...next(rollout, event), revision: rollout.revision + 1 };
      if (!(await writer.save(rollout, event))) throw new Error('the line was not written');
    };
    const twice = async () => {
      await add({ type: 'paused', at: Date.now(), by: 'U0ROSA' });
      await add({ type: 'resumed', at: Date.now(), by: 'U0ROSA' });
    };
    while (rollout.revision < lines - 2 * steps) await twice();
    const reader = createStore(caller, 'production', belief());
    await reader.load('r1');
    const signed = await timed(async () => {
      await twice();
      await reader.load('r1');
    });
    const fresh = performance.now();
    await createStore(caller, 'production', belief()).load('r1');
    const cold = performance.now() - fresh;
    const bare = await bareSteps(caller, JSON.stringify(rollout));
    const cpu = { signed: signed.cpu, bare: bare.cpu };
    return { lines: rollout.revision, cold, steps: signed.taken, bare: bare.taken, cpu };
  } finally {
    await redis.stop();
  }
}

function bareSteps(redis: Awaited<ReturnType<typeof startTestRedis>>['handle']['caller'], body: string) {
  return timed(async () => {
    for (const line of [1, 2]) {
      await redis.multi().hset('bare', { body, revision: line }).rpush('lines', body.slice(0, 600)).exec();
    }
    await redis.hgetall('bare');
  });
}

async function timed(step: () => Promise<void>): Promise<{ taken: number[]; cpu: number }> {
  const taken: number[] = [];
  const before = process.cpuUsage();
  for (let round = 0; round < steps; round += 1) {
    const from = performance.now();
    await step();
    taken.push(performance.now() - from);
  }
  const { user, system } = process.cpuUsage(before);
  return { taken, cpu: (user + system) / 1_000 / steps };
}
