import { describe, expect, it } from 'vitest';
import { answer } from '../../src/jobs/ask.ts';
import { guardOf } from '../../src/jobs/guard.ts';
import type { LookFor } from '../../src/jobs/types.ts';
import type { AskChecks } from '../../src/upgrade/checks/types.ts';
import { fit, newImage, recorded } from '../support/rollouts.ts';
import { silent, workerParts } from './fixtures/parts.ts';
import { makeRig } from './fixtures/rig.ts';

const rig = makeRig();
const { worker, control } = rig;

describe('asking', () => {
  const where = { name: 'us-east-op-1', region: 'us-east' };

  it('brings back what a worker of the region sees', async () => {
    await worker();
    const { survey, diagnose } = control();
    expect(await survey([where, { name: 'us-east-op-2', region: 'us-east' }], 5_000)).toMatchObject([
      { node: 'us-east-op-1', healthy: true, version: 'v1.0.0' },
      { node: 'us-east-op-2', healthy: true },
    ]);
    expect(await diagnose(where, 5_000)).toEqual({ summary: 'us-east-op-1 is fine', evidence: [] });
  });

  it('looks for a plan at what work rests on, and otherwise does not', async () => {
    const asked: string[] = [];
    const surveyForWork = async (node: { name: string; region: string }) => {
      asked.push(node.name);
      return { ...(await workerParts(rig.redis.handle).survey(node, new AbortController().signal)), fitness: fit };
    };
    await worker({ surveyForWork });
    const [seen] = await control().survey([where], 5_000, 'work');
    expect(seen).toMatchObject({ healthy: true, fitness: fit });
    const [quick] = await control().survey([where], 5_000);
    expect(quick?.fitness).toBeUndefined();
    expect(asked).toEqual(['us-east-op-1']);
  });

  it('asks for a plan, and for whoever verifies, what the settings want to know of each node, and otherwise does not', async () => {
    const asked: unknown[] = [];
    const checks: AskChecks = async (node, occasion) => {
      asked.push([node, occasion]);
      return [{ check: 'ready', node, is: 'good', counts: 'good', onBad: 'hold', says: 'it answered 200', at: 0 }];
    };
    const { survey } = workerParts(rig.redis.handle);
    await worker({ checks, surveyForWork: (node, signal) => survey(node, signal) });
    const looks = async (how?: LookFor) => (await control().survey([where], 5_000, how))[0]?.checks;
    expect(await looks('checked')).toMatchObject([{ check: 'ready', is: 'good' }]);
    expect(await looks('work')).toMatchObject([{ check: 'ready', is: 'good' }]);
    expect([await looks(), await looks('whole')]).toEqual([undefined, undefined]);
    expect(asked).toEqual(Array(2).fill(['us-east-op-1', 'all']));
  });

  it('looks for the way back of the nodes of which that is asked, by what is asked', async () => {
    const question = { before: recorded, release: newImage, kept: null };
    const asked: unknown[] = [];
    await worker({
      wayBack: async (...what) => {
        asked.push(what.slice(0, 2));
        return 'other binary';
      },
    });
    const both = [where, { name: 'us-east-op-2', region: 'us-east' }];
    const seen = await control().survey(both, 5_000, 'answer', { 'us-east-op-1': question });
    expect(seen.map(({ back }) => back)).toEqual(['other binary', undefined]);
    expect(asked).toEqual([['us-east-op-1', question]]);
  });

  it('shows a node as unreachable when no worker of its region answers', async () => {
    await worker({ regions: ['us-east'] });
    const { survey, diagnose } = control();
    const lonely = { name: 'ap-south-op-1', region: 'ap-south' };
    const [here, there] = await survey([where, lonely], 1_000);
    expect(here).toMatchObject({ healthy: true });
    expect(there).toMatchObject({
      node: 'ap-south-op-1',
      healthy: false,
      unit: null,
      detail: 'no worker of ap-south answered within 1 s',
    });
    expect((await diagnose(lonely, 500)).summary).toMatch(/no worker of ap-south/);
  });

  it('is not answered any more once nobody waits', async () => {
    const looking = workerParts(rig.redis.handle);
    const parts = { ...looking, guard: guardOf(looking.fleet, 'us-east') };
    const ask = { ask: 'survey', node: 'us-east-op-1', region: 'us-east', nonce: 'n' } as const;
    const { signal } = new AbortController();
    expect(await answer({ ...ask, until: Date.now() - 1 }, parts, signal)).toBeNull();
    expect(await answer({ ...ask, until: Date.now() + 60_000 }, parts, signal)).not.toBeNull();
  });

  it('is not answered for a node that the worker does not have in its settings', async () => {
    const warned: object[] = [];
    await worker({ log: { ...silent, warn: (fields) => void warned.push(fields) } });
    const [seen] = await control().survey([{ name: 'us-east-op-9', region: 'us-east' }], 5_000);
    expect(seen).toMatchObject({
      healthy: false,
      detail: 'the worker that was asked does not have us-east-op-9 in us-east in its settings',
    });
    expect(warned).toMatchObject([{ ask: 'survey', node: 'us-east-op-9', region: 'us-east' }]);
  });

  it('shows what broke, without its secrets, when a worker cannot answer', async () => {
    const survey = async (): Promise<never> => {
      throw new Error('bad settings: SLACK_TOKEN=abc123');
    };
    await worker({ survey });
    const [seen] = await control().survey([where], 5_000);
    expect(seen).toMatchObject({ healthy: false, detail: 'bad settings: SLACK_TOKEN=***' });
  });
});
