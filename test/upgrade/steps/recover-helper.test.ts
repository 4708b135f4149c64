import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { read } from '../../../src/upgrade/host/answer.ts';
import * as commands from '../../../src/upgrade/host/commands.ts';
import type { Pair } from '../../../src/upgrade/rollout/types.ts';
import type { Command } from '../../../src/upgrade/ssh/types.ts';
import { HelperTrial, node } from './helper-node.ts';
import { build, sha256 } from './little-node.ts';
import { backups, binary, env } from './trial.ts';

const patience = 240_000;

describe('a broken node whose helper takes orders', { timeout: patience }, () => {
  let trial: HelperTrial;
  let own = '';
  let gets: Pair;
  const order = (more = {}) => trial.signed('recover', { bytes: trial.release.archiveBytes, ...more });
  beforeAll(async () => {
    trial = await new HelperTrial().open();
    own = trial.node.read(env);
    const [image, environment] = [sha256(build('v1.0.0')), sha256(own)];
    gets = { version: 'v2.0.0', sha256: trial.release.binarySha256, envSha256: environment };
    const kept = `${backups}/v1.0.0-${image.slice(0, 12)}-${environment.slice(0, 8)}`;
    trial.node.write(`${kept}/binary`, build('v1.0.0'), 0o755);
    trial.node.write(`${kept}/env`, own, 0o640);
    trial.node.write(`${kept}/manifest`, `version v1.0.0\nbinary ${image} root:root 755\nenv ${environment} /${env}\n`);
    trial.plan = { ...trial.plan, recovery: { recordOf: [node], since: 0, rollout: 'r-0' } };
    trial.node.exec(`rm -f ${binary} ${env}; rm -rf proc/*; echo 0 >pid`);
    trial.present = () => ({ order: order(), back: null });
  }, patience);
  afterAll(() => trial.close());

  const turn = () => ({ rollout: trial.plan, node: { name: node }, attempt: trial.run.attempt });
  const ask = async (command: Command, presented = order()) =>
    read(await trial.shell.run(node, { ...command, presented: { order: presented, back: null } }));
  const refused = (detail: RegExp) => ({ is: 'refused', word: 'order', detail: expect.stringMatching(detail) });

  it('is given nothing without an order to recover, nor by one for something else', async () => {
    const before = trial.node.snapshot();
    const gather = commands.gather(turn(), gets, 'x', null);
    for (const which of ['stage', 'change', 'return'] as const)
      expect(await ask(gather, trial.signed(which))).toMatchObject(refused(/does not allow gather/));
    expect(await ask(gather, order({ release: 'c'.repeat(64) }))).toMatchObject(refused(/another release/));
    expect(await ask(gather, order({ node: 'us-east-op-2' }))).toMatchObject(refused(/another node/));
    const past = { ...gets, version: 'v1.0.0', sha256: sha256(build('v1.0.0')), invocation: 'i' };
    for (const command of [
      commands.switchOver(turn(), past),
      commands.backup(turn(), past, false),
      commands.stage(turn(), past, null),
    ])
      expect(await ask(command)).toMatchObject(refused(/class recover does not allow/));
    expect(await ask(commands.restore(turn(), past))).toMatchObject(
      refused(/gives back what it names and nothing else/),
    );
    expect(await ask(commands.recover(turn(), past, commands.nothing))).toMatchObject(refused(/nothing else/));
    expect(trial.node.snapshot()).toBe(before);
  });

  it('takes no work of somebody away that nobody decided about', async () => {
    expect(await trial.go('stage')).toMatchObject({ is: 'succeeded' });
    trial.node.write(binary, 'somebody’s work\n', 0o755);
    const stranger = { part: 'disk' as const, sha256: sha256('somebody’s work\n') };
    const command = commands.recover(turn(), gets, { replace: [stranger], keep: [] });
    expect(await ask(command)).toMatchObject(refused(/nobody decided/));
    expect(trial.node.read(binary)).toBe('somebody’s work\n');
    trial.node.exec(`rm ${binary}`);
  });

  it('has both back by its order alone', async () => {
    expect(await trial.go('stage', 'recover', 'verify', 'cleanup')).toMatchObject({ is: 'succeeded' });
    expect(trial.node.read(binary)).toBe(build('v2.0.0'));
    expect(trial.node.read(env)).toBe(own);
    expect(trial.node.modeOf(env)).toBe('640');
    expect(trial.node.read('syslog')).toMatch(
      /gather for r-1, recover, epoch 7[\s\S]*restore for r-1, recover, epoch 7/,
    );
  });
});
