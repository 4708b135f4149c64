import { expect, it } from 'vitest';
import { tallied } from '../../src/jobs/tallies.ts';
import type { AskChecks, CheckResult } from '../../src/upgrade/checks/types.ts';
import { systemClock } from './fixtures/parts.ts';

const result = (node: string, check: string, counts: CheckResult['counts'], says: string = counts): CheckResult => ({
  ...{ node, check, counts, says, is: counts, onBad: 'hold', at: 1 },
});
const never = new AbortController().signal;
/** Its limit passes at once. */
const hurried = { sleep: async (ms: number) => systemClock.sleep(Math.min(ms, 20)) };

it('counts as good only the nodes that were asked this, answered in time, and are good', async () => {
  const ask: AskChecks = async (node, occasion, signal) => {
    expect(occasion).toBe('all');
    if (node === 'a') return [result(node, 'ready', 'good'), result(node, 'log', 'bad', '9 errors')];
    if (node === 'b') return [result(node, 'ready', 'unknown', 'no data'), result(node, 'log', 'good')];
    if (node === 'c') throw new Error('ssh broke');
    if (node === 'd') return [];
    return new Promise((_, fail) => signal.addEventListener('abort', () => fail(new Error('late'))));
  };
  expect(await tallied(['ready', 'log'], ['a', 'b', 'c', 'd', 'e'], ask, hurried, never)).toEqual({
    ready: { of: 5, not: ['b: no data', 'c: no answer', 'd: no answer', 'e: no answer'] },
    log: { of: 5, not: ['a: 9 errors', 'c: no answer', 'd: no answer', 'e: no answer'] },
  });
});

it('ends with the task that it belongs to', async () => {
  const over = AbortSignal.abort(new Error('taken over'));
  await expect(tallied(['ready'], ['a'], async () => [], hurried, over)).resolves.toMatchObject({ ready: { of: 1 } });
  const broken: AskChecks = () => Promise.reject(new Error('cut'));
  await expect(tallied(['ready'], ['a'], broken, hurried, over)).rejects.toThrow('taken over');
});
