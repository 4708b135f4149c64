import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Presented } from '../../../src/base/helper-request.ts';
import { read } from '../../../src/upgrade/host/answer.ts';
import * as commands from '../../../src/upgrade/host/commands.ts';
import type { Health, Probe } from '../../../src/upgrade/http/types.ts';
import type { Fleet } from '../../../src/upgrade/rollout/types.ts';
import { comeBack, findWayBack, type ReturnParts, type WayBack } from '../../../src/upgrade/steps/come-back.ts';
import { fleetOf } from '../../support/rollouts.ts';
import { HelperTrial, node } from './helper-node.ts';
import { build } from './little-node.ts';
import { backups, binary, env, quickClock, state, Trial } from './trial.ts';

// Every command is some seventy processes behind a login of its own; on a busy machine that adds up.
const patience = 240_000;

const peers = ['us-east-op-2', 'us-east-op-3'];
const healthy: Health = { is: 'healthy', version: 'v1.0.0', hostname: null };
const sick: Health = { is: 'unhealthy', httpStatus: 503, detail: 'starting' };

/** Nothing but SSH and health: neither a store nor a bot is among it. */
function partsOf(trial: Trial, shell: ReturnParts['shell'], other: Health = healthy): ReturnParts {
  const probe: Probe = { health: async (name) => (name === node ? trial.node.health() : other) };
  const fleet: Fleet = fleetOf();
  const nodes = [node, ...peers].map((name) => ({ name, region: 'us-east' }));
  const regions = [{ ...fleet.regions[0], name: 'us-east', nodes }] as Fleet['regions'];
  return {
    fleet: { ...fleet, service: trial.plan.service, policy: trial.plan.policy, regions },
    node: { name: node, region: 'us-east' },
    shell,
    probe,
    clock: quickClock(),
    signal: new AbortController().signal,
  };
}

async function found(parts: ReturnParts): Promise<WayBack> {
  const way = await findWayBack(parts);
  if ('is' in way) throw new Error(`there is no way back: ${'reason' in way ? way.reason : way.is}`);
  return way;
}

describe('a node that is brought back alone', { timeout: patience }, () => {
  describe('by sudo', () => {
    let trial: Trial;
    beforeEach(async () => {
      trial = new Trial();
      expect(await trial.go('stage', 'backup', 'switch', 'verify')).toMatchObject({ is: 'succeeded' });
    });
    afterEach(() => trial.close());

    it('runs what it ran before, and nothing late of its run changes it', async () => {
      trial.node.write(env, 'ANOTHER=one\n', 0o640);
      const way = await found(partsOf(trial, trial.node));
      expect(way).toMatchObject({ isBack: false, runs: 'v2.0.0', strange: [expect.stringMatching(/^env /)] });
      expect(await comeBack(way)).toMatchObject({ is: 'succeeded' });
      expect(trial.node.read(binary)).toBe(build('v1.0.0'));
      expect(trial.node.read(env)).toContain('DATABASE_URL');
      expect(trial.node.exec(`cat ${state}/aside/*environment*`)).toBe('ANOTHER=one\n');
      const now = trial.node.snapshot();
      expect(await trial.go('switch')).toMatchObject({ is: 'failed', reason: expect.stringMatching(/newer run owns/) });
      expect(await trial.go('restore')).toMatchObject({ is: 'failed' });
      expect(trial.node.snapshot()).toBe(now);
      expect(await found(partsOf(trial, trial.node))).toMatchObject({ isBack: true, runs: 'v1.0.0' });
    });

    it('is not restarted while its region would fall below the quorum, unless it does no work', async () => {
      const way = await found(partsOf(trial, trial.node, sick));
      expect(await comeBack(way)).toMatchObject({ is: 'gated', gates: [{ name: 'quorum' }] });
      expect(trial.node.read(binary)).toBe(build('v2.0.0'));
      const parts = partsOf(trial, trial.node, sick);
      let asked = 0;
      // The new build never became healthy; the old one does.
      const probe: Probe = {
        health: async (name) => (name !== node || asked++ < 2 ? sick : trial.node.health()),
      };
      expect(await comeBack(await found({ ...parts, probe }))).toMatchObject({ is: 'succeeded' });
      expect(trial.node.read(binary)).toBe(build('v1.0.0'));
    });
  });

  describe('by its helper', () => {
    let trial: HelperTrial;
    beforeEach(async () => {
      trial = await new HelperTrial().open();
      const back = trial.signed('return', { epoch: 8 });
      trial.present = () => ({ order: trial.signed('stage'), back });
      await trial.go('stage');
      trial.present = () => ({ order: trial.signed('change'), back });
      expect(await trial.go('backup', 'switch', 'verify')).toMatchObject({ is: 'succeeded' });
    }, patience);
    afterEach(() => trial.close());

    const turn = () => ({ rollout: trial.plan, node: { name: node }, attempt: trial.run.attempt + 5 });
    const was = () => {
      if (trial.run.before === null) throw new Error('nothing was staged');
      return trial.run.before;
    };

    it('goes by the order that lies with its backup, which then allows nothing else', async () => {
      const way = await found(partsOf(trial, trial.shell));
      expect(await comeBack(way)).toMatchObject({ is: 'succeeded' });
      expect(trial.node.read(binary)).toBe(build('v1.0.0'));
      const now = trial.node.snapshot();
      const lying = way.kept.back;
      if (lying === null) throw new Error('no order lies there');
      const presented: Presented = { order: lying, back: null };
      const late = { order: trial.signed('change'), back: null };
      const ask = async (command: ReturnType<typeof commands.restore>, by: Presented) =>
        read(await trial.shell.run(node, { ...command, presented: by }));
      expect(await ask(commands.switchOver(turn(), was()), late)).toMatchObject({ is: 'refused', word: 'fenced' });
      const next = { ...turn(), rollout: { ...trial.plan, epoch: 8 } };
      for (const command of [
        commands.switchOver(next, was()),
        commands.stage(next, was(), null),
        commands.receive(next),
      ])
        expect(await ask(command, presented)).toMatchObject({ is: 'refused', word: 'order' });
      expect(await ask(commands.cleanup(next, null, true), presented)).toMatchObject({ is: 'refused', word: 'order' });
      expect(trial.node.snapshot()).toBe(now);
    });

    it('goes back although somebody with the worker’s key made a backup of the release itself', async () => {
      const itself = { ...was(), version: 'v2.0.0', sha256: trial.release.binarySha256 };
      const presented = { order: trial.signed('change'), back: trial.signed('return', { epoch: 8 }) };
      const made = await trial.shell.run(node, { ...commands.backup(turn(), itself, false), presented });
      expect(read(made)).toMatchObject({ is: 'ok' });
      expect(trial.node.exec(`ls -t ${backups} | head -n 1`)).toMatch(/^v2\.0\.0-/);
      const way = await found(partsOf(trial, trial.shell));
      expect(way.kept.version).toBe('v1.0.0');
      expect(await comeBack(way)).toMatchObject({ is: 'succeeded' });
    });

    it('does not without an order, with a forged one, nor with one that is older than what was done since', async () => {
      const [name = ''] = trial.node.exec(`ls ${backups}`).trim().split('\n');
      const file = `${backups}/${name}/return`;
      const lies = trial.node.read(file);
      const before = trial.node.snapshot();
      const [text = '', signature = ''] = lies.trim().split('\n');
      const forged = Buffer.from(Buffer.from(text, 'base64').toString().replace('epoch 8', 'epoch 9')).toString(
        'base64',
      );
      trial.node.write(file, `${forged}\n${signature}\n`);
      expect(await comeBack(await found(partsOf(trial, trial.shell)))).toMatchObject({
        is: 'failed',
        reason: expect.stringMatching(/signature/),
      });
      trial.node.exec(`rm ${file}`);
      expect(await findWayBack(partsOf(trial, trial.shell))).toMatchObject({
        is: 'failed',
        reason: expect.stringMatching(/no order/),
      });
      trial.node.write(file, lies);
      const newer = { ...turn(), rollout: { ...trial.plan, epoch: 9 } };
      const presented = { order: trial.signed('change', { epoch: 9, madeUnder: 9 }), back: null };
      await trial.shell.run(node, { ...commands.lookUnderLock(newer), presented });
      expect(await findWayBack(partsOf(trial, trial.shell))).toMatchObject({
        is: 'failed',
        reason: expect.stringMatching(/is older/),
      });
      expect(trial.node.snapshot()).toBe(before);
    });
  });
});
