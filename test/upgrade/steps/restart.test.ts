import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { read } from '../../../src/upgrade/host/answer.ts';
import * as commands from '../../../src/upgrade/host/commands.ts';
import type { Release } from '../../../src/upgrade/rollout/types.ts';
import type { Command } from '../../../src/upgrade/ssh/types.ts';
import { HelperTrial, node as helped } from './helper-node.ts';
import { build, sha256 } from './little-node.ts';
import { binary, env, Trial } from './trial.ts';

const releaseOf = (version: string): Release & { path: string } => ({
  ...{ version, archive: 'binary', archiveSha256: sha256(build(version)), binarySha256: sha256(build(version)) },
  ...{ archiveBytes: 0, binaryBytes: 0, signed: null, path: '/nowhere' },
});
const asRestart = <T extends { plan: Trial['plan'] }>(trial: T): T =>
  Object.assign(trial, { plan: { ...trial.plan, change: { is: 'restart' }, release: releaseOf('v1.0.0') } });

/** Everything that lies on the node, but for what a command notes of itself. */
const files = (trial: Trial): string =>
  trial.node.exec(`sha256sum ${binary} ${env}; stat -c '%n %i %a %Y' ${binary} ${env}`);

describe('a node that is restarted', () => {
  let trial: Trial;
  beforeEach(() => {
    trial = asRestart(new Trial());
  });
  afterEach(() => trial.close());

  it('runs what it ran before, in a new process, with no file touched', async () => {
    const before = files(trial);
    expect(await trial.go('stage', 'stage', 'restart', 'verify')).toMatchObject({
      is: 'succeeded',
      facts: { proof: { sha256: sha256(build('v1.0.0')), version: 'v1.0.0' } },
    });
    expect(trial.node.restarts()).toBe(1);
    expect(files(trial)).toBe(before);
    expect(trial.run.proof?.invocation).not.toBe(trial.run.before?.invocation);
  });

  it('is restarted once, however often that is asked', async () => {
    await trial.go('stage', 'restart');
    expect(await trial.go('restart', 'restart')).toMatchObject({ is: 'succeeded' });
    expect(trial.node.restarts()).toBe(1);
  });

  it('is restarted once, also where the answer to that was lost on the way and the look before it is old', async () => {
    await trial.go('stage');
    const { before } = trial.run;
    if (before === null) throw new Error('not looked at');
    const command: Command = commands.restart({ rollout: trial.plan, attempt: trial.run.attempt }, before);
    for (let time = 0; time < 3; time++)
      expect(read(await trial.node.run('op-1', command))).toMatchObject({ is: 'ok' });
    expect(trial.node.restarts()).toBe(1);
  });

  it('is not proven by the process that ran before', async () => {
    await trial.go('stage');
    expect(await trial.go('verify')).toMatchObject({
      is: 'failed',
      reason: expect.stringMatching(/the service was not restarted: the old process still answers/),
    });
  });

  it.each([
    [
      'another binary lies there',
      (at: Trial): void => at.node.write(binary, build('v3.0.0'), 0o755),
      /would bring it up/,
    ],
    ['its binary is gone', (at: Trial): void => void at.node.exec(`rm ${binary}`), /would bring it up/],
    [
      'its environment file was changed',
      (at: Trial): void => void at.node.exec(`echo X=1 >>${env}`),
      /somebody changed .*operator\.env/,
    ],
    [
      'its environment file is gone',
      (at: Trial): void => void at.node.exec(`rm ${env}`),
      /there is no .*operator\.env/,
    ],
  ] as const)('is left running where %s since it was looked at', async (_, change, reason) => {
    await trial.go('stage');
    change(trial);
    for (const step of ['stage', 'restart'] as const)
      expect(await trial.go(step)).toMatchObject({ is: 'failed', reason: expect.stringMatching(reason) });
    expect(trial.node.restarts()).toBe(0);
  });

  it('says that it is as it was, where it was left running', async () => {
    await trial.go('stage');
    trial.node.exec(`echo X=1 >>${env}`);
    expect(await trial.go('restart')).toMatchObject({ is: 'failed', facts: { clean: true } });
    trial.run = { ...trial.run, again: true };
    expect(await trial.go('restart')).toMatchObject({ is: 'failed', facts: { clean: false } });
  });

  it.each([
    ['another binary lies there', `cp /bin/true ${binary}`, 'drift-disk'],
    ['its environment file was changed', `echo X=1 >>${env}`, 'drift-env'],
  ])('is left running by the node itself where %s right after the look', async (_, change, word) => {
    await trial.go('stage');
    if (trial.run.before === null) throw new Error('not looked at');
    trial.node.exec(change);
    const command = commands.restart({ rollout: trial.plan, attempt: trial.run.attempt }, trial.run.before);
    expect(read(await trial.node.run('op-1', command))).toMatchObject({ is: 'refused', word });
    expect(trial.node.restarts()).toBe(0);
  });

  it.each([
    ['there is no environment file', `rm ${env}`, /there is no .*operator\.env on the node/],
    ['a link is in the place of its binary', `mv ${binary} ${binary}.real; ln -s ${binary}.real ${binary}`, /link/],
  ])('is not even looked at as fit where %s', async (_, change, reason) => {
    trial.node.exec(change);
    expect(await trial.go('stage')).toMatchObject({ is: 'failed', reason: expect.stringMatching(reason) });
  });

  it('is not planned for another build than it runs', async () => {
    trial.plan = { ...trial.plan, release: releaseOf('v3.0.0') };
    expect(await trial.go('stage')).toMatchObject({
      is: 'failed',
      reason: expect.stringMatching(/plan the restart anew/),
    });
  });

  it('is left running by the node itself where it runs another build by then than lies there', async () => {
    await trial.go('stage');
    if (trial.run.before === null) throw new Error('not looked at');
    trial.node.exec(`cp ${binary} ${binary}.kept`);
    trial.node.write(binary, build('v3.0.0'), 0o755);
    trial.node.exec(`systemctl restart zeitwork-operator; mv ${binary}.kept ${binary}`);
    const restarts = trial.node.restarts();
    const command = commands.restart({ rollout: trial.plan, attempt: trial.run.attempt }, trial.run.before);
    expect(read(await trial.node.run('op-1', command))).toMatchObject({ is: 'refused', word: 'drift' });
    expect(trial.node.restarts()).toBe(restarts);
  });

  it('is stopped only while the gates are open, and says whether it was restarted before', async () => {
    await trial.go('stage');
    trial.gates = [{ name: 'window', reason: 'closed', owner: 'the clock', opensAt: null }];
    expect(await trial.go('restart')).toMatchObject({ is: 'gated', unchanged: true });
    trial.run = { ...trial.run, again: true };
    expect(await trial.go('restart')).toMatchObject({ is: 'gated', unchanged: false });
    expect(trial.node.restarts()).toBe(0);
  });

  it('is asked what is bad already in its turn, so that nobody takes it for the fault of the restart', async () => {
    const bad = { check: 'ready', node: 'op-1', is: 'bad', counts: 'bad', onBad: 'hold', says: '503', at: 0 } as const;
    const asked: string[] = [];
    const plain = trial.context.bind(trial);
    trial.context = () => ({
      ...plain(),
      checks: async (_, occasion) => {
        asked.push(`${trial.run.state.is} ${occasion}`);
        return [bad];
      },
    });
    await trial.go('stage');
    expect(asked).toEqual([]);
    const begun = { failures: 0, unknowns: 0, notBefore: 0, since: 0, lastReason: null };
    const place = { direction: 'forward', phase: 'nodes/all', index: 0, step: 'stage' } as const;
    trial.run = { ...trial.run, state: { is: 'working', ...place, ...begun } };
    await trial.go('stage', 'restart');
    expect(asked).toEqual(['working before']);
    expect(trial.run.illBefore).toMatchObject([{ check: 'ready', is: 'bad' }]);
    const reason = expect.stringMatching(/it was bad before this node was touched, too/);
    expect(await trial.go('verify')).toMatchObject({ is: 'failed', reason });
  });

  it('that went down meanwhile is started', async () => {
    await trial.go('stage');
    trial.node.exec('rm -rf proc/*; echo 0 >pid');
    expect(await trial.go('restart')).toMatchObject({ is: 'succeeded' });
    expect(trial.sights.at(-1)).toMatchObject({ down: true });
    expect(trial.node.has('proc/1/exe')).toBe(true);
  });

  it('is not touched by a command of an older run', async () => {
    await trial.go('stage', 'restart');
    trial.plan = { ...trial.plan, epoch: 1 };
    expect(await trial.go('restart')).toMatchObject({ is: 'failed', reason: expect.stringMatching(/newer/) });
    expect(trial.node.restarts()).toBe(1);
  });
});

const patience = 240_000;

describe('a node whose helper takes orders', { timeout: patience }, () => {
  it('is restarted by an order to restart, and given nothing by it', async () => {
    const trial = asRestart(await new HelperTrial().open());
    try {
      const before = { version: 'v1.0.0', sha256: sha256(build('v1.0.0')), envSha256: sha256(trial.node.read(env)) };
      const order = (which: 'restart' | 'change' | 'stage', more = {}) =>
        trial.signed(which, { release: before.sha256, archive: before.sha256, ...more });
      const turn = { rollout: trial.plan, attempt: 1 };
      const ask = async (command: ReturnType<typeof commands.restart>, presented = order('restart')) =>
        read(await trial.shell.run(helped, { ...command, presented: { order: presented, back: null } }));
      const there = { ...before, invocation: 'run-1' };
      const restart = commands.restart(turn, there);
      for (const other of ['change', 'stage'] as const)
        expect(await ask(restart, order(other))).toMatchObject({ is: 'refused', word: 'order' });
      const elsewhere = order('restart', { release: 'c'.repeat(64) });
      expect(await ask(restart, elsewhere)).toMatchObject({
        is: 'refused',
        detail: expect.stringMatching(/another release/),
      });
      for (const command of [
        commands.stage(turn, there, null),
        commands.backup(turn, there, false),
        commands.switchOver(turn, there),
        commands.restore(turn, there),
        commands.cleanup(turn, null, false),
      ])
        expect(await ask(command)).toMatchObject({ detail: expect.stringMatching(/class restart does not allow/) });
      expect(trial.node.restarts()).toBe(0);
      trial.present = () => ({ order: order('restart'), back: null });
      expect(await trial.go('stage', 'restart', 'verify')).toMatchObject({ is: 'succeeded' });
      expect(trial.node.restarts()).toBe(1);
    } finally {
      await trial.close();
    }
  });
});
