import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { askAll, lookAt } from '../../src/jobs/looks.ts';
import type { AskChecks } from '../../src/upgrade/checks/types.ts';
import type { Health, Probe } from '../../src/upgrade/http/types.ts';
import type { ProofLook } from '../../src/upgrade/proof/types.ts';
import type { BackSeen, NodeRun } from '../../src/upgrade/rollout/types.ts';
import { nodeRun } from '../upgrade/steps/support.ts';

const healthy: Health = { is: 'healthy', version: 'v2.0.0', hostname: null };
const refused: Health = { is: 'unreachable', detail: 'connection refused', refused: true };
const silent: Health = { is: 'unreachable', detail: 'no full answer within 3 s' };
const sick: Health = { is: 'unhealthy', httpStatus: 503, detail: '503 starting' };
const clock = { sleep: async () => undefined };

/** Answers one after another, the last one for ever. */
function answering(...answers: Health[]): { probe: Probe; asked: () => number } {
  let asked = 0;
  const probe: Probe = {
    health: async () => {
      asked += 1;
      return answers[Math.min(asked, answers.length) - 1] ?? silent;
    },
  };
  return { probe, asked: () => asked };
}

describe('what HTTP proves of a node', () => {
  const table: [string, Health[], string, number][] = [
    ['one healthy answer', [healthy], 'healthy', 1],
    ['three refusals in a row', [refused, refused, refused], 'down', 3],
    ['three wrong answers in a row', [sick, sick, sick], 'down', 3],
    ['refusals and wrong answers, mixed', [refused, sick, refused], 'down', 3],
    ['silence', [silent], 'unclear', 1],
    ['a refusal, then silence', [refused, silent], 'unclear', 2],
    ['a refusal, then a healthy answer', [refused, healthy], 'unclear', 2],
    ['two wrong answers, then a healthy one', [sick, sick, healthy], 'unclear', 3],
  ];
  it.each(table)('%s', async (_what, answers, standing, times) => {
    const { probe, asked } = answering(...answers);
    expect(await askAll(probe, ['n'], clock)).toMatchObject({ n: { standing } });
    expect(asked()).toBe(times);
  });

  it('a probe that breaks proves nothing', async () => {
    const probe: Probe = { health: () => Promise.reject(new Error('bug')) };
    expect(await askAll(probe, ['n'], clock)).toEqual({ n: { standing: 'unclear', detail: 'bug' } });
  });
});

describe('a look at a region', () => {
  const finished: NodeRun = nodeRun({
    name: 'a',
    proof: { sha256: 'x', invocation: 'i', mainPid: 1, restarts: 0, version: null, soaked: 1 },
  });
  const look = (proof: ProofLook, ...answers: Health[]) =>
    lookAt(
      ['a', 'b'],
      [finished],
      { probe: answering(...answers).probe, stillProven: async () => proof, clock },
      new AbortController().signal,
    );

  it('asks for the proof of what is finished, and of nothing else', async () => {
    expect(await look({ is: 'holds' }, healthy)).toMatchObject({
      a: { standing: 'healthy', proof: 'holds' },
      b: { standing: 'healthy', proof: 'not asked' },
    });
  });

  it('does not wait for one node that hangs: the answers of all others would grow old', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const hanging = lookAt(
      ['a'],
      [finished],
      { probe: answering(healthy).probe, stillProven: () => new Promise(() => undefined), clock },
      new AbortController().signal,
    );
    await vi.advanceTimersByTimeAsync(12_000);
    expect((await hanging).a).toMatchObject({ standing: 'healthy', proof: 'unseen' });
  });

  it('tells of a way back where it is asked for, and loses no proof by one that hangs', async () => {
    const never = { sleep: () => new Promise<undefined>(() => undefined) };
    const ready = async (): Promise<BackSeen> => 'ready';
    const told = (way: () => Promise<BackSeen> | null, time: Parameters<typeof lookAt>[2]['clock'] = never) => {
      const parts = { probe: answering(healthy).probe, stillProven: async () => ({ is: 'holds' }) as const };
      return lookAt(['a', 'b'], [finished], { ...parts, clock: time }, new AbortController().signal, way);
    };
    expect((await told(ready)).a).toMatchObject({ proof: 'holds', back: 'ready' });
    expect((await told(() => null)).a).not.toHaveProperty('back');
    expect((await told(ready)).b).not.toHaveProperty('back');
    expect((await told(() => new Promise(() => undefined), clock)).a).toMatchObject({ proof: 'holds', back: 'unseen' });
  });

  it('tells what the settings ask of what is finished, and loses nothing else by a node that hangs', async () => {
    const never = { sleep: () => new Promise<undefined>(() => undefined) };
    const asked: unknown[] = [];
    const told = (checks: AskChecks | undefined, time: Parameters<typeof lookAt>[2]['clock'] = never) => {
      const parts = {
        probe: answering(healthy).probe,
        stillProven: async () => ({ is: 'holds' }) as const,
        clock: time,
      };
      const all = checks === undefined ? parts : { ...parts, checks };
      return lookAt(['a', 'b'], [finished], all, new AbortController().signal);
    };
    const bad = { check: 'errors', node: 'a', is: 'bad', counts: 'bad', onBad: 'hold', says: '7 %', at: 0 } as const;
    const seen = await told(async (...what) => {
      asked.push(what.slice(0, 2));
      return [bad, { ...bad, check: 'ready', is: 'good', counts: 'good' }];
    });
    expect(seen.a).toMatchObject({
      ...{ standing: 'healthy', proof: 'holds' },
      checks: { good: 1, others: [{ check: 'errors', is: 'bad', counts: 'bad', says: '7 %' }] },
    });
    expect(seen.b).not.toHaveProperty('checks');
    expect(asked).toEqual([['a', 'watch']]);
    expect((await told(async () => [])).a).not.toHaveProperty('checks');
    expect((await told(undefined)).a).not.toHaveProperty('checks');
    const hanging = await told(() => new Promise(() => undefined), clock);
    expect(hanging.a?.checks?.others).toMatchObject([{ is: 'unknown', counts: 'unknown', says: 'no answer in time' }]);
  });

  it('says why a proof does not hold although health is well', async () => {
    const seen = await look({ is: 'broken', reason: 'was restarted since it was proven' }, healthy);
    expect(seen.a).toEqual({ standing: 'healthy', proof: 'broken', detail: 'was restarted since it was proven' });
  });

  it('says what health says when that is not well', async () => {
    expect((await look({ is: 'broken', reason: 'x' }, sick)).a).toMatchObject({
      standing: 'down',
      detail: '503 starting',
    });
  });
});
