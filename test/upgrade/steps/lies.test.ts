import { afterEach, beforeEach, expect, it } from 'vitest';
import { surveyWhole } from '../../../src/upgrade/host/index.ts';
import { service } from './support.ts';
import { binary, Trial } from './trial.ts';

let trial: Trial;
beforeEach(() => {
  trial = new Trial();
});
afterEach(() => trial.close());

const look = () => surveyWhole('n1', 'us-east', service, trial.node, trial.node, trial.clock);

it('a node tells what runs, what lies there, its backups, and which run was there last', async () => {
  const before = await look();
  expect(before).toMatchObject({ held: 0, lies: { disk: before.sha256, backups: [] } });
  expect(await trial.go('stage', 'backup', 'switch', 'verify')).toMatchObject({ is: 'succeeded' });
  const after = await look();
  expect(after).toMatchObject({ sha256: trial.release.binarySha256, held: trial.plan.epoch });
  expect(after.lies).toEqual({
    disk: after.sha256,
    envSha256: before.lies?.envSha256,
    backups: [expect.objectContaining({ version: 'v1.0.0', sha256: before.sha256 })],
  });
  expect(after.lies?.backups[0]).not.toHaveProperty('back');
});

it('a node whose unit starts another program says which, and only while that runs', async () => {
  trial.node.exec(`cp ${binary} own; echo more >>own; echo "$PWD/own" >program`);
  expect((await look()).lies?.starts).toBeUndefined();
  const restart = 'bin/systemctl restart zeitwork-operator';
  trial.node.exec(restart);
  expect((await look()).lies?.starts).toMatch(/^\/.*\/own$/);
  // A program of that name that is not what runs: whoever starts the binary by another way is none of ours.
  trial.node.exec('cp own other; mv other own');
  expect((await look()).lies?.starts).toBeUndefined();
  trial.node.exec(`rm program; ${restart}`);
  const { lies, sha256 } = await look();
  expect(lies).toMatchObject({ disk: sha256 });
  expect(lies?.starts).toBeUndefined();
});

it('a node on whose disk lies something else than runs says so', async () => {
  trial.node.exec(`cp ${binary} x; echo more >>x; mv x ${binary}`);
  const seen = await look();
  expect(seen.lies?.disk).toMatch(/^[0-9a-f]{64}$/);
  expect(seen.lies?.disk).not.toBe(seen.sha256);
});
