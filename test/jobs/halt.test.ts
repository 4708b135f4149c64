import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Halted, heeding } from '../../src/jobs/halt.ts';
import { createLedger, createStore, type RolloutStore, stopFile } from '../../src/jobs/index.ts';
import { recorder } from '../../src/jobs/record.ts';
import { type StepParts, taskRunner } from '../../src/jobs/step.ts';
import { todo } from '../../src/upgrade/rollout/index.ts';
import type { Halt, StepName, Task } from '../../src/upgrade/rollout/types.ts';
import type { Command, Shell } from '../../src/upgrade/ssh/types.ts';
import type { Step } from '../../src/upgrade/steps/types.ts';
import { belief } from '../support/belief.ts';
import { fc } from '../support/fast-check.ts';
import { startTestRedis, type TestRedis } from '../support/redis.ts';
import { effects, quickRollout, workerParts } from './fixtures/parts.ts';

const folder = mkdtempSync(join(tmpdir(), 'zeitwork-halt-'));
const file = join(folder, 'STOP');
const ask = stopFile(file, 'worker-1');
const clear: Halt = { is: 'clear' };
const lies: Halt = { is: 'lies', reason: 'STOP lies on the worker of us-east (worker-1): disk swap' };
afterEach(() => rmSync(file, { recursive: true, force: true }));

describe('the file that stops everything', () => {
  const said = (more: string): Halt => ({
    is: 'lies',
    reason: `${file} lies on the worker of us-east (worker-1)${more}`,
  });

  it('is looked for anew each time', async () => {
    expect(await ask('us-east')).toEqual(clear);
    writeFileSync(file, '');
    expect(await ask('us-east')).toEqual(said(''));
    rmSync(file);
    expect(await ask('us-east')).toEqual(clear);
  });

  it.each([
    ['its first line', 'disk swap in rack 4, ana\nmore', ': disk swap in rack 4, ana'],
    ['no secret of it', 'ask ana, token=s3cret-abc', ': ask ana, token=***'],
    ['nothing that a terminal obeys', '\u001b[31mred\u0007', ': red'],
    ['no more than people read', 'x y '.repeat(400), `: ${'x y '.repeat(40)}`],
  ])('tells %s', async (_, text, more) => {
    writeFileSync(file, text);
    expect(await ask('us-east')).toEqual(said(more));
  });

  it('stops whatever it is, and wherever nobody can see whether it is there', async () => {
    mkdirSync(file);
    expect(await ask('us-east')).toEqual(said(''));
    rmSync(file, { recursive: true });
    symlinkSync('/nowhere/at/all', file);
    expect(await ask('us-east')).toEqual(said(''));
    rmSync(file);
    writeFileSync(file, '');
    expect(await stopFile(join(file, 'below'), 'worker-1')('us-east')).toMatchObject({
      is: 'lies',
      reason: expect.stringMatching(/^nobody can see whether .* lies on the worker of us-east \(worker-1\): ENOTDIR$/),
    });
  });
});

describe('a directory that machines share and that does not answer', () => {
  it('stops everything, and keeps one look at a time waiting', async () => {
    let began = 0;
    const answers: ((found: { is: 'nothing' }) => void)[] = [];
    const ask = stopFile(file, 'worker-1', () => {
      began += 1;
      return new Promise((resolve) => answers.push(resolve));
    });
    const unseen = { is: 'lies', reason: expect.stringMatching(/^nobody can see whether .*: no answer$/) };
    expect(await Promise.all([ask('us-east'), ask('us-east')])).toEqual([unseen, unseen]);
    expect(await ask('us-east')).toEqual(unseen);
    expect(began).toBe(1);
    answers[0]?.({ is: 'nothing' });
    // What was seen before it was asked says nothing of now.
    const asked = ask('us-east');
    await expect.poll(() => began).toBe(2);
    answers[1]?.({ is: 'nothing' });
    expect(await asked).toEqual(clear);
  });
});

/** A shell on a clock of its own, which takes `delays` to send, and sends nothing after `sendWithinMs`. */
function slowShell(delays: number[]) {
  const time = { now: 0 };
  const sent: { name: string; at: number }[] = [];
  const take = () => delays.shift() ?? 0;
  const shell: Shell = {
    async run(_, command) {
      const delay = take();
      if (delay > (command.sendWithinMs ?? Number.POSITIVE_INFINITY)) {
        time.now += command.sendWithinMs ?? 0;
        return { is: 'unreachable', reason: 'no session in time' };
      }
      time.now += delay;
      sent.push({ name: command.name, at: time.now });
      return { is: 'exited', code: 0, stdout: '', stderr: '' };
    },
    async put() {
      sent.push({ name: 'put', at: time.now });
      return { is: 'sent', bytes: 1 };
    },
    close: async () => undefined,
  };
  const sleep = (_: number, signal?: AbortSignal) =>
    new Promise<void>((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
  return { shell, sent, time, clock: { monotonic: () => time.now, sleep } };
}
const change: Command = { name: 'switch', script: '', args: [], sudo: true, timeoutMs: 1 };
const look: Command = { ...change, name: 'look', looks: true };

describe('whoever stops everything', () => {
  it('waits at most two seconds: nothing that changes a node begins later, and looks go on', async () => {
    const delay = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 20_000 }));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom('run', 'put', 'look'), delay, fc.boolean()), { maxLength: 12 }),
        fc.integer({ min: 0, max: 30_000 }),
        async (commands, stoppedAt) => {
          const { shell, sent, time, clock } = slowShell(commands.map(([, each]) => each));
          const heeded = heeding(shell, async () => (time.now >= stoppedAt ? lies : clear), clock);
          let halted = 0;
          for (const [what, , isBound] of commands) {
            const bound = isBound ? { sendWithinMs: 5_000 } : {};
            const done =
              what === 'put'
                ? heeded.put('n', 'a', 'b')
                : heeded.run('n', { ...(what === 'run' ? change : look), ...bound });
            await done.catch((error: unknown) => {
              if (!(error instanceof Halted)) throw error;
              halted += 1;
            });
            time.now += 1;
          }
          const late = sent.filter(({ name, at }) => name !== 'look' && at > stoppedAt + 2_000);
          expect(late).toEqual([]);
          expect(halted + sent.length).toBeLessThanOrEqual(commands.length);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('waits no longer where the look for the file itself takes a while', async () => {
    const { shell, sent, time, clock } = slowShell([1_500]);
    const slowly = async (): Promise<Halt> => {
      const said = time.now > 0 ? lies : clear;
      time.now += 600;
      return said;
    };
    await expect(heeding(shell, slowly, clock).run('n', change)).rejects.toThrow(Halted);
    expect(sent).toEqual([]);
  });

  it('has a transfer cut short that is on its way, or not begun for want of a connection', async () => {
    const { shell, time } = slowShell([]);
    let giveUp: (error: Error) => void = () => {};
    const connecting: Shell = {
      ...shell,
      put: (_node, _from, _to, signal) =>
        new Promise((_, reject) => {
          giveUp = reject;
          signal?.addEventListener('abort', () => reject(signal.reason));
        }),
    };
    const clock = {
      monotonic: () => time.now,
      sleep: async (ms: number, signal?: AbortSignal) => {
        signal?.throwIfAborted();
        if (time.now > 60_000) giveUp(new Error('it was not cut short'));
        if (time.now > 60_000) throw new Error('nobody waits any more');
        time.now += ms;
      },
    };
    const heeded = heeding(connecting, async () => (time.now >= 5_300 ? lies : clear), clock);
    await expect(heeded.put('n', 'a', 'b')).rejects.toThrow(Halted);
    expect(time.now).toBeLessThanOrEqual(5_300 + 2_000);
  });

  it('keeps no slow connection from what it is for: the file is looked for again', async () => {
    const { shell, sent, clock } = slowShell([4_000, 4_000, 100]);
    let asked = 0;
    const heeded = heeding(
      shell,
      async () => {
        asked += 1;
        return clear;
      },
      clock,
    );
    expect(await heeded.run('n', change)).toMatchObject({ is: 'exited' });
    expect({ sent: sent.length, asked }).toEqual({ sent: 1, asked: 3 });
  });
});

describe('a worker', () => {
  let redis: TestRedis;
  let store: RolloutStore;
  let ledger: ReturnType<typeof createLedger>;
  beforeAll(async () => {
    redis = await startTestRedis();
  });
  beforeEach(() => {
    store = createStore(redis.handle.caller, 'production', belief());
    ledger = createLedger(redis.handle.caller, 'production', belief());
  });
  afterAll(() => redis.stop());
  afterEach(() => redis.handle.caller.flushall());

  const quiet = new AbortController().signal;
  const record = (...args: Parameters<ReturnType<typeof recorder>>) => recorder(store, async () => undefined)(...args);
  const runner = (changes: Partial<StepParts> = {}) =>
    taskRunner({
      ...workerParts(redis.handle),
      store,
      ledger,
      record,
      orders: async () => null,
      halt: ask,
      ...changes,
    });
  const now = async () => (await store.load('r1')) ?? quickRollout('r1');
  const node = async () => (await now()).nodes['us-east-op-1'];

  async function due(): Promise<Task> {
    let task: Task | undefined;
    await expect
      .poll(async () => {
        [task] = todo(await now(), Date.now());
        return task;
      })
      .toBeDefined();
    if (task === undefined) throw new Error('nothing is due');
    return task;
  }
  async function reach(step: StepName): Promise<Task> {
    for (let count = 0; count < 40; count += 1) {
      const task = await due();
      if (task.step === step) return task;
      await runner()(task, quiet);
    }
    throw new Error(`${step} never came`);
  }
  const stop = () => writeFileSync(file, 'disk swap, ana');

  it.each<[StepName, object]>([
    ['stage', { state: { is: 'staging' }, touched: false }],
    ['backup', { state: { is: 'ready' }, touched: false }],
    ['switch', { state: { is: 'ready' }, touched: false }],
    ['cleanup', { state: { is: 'working', step: 'cleanup' }, touched: true }],
  ])('begins no %s while it lies there, says why, and goes on when it is removed', async (step, left) => {
    await store.create(quickRollout('r1'));
    const task = await reach(step);
    const before = await effects(redis.handle.caller);
    stop();
    let ran = false;
    const watched: Step = async (context) => {
      ran = true;
      return workerParts(redis.handle).steps[step](context);
    };
    const parts = { steps: { ...workerParts(redis.handle).steps, [step]: watched } };
    expect(await runner(parts)(task, quiet)).toBe('gated');
    // A step that asks the gates itself looks first.
    expect(ran).toBe(step === 'switch');
    expect(await effects(redis.handle.caller)).toEqual(before);
    expect(await node()).toMatchObject({
      ...left,
      held: {
        gates: [
          {
            name: 'halt',
            reason: expect.stringMatching(/STOP lies on the worker of us-east \(worker-1\): disk swap, ana$/),
          },
        ],
      },
    });
    rmSync(file);
    await reach('verify').catch(() => undefined);
    expect((await node())?.touched).toBe(true);
  });

  it('begins no way back either, and begins it when it is removed', async () => {
    await store.create(quickRollout('r1', {}, { watch: 0 }));
    await reach('cleanup').then((task) => runner()(task, quiet));
    await record('r1', { type: 'rollback-asked', at: Date.now(), by: 'U1', scope: { is: 'all' }, epoch: 0 });
    const task = await reach('restore');
    stop();
    expect(await runner()(task, quiet)).toBe('gated');
    expect(await effects(redis.handle.caller)).not.toContain('restore us-east-op-1');
    expect((await node())?.held?.gates).toMatchObject([{ name: 'halt' }]);
    rmSync(file);
    await reach('restore').then((again) => runner()(again, quiet));
    expect(await effects(redis.handle.caller)).toContain('restore us-east-op-1');
  });

  it('is stopped also by a file that is put there while the gates are asked', async () => {
    await store.create(quickRollout('r1'));
    const task = await reach('switch');
    const { probe } = workerParts(redis.handle);
    const slow: StepParts['probe'] = {
      health: async (name) => {
        stop();
        return probe.health(name);
      },
    };
    expect(await runner({ probe: slow })(task, quiet)).toBe('gated');
    expect(await effects(redis.handle.caller)).toEqual([]);
  });

  it('is stopped between its gates and what it sends, and nothing was sent then', async () => {
    await store.create(quickRollout('r1'));
    const task = await reach('switch');
    const sending: Step = async ({ shell, gates, node: { name } }) => {
      expect(await gates({ down: false, unchanged: true })).toEqual([]);
      stop();
      await shell.run(name, change);
      throw new Error('it was sent');
    };
    const parts = { steps: { ...workerParts(redis.handle).steps, switch: sending } };
    expect(await runner(parts)(task, quiet)).toBe('gated');
    expect((await node())?.held?.gates).toMatchObject([{ name: 'halt' }]);
  });

  it('tells of it in a look, before any step was tried', async () => {
    await store.create(quickRollout('r1'));
    const isLookDue = async () => {
      for (let count = 0; count < 40; count += 1) {
        const task = await due();
        if (task.step === 'watch' || task.step === 'prove') return task;
        await runner()(task, quiet);
      }
      throw new Error('no look came');
    };
    const task = await isLookDue();
    stop();
    await runner()(task, quiet);
    expect((await now()).looks['us-east']?.halt).toMatchObject({ is: 'lies' });
  });
});
