import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { backQuestion } from '../../../src/upgrade/rollout/index.ts';
import { seeWayBack } from '../../../src/upgrade/steps/index.ts';
import { backups, binary, env, Trial } from './trial.ts';

describe('a look at the way back of a node', () => {
  let trial: Trial;
  beforeEach(async () => {
    trial = new Trial();
    await trial.go('stage', 'backup', 'switch', 'verify');
  });
  afterEach(() => trial.close());

  const look = (shell: Parameters<typeof seeWayBack>[3] = trial.node) => {
    const question = backQuestion(trial.plan, { ...trial.run, touched: true });
    if (question === null) throw new Error('nothing was recorded');
    return seeWayBack('us-east-op-1', question, trial.plan.service, shell, 5_000);
  };

  it('finds what a rollback needs, and changes nothing', async () => {
    const before = trial.node.snapshot();
    expect(await look()).toBe('ready');
    expect(trial.node.snapshot()).toBe(before);
    expect(trial.node.restarts()).toBe(1);
    expect(await trial.go('restore', 'verify-restored')).toMatchObject({ is: 'succeeded' });
  });

  it.each([
    ['a backup that is gone', `rm -rf ${backups}/v1.0.0-*`, 'no backup'],
    ['a backup that is damaged', `echo x >>"$(echo ${backups}/v1.0.0-*/binary)"`, 'no backup'],
    ['another environment', `echo MORE=1 >>${env}`, 'other environment'],
    ['no environment any more', `rm ${env}`, 'other environment'],
    ['a binary of somebody', `rm ${binary}; echo hello >${binary}`, 'other binary'],
  ] as const)('names %s, at which a rollback would stop', async (_, command, seen) => {
    trial.node.exec(command);
    expect(await look()).toBe(seen);
    expect(await trial.go('restore')).toMatchObject({ is: 'failed' });
  });

  it('claims nothing of a node that does not answer', async () => {
    const silent = {
      run: async () => ({ is: 'unreachable' as const, reason: 'no route' }),
      put: trial.node.put,
      close: trial.node.close,
    };
    expect(await look(silent)).toBe('unseen');
  });
});
