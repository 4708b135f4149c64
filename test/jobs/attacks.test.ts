import type { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import type { Probe } from '../../src/upgrade/http/types.ts';
import { todo } from '../../src/upgrade/rollout/index.ts';
import type { StepName, Task } from '../../src/upgrade/rollout/types.ts';
import type { Step, Steps } from '../../src/upgrade/steps/types.ts';
import { effects, eventually, quickRollout, workerParts } from './fixtures/parts.ts';
import { makeRig, never } from './fixtures/rig.ts';

/** What somebody who writes to Redis can make of what was decided and signed. */
const rig = makeRig();
const redis = (): Redis => rig.redis.handle.caller;

/** Steps that only write down what they were told to do. */
function listening(did: string[]): Steps {
  const { steps } = workerParts(rig.redis.handle);
  const heard =
    (name: StepName): Step =>
    async ({ node }) => {
      did.push(`${name} ${node.name}`);
      return { is: 'failed', reason: 'only heard', retry: false, facts: {} };
    };
  return Object.fromEntries(Object.keys(steps).map((name) => [name, heard(name as StepName)])) as Steps;
}

describe('a job under the name of a task that is due', () => {
  const lies: [string, Partial<Task>][] = [
    ['another step', { step: 'cleanup' }],
    ['another node', { node: 'us-east-op-3' }],
    ['a node of another region', { node: 'eu-west-op-1' }],
    ['another try', { attempt: 9 }],
    ['another rollout', { rollout: 'r2' }],
  ];

  it.each(lies)('is dropped when it says %s', async (_what, lie) => {
    const did: string[] = [];
    const rollout = quickRollout('r1', {}, {}, { regions: null });
    await rig.control().store.create(rollout);
    const [due] = todo(rollout, Date.now()).filter(({ region }) => region === 'us-east');
    if (due === undefined) throw new Error('nothing is due');
    const queue = rig.queues().step('us-east');
    await queue.add(due.step, { task: { ...due, ...lie } as Task }, { jobId: due.id });
    await redis().del('{zw}/production:open');
    await rig.worker({ sweep: never, steps: listening(did) });
    const job = await eventually(
      () => queue.getJob(due.id),
      (found) => found?.finishedOn !== undefined,
    );
    expect(did).toEqual([]);
    expect(job?.returnvalue).toBe('dropped');
  });
});

describe('a plan that is signed and says less than the settings of the worker', () => {
  it.each([
    [
      'that a node of another region is',
      { peers: { 'us-east': ['us-east-op-1', 'eu-west-op-1', 'eu-west-op-2'] } },
      {},
    ],
    ['that nobody has to be healthy', {}, { minimumHealthy: 0 }],
  ])('stops no node without its peers: %s', async (_what, changes, policy) => {
    const control = rig.control();
    const down = ['us-east-op-2', 'us-east-op-3'];
    const probe: Probe = {
      health: async (node) =>
        down.includes(node)
          ? { is: 'unreachable', detail: 'timed out' }
          : { is: 'healthy', version: null, hostname: null },
    };
    await rig.worker({ probe });
    await control.start(quickRollout('r1', changes, policy));
    const held = await eventually(
      () => control.store.load('r1'),
      (rollout) => rollout?.nodes['us-east-op-1']?.held != null || rollout?.status.is !== 'running',
    );
    expect(held?.nodes['us-east-op-1']?.held?.gates.map(({ name }) => name)).toContain('quorum');
    expect(await effects(redis())).toEqual([]);
  });
});
