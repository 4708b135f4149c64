import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { allAgree } from './sequences.ts';
import { Chance } from './time.ts';
import { TrialNode } from './trial-node.ts';
import { TwinStory } from './twin-story.ts';
import { Twins } from './twins.ts';

/**
 * The model of a node is held against the scripts themselves, run by a real shell on real files: the same commands, made by
 * the product's own builders, and the same hands in between. After each of them the answers and all that lies there are
 * compared.
 *
 * Not compared, since no story of the simulation turns on it:
 * - numbers that are the machine's own: pids, invocations (but whether it is a new one), clocks, devices, free room, kinds of
 *   machine, first bytes of a binary;
 * - owners, modes and attributes, `digests` (they save time only), `aside.log` (it repeats answers), empty folders;
 * - what `diagnose` finds besides the unit: it is for people;
 * - how long things take, and how a build behaves by and by: that is the simulation's own; here a service dies when it is told to;
 * - links instead of files, a full disk, a service without an environment file, an archive with another file in it than it
 *   should have, and what versions before 0.2 left: the model has none of them.
 */
const sequences = Number(process.env.MODEL ?? 120);
const first = Number(process.env.FIRST ?? 1);

let root: string;
let trial: TrialNode;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'zw-model-'));
  trial = await TrialNode.make(root);
});
afterAll(async () => {
  trial.close();
  await rm(root, { recursive: true, force: true });
});

/** What a node may say to a command of ours: sequences that never led there would prove nothing of it. */
const saidSomewhere = [
  ...['busy', 'fenced', 'drift', 'drift-disk', 'drift-env', 'foreign-disk', 'foreign-image', 'foreign-env'],
  ...['no-backup', 'damaged', 'no-upload', 'upload', 'no-staged', 'staged'],
].map((word) => `refused ${word}`);
saidSomewhere.push('did renamed', 'did binary', 'did env', 'did disk', 'restart 0', 'restart skipped');
saidSomewhere.push(
  'aside',
  'pruned',
  'made',
  'version',
  'traffic exit',
  'backup',
  'held',
  'unit ActiveState=activating',
);

it(`answers and does what the scripts do on a real node, in ${sequences} sequences`, {
  timeout: 60_000 + sequences * 3_000,
}, async () => {
  const heard = new Set<string>();
  const again = (seed: number) => `FIRST=${seed} MODEL=1 npx vitest run --project unit test/simulation/model.test.ts`;
  await allAgree({ first, count: sequences, again }, async (seed) => {
    const chance = new Chance(seed);
    const twins = new Twins(chance, trial, heard);
    await twins.begin();
    await new TwinStory(chance, twins).tell();
  });
  if (sequences < 120) return;
  expect(
    saidSomewhere.filter((words) => !heard.has(words)),
    'no node ever said',
  ).toEqual([]);
});
