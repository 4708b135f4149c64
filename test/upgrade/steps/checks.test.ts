import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AskChecks, CheckOccasion, CheckResult } from '../../../src/upgrade/checks/types.ts';
import type { StepContext } from '../../../src/upgrade/steps/types.ts';
import { Trial } from './trial.ts';

const result = (is: CheckResult['is'], more: Partial<CheckResult> = {}): CheckResult => ({
  check: 'errors',
  node: 'us-east-op-1',
  is,
  counts: is === 'bad' || is === 'unknown' ? is : 'good',
  onBad: 'hold',
  says: `it is ${is}`,
  at: 0,
  ...more,
});
const rollback = { onBad: 'rollback' } as const;

/** A node with checks: what they say is taken from a list, the last one again and again. */
class Checked extends Trial {
  before: CheckResult[] = [];
  answers: CheckResult[][] = [];
  readonly occasions: CheckOccasion[] = [];
  onAsk: () => unknown = () => undefined;

  override context(): StepContext {
    const checks: AskChecks = async (_, occasion) => {
      this.occasions.push(occasion);
      this.onAsk();
      if (occasion === 'before') return this.before;
      return (this.answers.length > 1 ? this.answers.shift() : this.answers[0]) ?? [];
    };
    return { ...super.context(), checks };
  }
}

let trial: Checked;
beforeEach(async () => {
  trial = new Checked();
  expect(await trial.go('stage')).toMatchObject({ is: 'succeeded' });
});
afterEach(() => trial.close());

async function turn(...answers: CheckResult[][]) {
  trial.answers = answers;
  return trial.go('backup', 'switch', 'verify');
}

describe('a node is proven', () => {
  it('when its checks are good as well, and the proof tells of them', async () => {
    const absent = result('absent', { check: 'live' });
    expect(await turn([result('good'), absent])).toMatchObject({
      is: 'succeeded',
      facts: { proof: { checks: { good: 1, others: [{ check: 'live', is: 'absent', counts: 'good' }] } } },
    });
    expect(trial.occasions).toEqual(['before', 'node']);
  });

  it('where it has none, as before there were any', async () => {
    const done = await turn([]);
    expect(done).toMatchObject({ is: 'succeeded' });
    expect(JSON.stringify(done)).not.toContain('checks');
  });

  it('as soon as they get better, within the time that health has', async () => {
    expect(await turn([result('bad')], [result('unknown')], [result('good')])).toMatchObject({ is: 'succeeded' });
    expect(trial.occasions).toHaveLength(4);
  });

  it('only if it is still what was proven, once its checks were made', async () => {
    trial.onAsk = () => {
      if (trial.occasions.at(-1) === 'node') trial.node.exec('systemctl restart zeitwork-operator');
    };
    expect(await turn([result('good')])).toMatchObject({ is: 'failed', reason: 'was restarted since it was proven' });
  });
});

describe('a node is not proven', () => {
  it.each<[string, () => void, RegExp]>([
    [
      'whose health broke off while its checks were made',
      () => {
        trial.node.health = async () => ({ is: 'unreachable', detail: 'no answer' });
      },
      /^health broke off while its checks were made$/,
    ],
    [
      'that nobody can look at any more once they were made',
      () => {
        trial.node.run = async () => ({ is: 'unreachable', reason: 'no route' });
      },
      /no route/,
    ],
  ])('%s', async (_, change, reason) => {
    trial.onAsk = () => trial.occasions.at(-1) === 'node' && change();
    expect(await turn([result('good')])).toMatchObject({ is: 'unknown', reason: expect.stringMatching(reason) });
  });

  it('while nobody knows what a check says, however often it is asked', async () => {
    expect(await turn([result('good', { check: 'ready' }), result('unknown')])).toEqual({
      is: 'unknown',
      reason: 'nobody knows whether it works: errors is unknown: it is unknown',
    });
  });

  it.each<[string, Partial<CheckResult>, object]>([
    ['hold', {}, { stays: true }],
    ['rollback', rollback, {}],
  ])('when a check stays bad, and %s is obeyed', async (_, more, facts) => {
    expect(await turn([result('bad', more)])).toEqual({
      is: 'failed',
      reason: 'errors is bad: it is bad',
      retry: false,
      facts,
    });
  });

  it('by what counts as bad, whatever it is called', async () => {
    const absent = result('absent', { counts: 'bad', ...rollback });
    expect(await turn([absent])).toMatchObject({ is: 'failed', reason: 'errors is absent: it is absent', facts: {} });
  });

  it('and one that wants to go back is enough', async () => {
    const both = [result('bad'), result('bad', { check: 'ready', ...rollback })];
    expect(await turn(both)).toEqual({
      is: 'failed',
      reason: 'errors is bad: it is bad; ready is bad: it is bad',
      retry: false,
      facts: {},
    });
  });
});

describe('what was bad before the turn', () => {
  it('is not asked of a node that has the release already: nothing is done to it', async () => {
    trial.run = { ...trial.run, already: true };
    trial.before = [result('bad')];
    await trial.go('backup');
    expect(trial.occasions).toEqual([]);
  });

  it('is noted, and nothing goes back for it: it would be so afterwards, too', async () => {
    trial.before = [result('bad', rollback), result('good', { check: 'ready' })];
    expect(await turn([result('bad', rollback)])).toEqual({
      is: 'failed',
      reason: 'errors is bad: it is bad (it was bad before this node was touched, too)',
      retry: false,
      facts: { stays: true },
    });
    expect(trial.run.illBefore).toEqual([{ check: 'errors', is: 'bad', counts: 'bad', says: 'it is bad' }]);
  });

  it('is noted of every check, however many: an outage makes all of them bad at once', async () => {
    trial.before = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((check) => result('bad', { check, ...rollback }));
    expect(await turn(trial.before)).toMatchObject({ is: 'failed', facts: { stays: true } });
  });

  it('excuses no other check', async () => {
    trial.before = [result('bad', rollback)];
    const both = [result('bad', rollback), result('bad', { check: 'ready', ...rollback })];
    expect(await turn(both)).toMatchObject({ is: 'failed', facts: {} });
  });

  it('is no bar where the release mends it', async () => {
    trial.before = [result('bad', rollback)];
    expect(await turn([result('good')])).toMatchObject({ is: 'succeeded' });
  });

  it('and nobody knew says nothing of the release either way', async () => {
    trial.before = [result('unknown', rollback)];
    expect(await turn([result('bad', rollback)])).toEqual({
      is: 'failed',
      reason: 'errors is bad: it is bad',
      retry: false,
      facts: {},
    });
  });
});

it('a way back waits for no check', async () => {
  expect(await turn([result('good')])).toMatchObject({ is: 'succeeded' });
  trial.answers = [[result('bad')]];
  const asked = trial.occasions.length;
  expect(await trial.go('restore', 'verify-restored')).toMatchObject({ is: 'succeeded' });
  expect(trial.occasions).toHaveLength(asked);
});
