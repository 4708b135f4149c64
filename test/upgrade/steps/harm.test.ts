import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { diagnoseNode, surveyNode } from '../../../src/upgrade/host/index.ts';
import { backupPath } from '../../../src/upgrade/host/layout.ts';
import * as scripts from '../../../src/upgrade/host/scripts/index.ts';
import { steps } from '../../../src/upgrade/steps/index.ts';
import { build, type LittleNode, sha256 } from './little-node.ts';
import { service } from './support.ts';
import { backups, binary, env, quickClock, state, Trial } from './trial.ts';

type Name = keyof typeof steps;
const failure = (reason: RegExp, retry = false) => ({ is: 'failed', retry, reason: expect.stringMatching(reason) });

describe('the steps of a node that is not as it should be', () => {
  let trial: Trial;
  beforeEach(() => {
    trial = new Trial();
  });
  afterEach(() => trial.close());

  it('are not confused by banners', async () => {
    trial.node.banner = 'Welcome!\n@@zw\nimage 123 end ok\n';
    expect(await trial.go('stage', 'backup', 'switch', 'verify', 'cleanup')).toMatchObject({ is: 'succeeded' });
  });

  const harms: [string, (n: LittleNode) => void, Name, RegExp][] = [
    [
      'the binary on disk was replaced',
      (n) => n.write(binary, build('v1.0.1'), 0o755),
      'backup',
      /replaced the file on disk/,
    ],
    ['the environment file was changed', (n) => n.write(env, 'X=1\n'), 'backup', /changed the environment file/],
    [
      'the staged binary was changed',
      (n) => n.exec('for f in usr/local/bin/*.v2*; do echo >>$f; done'),
      'backup',
      /staged binary was changed/,
    ],
    [
      'the staged binary is gone',
      (n) => n.exec('rm usr/local/bin/zeitwork-operator.v2*'),
      'backup',
      /staged binary is gone/,
    ],
    [
      'the backup is damaged',
      (n) => n.exec(`for f in ${backups}/*/binary; do echo >>$f; done`),
      'switch',
      /backup is damaged.*nothing was changed/,
    ],
    ['the backup is gone', (n) => n.exec(`rm -r ${backups}`), 'switch', /no backup at .*operator\/backups\/v1/],
    [
      'the staged binary was changed after the backup',
      (n) => n.exec('for f in usr/local/bin/*.v2*; do echo >>$f; done'),
      'switch',
      /staged binary was changed/,
    ],
    ['the epoch file is damaged', (n) => n.write(`${state}/epoch`, 'x\n'), 'switch', /is damaged: nobody can tell/],
  ];
  it.each(harms)('stop before the restart when %s', async (_, harm, step, reason) => {
    await trial.go('stage', 'backup');
    harm(trial.node);
    const before = trial.node.snapshot();
    expect(await trial.go(step)).toMatchObject(failure(reason));
    expect(trial.node.snapshot()).toBe(before);
  });

  it('do not roll back to a damaged backup', async () => {
    await trial.go('stage', 'backup', 'switch');
    trial.node.exec(`for f in ${backups}/*/binary; do echo >>$f; done`);
    const before = trial.node.snapshot();
    expect(await trial.go('restore')).toMatchObject(failure(/backup is damaged: .*nothing was changed/));
    expect(trial.node.snapshot()).toBe(before);
  });

  it('notice an archive that arrived damaged, and send it again', async () => {
    trial.node.onCommand = (command) => {
      if (command.name === 'stage') trial.node.exec('for f in home/.zeitwork-upgrades/r-1/*; do echo x >>$f; done');
    };
    expect(await trial.go('stage')).toMatchObject(failure(/arrived damaged/, true));
    trial.node.onCommand = () => {};
    expect(await trial.go('stage')).toMatchObject({ is: 'succeeded' });
  });

  it('say why nothing could be sent, and leave no half of it behind', async () => {
    const put = trial.node.put.bind(trial.node);
    const cut = async (name: string, from: string, to: string) => {
      await put(name, from, to);
      return { is: 'failed' as const, reason: 'the connection was lost' };
    };
    trial.node.put = cut;
    expect(await trial.go('stage')).toMatchObject(failure(/could not be sent: the connection was lost/, true));
    expect(trial.node.exec('ls -A home')).toBe('');
    const broken = { ...trial.context(), archive: () => Promise.reject(new Error('the release server is down')) };
    expect(await steps.stage(broken)).toMatchObject(failure(/could not be sent: the release server is down/, true));
  });

  it('have a survey and a diagnosis for everyone, without secrets', async () => {
    const survey = await surveyNode('us-east-op-1', 'us-east', service, trial.node, trial.node, quickClock());
    expect(survey).toEqual({
      node: 'us-east-op-1',
      region: 'us-east',
      version: 'v1.0.0',
      sha256: sha256(build('v1.0.0')),
      healthy: true,
      detail: 'healthy',
      unit: 'active/running',
      at: 1_000,
      held: 0,
    });
    trial.node.banner = 'postgres://zw:s3cret@db\n';
    const diagnosis = await diagnoseNode('us-east-op-1', service, trial.node, trial.node, 5_000);
    expect(diagnosis.summary).toMatch(/no cause was found/);
    expect(JSON.stringify(diagnosis)).not.toContain('s3cret');
  });

  it.each(Object.entries(scripts))('half of %s does nothing', async (_, whole) => {
    await trial.go('stage', 'backup');
    const before = trial.node.snapshot();
    const lines = whole.split('\n');
    for (let cut = 1; cut < lines.length - 1; cut += 15) {
      const script = lines.slice(0, cut).join('\n');
      await trial.node.run('', { name: 'half', script, args: ['epoch=99', 'unit=x'], sudo: true, timeoutMs: 1_000 });
    }
    expect(trial.node.snapshot()).toBe(before);
  });

  it('keep the backup where the record says', async () => {
    await trial.go('stage', 'backup');
    expect(trial.run.before && trial.node.has(backupPath(service, trial.run.before))).toBe(true);
  });
});
