import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createStore, startPublisher } from '../../src/jobs/index.ts';
import { keysOf } from '../../src/jobs/keys.ts';
import { startPulse } from '../../src/jobs/living.ts';
import type { Rollout } from '../../src/upgrade/rollout/types.ts';
import { belief } from '../support/belief.ts';
import { eventually, production, quickRollout, silent, systemClock } from './fixtures/parts.ts';
import { makeRig, never } from './fixtures/rig.ts';

const rig = makeRig();
const store = () => createStore(rig.redis.handle.caller, production, belief());
const ttl = 400;
const soon = (regions: string[]) =>
  eventually(store().livingRegions, (living) => JSON.stringify(living) === JSON.stringify(regions), 5_000);

async function workerProcess(): Promise<ChildProcess> {
  const file = join(import.meta.dirname, 'fixtures', 'worker.ts');
  const child = fork(file, [rig.redis.dir, String(ttl)], { execArgv: ['--import', 'tsx'], stdio: 'inherit' });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child, 'message');
  return child;
}

/** Approved so long ago that the next tick takes the approval back, and so is written into the journal. */
function staleApproval(): Rollout {
  const rollout = quickRollout('r1', {}, {}, { strategy: 'regions', regions: ['us-east', 'eu-west'] });
  const given = [{ by: 'U1', at: 1, watched: null }];
  const state = { is: 'done', since: 1, at: 1 } as const;
  const phases = rollout.phases.map((phase) => (phase.is === 'approval' ? { ...phase, state, given } : phase));
  return { ...rollout, phases };
}

describe('a living worker', () => {
  it('is known by its regions from its start to its orderly end', async () => {
    expect(await store().livingRegions()).toEqual([]);
    const first = await rig.worker({ regions: ['us-east', 'eu-west'], sweep: never });
    const second = await rig.worker({ regions: ['us-east'], sweep: never });
    expect(await store().livingRegions()).toEqual(['eu-west', 'us-east']);
    await first.close();
    expect(await store().livingRegions()).toEqual(['us-east']);
    await second.close();
    expect(await store().livingRegions()).toEqual([]);
  });

  it('whose clock is wrong does not serve, says so once, and serves again when it is right', async () => {
    let off = 60_000;
    const told: boolean[] = [];
    const log = { ...silent, error: vi.fn() };
    const pulse = await startPulse({
      redis: rig.redis.handle.patient(),
      key: keysOf(production).living,
      worker: 'w1',
      regions: ['us-east'],
      log,
      clock: { now: () => Date.now() + off },
      onClock: (isRight) => told.push(isRight),
      rate: { every: 20, ttl },
    });
    rig.closeLater(pulse);
    expect(await store().livingRegions()).toEqual([]);
    off = -60_000;
    await pause(100);
    expect(await store().livingRegions()).toEqual([]);
    expect(log.error).toHaveBeenCalledTimes(1);
    off = 0;
    await soon(['us-east']);
    expect(told).toEqual([false, true]);
  });

  it('of another fleet does not count', async () => {
    await rig.worker({ sweep: never });
    expect(await createStore(rig.redis.handle.caller, 'staging', belief()).livingRegions()).toEqual([]);
  });

  it('is silent soon after it was killed, and again while it is frozen', async () => {
    const killed = await workerProcess();
    await soon(['us-east']);
    killed.kill('SIGKILL');
    await soon([]);
    const frozen = await workerProcess();
    await soon(['us-east']);
    frozen.kill('SIGSTOP');
    await soon([]);
    frozen.kill('SIGCONT');
    await soon(['us-east']);
  });

  it('goes on living for much longer than one sign is good for', async () => {
    const pulse = await startPulse({
      redis: rig.redis.handle.caller,
      key: keysOf(production).living,
      worker: 'w1',
      regions: ['us-east'],
      log: silent,
      rate: { every: 50, ttl: 1_000 },
    });
    rig.closeLater(pulse);
    const end = performance.now() + 2_500;
    for (; performance.now() < end; await pause(25)) expect(await store().livingRegions()).toEqual(['us-east']);
  });

  it('does not live by a sign that is good for longer than any of ours', async () => {
    await rig.redis.handle.caller.zadd(
      keysOf(production).living,
      Date.now() + 3_600_000,
      'us-east w1',
      '+inf',
      'us-east w2',
    );
    expect(await store().livingRegions()).toEqual([]);
  });

  it('whose queue is paused still lives', async () => {
    await rig.worker({ sweep: never });
    await rig.queues().step('us-east').pause();
    await rig.control().start(quickRollout('r1'));
    await soon(['us-east']);
    await rig.queues().step('us-east').resume();
  });
});

describe('a region that nobody serves', () => {
  const warnings = () => {
    const said: string[] = [];
    return { said, log: { ...silent, warn: (_fields: object, message: string) => void said.push(message) } };
  };

  it('is told to the rollout by the publisher, and logged once in a while', async () => {
    await rig.control().start(staleApproval());
    const { said, log } = warnings();
    const publisher = await startPublisher({
      belief: belief('bot'),
      redis: rig.redis.handle,
      fleet: production,
      announcer: {
        show: async () => undefined,
        repair: async () => undefined,
        alarm: async () => undefined,
        outrun: async () => undefined,
        refusing: async () => undefined,
      },
      clock: systemClock,
      log,
      sweep: never,
    });
    rig.closeLater(publisher);
    for (let count = 0; count < 3; count += 1) await publisher.sweep();
    const ticks = (await store().journal('r1')).filter(({ event }) => event.type === 'ticked');
    expect(ticks).toMatchObject([{ event: { silent: ['us-east', 'eu-west'] } }]);
    expect(said).toEqual(['no living worker serves us-east', 'no living worker serves eu-west']);
  });

  it('is told by a worker of another region too', async () => {
    await store().create(staleApproval());
    const { said, log } = warnings();
    const worker = await rig.worker({ regions: ['eu-west'], sweep: never, log });
    await worker.sweep();
    const ticks = (await store().journal('r1')).filter(({ event }) => event.type === 'ticked');
    expect(ticks[0]).toMatchObject({ event: { silent: ['us-east'] } });
    expect(said).toEqual(['no living worker serves us-east']);
  });
});
