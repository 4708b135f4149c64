import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { collect } from '../../src/jobs/evidence.ts';
import { askingBeside, createCompatible, createLedger, createStore } from '../../src/jobs/index.ts';
import { asWeKnow, disagreement } from '../../src/jobs/own-settings.ts';
import { recorder } from '../../src/jobs/record.ts';
import { taskRunner } from '../../src/jobs/step.ts';
import { subjectOf } from '../../src/jobs/subject.ts';
import { plan, todo } from '../../src/upgrade/rollout/index.ts';
import type { NodeTask, Rollout } from '../../src/upgrade/rollout/types.ts';
import type { Step } from '../../src/upgrade/steps/types.ts';
import { belief } from '../support/belief.ts';
import { startTestRedis, type TestRedis } from '../support/redis.ts';
import { agent, agentRelease, bothOf, fleetOf, inputOf, release, service, siblingsOf } from '../support/rollouts.ts';
import { silent, workerParts } from './fixtures/parts.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startTestRedis();
});
afterAll(() => redis.stop());
afterEach(() => redis.handle.caller.flushall());

const fleet = siblingsOf(fleetOf({}, { windows: 'always' }), ['agent']);
const rolloutOf = (changes = {}): Rollout => {
  const now = Date.now();
  return plan(inputOf(fleet, { ...bothOf(), now, epoch: now, ...changes }));
};

describe('a worker of two services', () => {
  it('works on a node with its own service and release', async () => {
    const store = createStore(redis.handle.caller, 'production', belief());
    const ledger = createLedger(redis.handle.caller, 'production', belief());
    const record = (...args: Parameters<ReturnType<typeof recorder>>) =>
      recorder(store, async () => undefined)(...args);
    const archives: string[] = [];
    const seen: Record<string, unknown> = {};
    const stage: Step = async ({ rollout, node, archive }) => {
      await archive();
      seen[node.name] = [rollout.service, rollout.release];
      return { is: 'succeeded', facts: {} };
    };
    const parts = workerParts(redis.handle);
    const run = taskRunner({
      ...parts,
      ...{ fleet, store, ledger, record, orders: async () => null, log: silent },
      steps: { ...parts.steps, stage },
      archives: async ({ archive }) => {
        archives.push(archive);
        return archive;
      },
    });
    const rollout = rolloutOf();
    await store.create(rollout);
    const names = ['us-east-op-1/operator', 'us-east-op-1/agent'];
    for (const task of todo(rollout, Date.now()).filter(({ node }) => names.includes(node)))
      await run(task, new AbortController().signal);
    expect(seen).toEqual({ [names[0] ?? '']: [service, release], [names[1] ?? '']: [agent, agentRelease] });
    expect(archives.sort()).toEqual([agentRelease.archive, release.archive].sort());
  });

  it('does nothing with settings that know the sibling otherwise, and all with the other one', () => {
    const [first, second] = fleet.services ?? [];
    if (first === undefined || second === undefined) throw new Error('two services');
    const moved = { ...second, service: { ...second.service, unit: 'agent-of-old' } };
    const own = { ...fleet, services: [first, moved] };
    const task = (node: string): NodeTask => ({
      ...{ id: 'x', rollout: 'r1', run: 1, attempt: 1, step: 'backup' },
      ...{ node, region: `us-east/${node.split('/')[1]}` },
    });
    expect(disagreement(task('us-east-op-1/operator'), rolloutOf(), own)).toBe(null);
    expect(disagreement(task('us-east-op-1/agent'), rolloutOf(), own)).toMatchObject({
      is: 'failed',
      reason: 'the settings of this worker say otherwise than the plan, service: unit',
    });
  });

  it('counts as blinded what its own settings say, whatever the plan says', () => {
    const { blinds: _, ...without } = rolloutOf();
    expect(asWeKnow(without, fleet).blinds).toEqual({ operator: ['agent'] });
    expect(asWeKnow({ ...without, blinds: { operator: ['lb'] } }, fleet).blinds).toEqual({ operator: ['agent', 'lb'] });
  });

  it('asks for the standing of what counts with a region, too', async () => {
    const ledger = createLedger(redis.handle.caller, 'production', belief());
    const place = { region: 'us-east/operator', nodes: ['us-east-op-1/operator'], release, before: {} };
    const parts = { ...workerParts(redis.handle), ledger };
    const { standing } = await collect(['standing'], { ...place, beside: ['us-east-op-1/agent'] }, parts);
    expect(Object.keys(standing).sort()).toEqual(['us-east-op-1/agent', 'us-east-op-1/operator']);
  });
});

describe('what approvers sign', () => {
  it('is every binary that is brought', () => {
    const other = { ...agentRelease, binarySha256: '9'.repeat(64) };
    expect(subjectOf(rolloutOf())).not.toBe(subjectOf(rolloutOf(bothOf(release, other))));
    expect(subjectOf(plan(inputOf(fleetOf())))).toBe(release.binarySha256);
  });
});

describe('versions that go together', () => {
  const rows = [{ operator: '2.0.x', agent: '1.1.x', schema: null, from: null, before: null, after: null }];
  const known = { ...fleet, compatibility: rows };
  const runs = async (node: string) => (node.endsWith('/agent') ? 'v1.0.0' : 'v2.0.0');
  const beside = { fleet: known, runs };

  it('are asked of the agents that the fleet runs', async () => {
    const ask = askingBeside(async () => ({}), beside);
    const place = { region: 'us-east/operator', nodes: ['us-east-op-1/operator'], release, before: {} };
    expect(await createCompatible(rows, ask, beside)(place)).toMatchObject({
      is: 'refused',
      reasons: ['v2.0.0 needs agents from v1.1.x; us-east-op-1/agent runs v1.0.0: upgrade its agent first'],
    });
  });

  it('hold an agent that the operator beside it does not work with', async () => {
    const at = (version: string) => ({
      ...{ region: 'us-east/agent', nodes: ['us-east-op-1/agent'], before: {} },
      release: { ...agentRelease, version },
    });
    const ask = createCompatible(rows, async () => ({}), beside);
    expect(await ask(at('v1.1.0'))).toEqual({ is: 'compatible' });
    expect(await ask(at('v1.2.0'))).toMatchObject({ is: 'refused' });
  });
});
