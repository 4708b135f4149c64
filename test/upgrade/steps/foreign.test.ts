import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { missing } from '../../../src/upgrade/host/strangers.ts';
import { build, sha256 } from './little-node.ts';
import { backups, binary, env, state, Trial } from './trial.ts';

type StepNames = Parameters<Trial['go']>;

const failure = (reason: RegExp, facts: object = {}) => ({
  is: 'failed',
  retry: false,
  reason: expect.stringMatching(reason),
  facts,
});
const hotfix = build('v2.1.0');
const foreignBinary = (text: string, version: string | null) => ({
  foreign: { what: 'binary', sha256: sha256(text), version },
});
/** The switch also says whether anything of the release is on the node. */
const clean = (step: StepNames[number], facts: object = {}) => (step === 'switch' ? { ...facts, clean: true } : facts);
const foreignEnv = (hash: string) => ({ foreign: { what: 'environment', sha256: hash, version: null } });

let trial: Trial;
beforeEach(() => {
  trial = new Trial();
});
afterEach(() => trial.close());

const install = (text: string) => {
  trial.node.write(binary, text, 0o755);
  trial.node.exec('systemctl restart zeitwork-operator');
};
/** Files that were put aside, as `WHAT-HASH12 content`. */
const asideFiles = (): string[] =>
  trial.node
    .exec(`cd ${state}/aside 2>/dev/null || exit 0; for f in *; do printf "%s %s\\n" "$f" "$(tail -n 1 "$f")"; done`)
    .split('\n')
    .filter(Boolean)
    .map((line) => line.replace(/^\d{8}T\d{6}Z-/, ''));
const asideName = (what: string, text: string) =>
  `${what}-${sha256(text).slice(0, 12)} ${text.trim().split('\n').at(-1)}`;

describe('a rollback that meets somebody’s work', () => {
  beforeEach(async () => {
    await trial.go('stage', 'backup', 'switch', 'verify');
  });

  const table: [string, () => void, RegExp, object][] = [
    [
      'an environment file that was changed',
      () => trial.node.write(env, 'DATABASE_URL=other\n', 0o640),
      /^somebody changed the environment file since it was backed up$/,
      foreignEnv(sha256('DATABASE_URL=other\n')),
    ],
    [
      'an environment file that was removed',
      () => trial.node.exec(`rm ${env}`),
      /^somebody removed the environment file since it was backed up$/,
      foreignEnv(missing),
    ],
    [
      'a build that was installed by hand',
      () => install(hotfix),
      /^v2\.1\.0 was installed by hand$/,
      foreignBinary(hotfix, 'v2.1.0'),
    ],
    [
      'a build that says no version',
      () => install('#!/bin/sh\n: nothing\n'),
      new RegExp(`^another build \\(${sha256('#!/bin/sh\n: nothing\n').slice(0, 12)}\\) was installed by hand$`),
      foreignBinary('#!/bin/sh\n: nothing\n', null),
    ],
    [
      'a half-written file on disk',
      () => trial.node.write(binary, build('v2.0.0').slice(0, 12), 0o755),
      /^somebody replaced the file on disk \(now [0-9a-f]{12}\)$/,
      foreignBinary(build('v2.0.0').slice(0, 12), null),
    ],
    [
      'a build that only runs',
      () => {
        install(hotfix);
        trial.node.write(binary, build('v1.0.0'), 0o755);
      },
      /^v2\.1\.0 was installed by hand$/,
      foreignBinary(hotfix, 'v2.1.0'),
    ],
    [
      'both at once, under one name',
      () => {
        install(hotfix);
        trial.node.write(env, 'X=1\n', 0o640);
      },
      /^v2\.1\.0 was installed by hand, and somebody changed the environment file since it was backed up$/,
      { foreign: { what: 'binary', sha256: expect.stringMatching(/^[0-9a-f]{64}$/), version: 'v2.1.0' } },
    ],
  ];
  it.each(table)('names %s, and changes nothing', async (_, harm, reason, facts) => {
    harm();
    const before = trial.node.snapshot();
    expect(await trial.go('restore')).toEqual(failure(reason, facts));
    expect(trial.node.snapshot()).toBe(before);
    expect(trial.node.commands).not.toContain('restore');
  });

  it.each(table)('puts %s aside once a person decided so, and goes on', async (_, harm) => {
    const before = trial.node.read(binary);
    harm();
    const removed = !trial.node.has(env);
    await trial.go('restore');
    trial.decide('replace');
    expect(await trial.go('restore', 'verify-restored')).toMatchObject({ is: 'succeeded' });
    expect(trial.node.read(binary)).not.toBe(before);
    expect(sha256(trial.node.read(binary))).toBe(trial.run.before?.sha256);
    expect(sha256(trial.node.read(env))).toBe(trial.run.before?.envSha256);
    expect(trial.node.modeOf(env)).toBe('640');
    expect(asideFiles().length > 0).toBe(!removed);
    const files = asideFiles();
    expect(await trial.go('restore')).toMatchObject({ is: 'succeeded' });
    expect(asideFiles()).toEqual(files);
  });

  it('keeps what was put aside as it was, with its mode', async () => {
    install(hotfix);
    trial.node.write(env, 'X=1\n', 0o600);
    await trial.go('restore');
    trial.decide('replace');
    await trial.go('restore');
    expect(asideFiles()).toEqual([asideName('binary', hotfix), asideName('environment', 'X=1\n')]);
    expect(trial.node.exec(`stat -c %a ${state}/aside/*-environment-* ${state}/aside/*-binary-*`)).toBe('600\n755\n');
    expect(trial.node.modeOf(`${state}/aside`)).toBe('700');
  });

  it('keeps what only ran', async () => {
    install(hotfix);
    trial.node.write(binary, build('v1.0.0'), 0o755);
    await trial.go('restore');
    trial.decide('replace');
    await trial.go('restore');
    expect(asideFiles()).toEqual([asideName('image', hotfix)]);
  });

  it('leaves an environment that a person decided to keep, and proves the node with it', async () => {
    trial.node.write(env, 'DATABASE_URL=other\n', 0o600);
    await trial.go('restore');
    trial.decide('keep');
    expect(await trial.go('restore', 'verify-restored')).toMatchObject({
      is: 'succeeded',
      facts: { proof: { version: 'v1.0.0' } },
    });
    expect(trial.node.read(env)).toBe('DATABASE_URL=other\n');
    expect(trial.node.read(binary)).toBe(build('v1.0.0'));
    expect(asideFiles()).toEqual([]);
    expect(trial.node.restarts()).toBe(2);
    expect(await trial.go('restore')).toMatchObject({ is: 'succeeded' });
    expect(trial.node.restarts()).toBe(2);
  });

  it('leaves an environment that is gone, if a person decided that', async () => {
    trial.node.exec(`rm ${env}`);
    await trial.go('restore');
    trial.decide('keep');
    expect(await trial.go('restore', 'verify-restored')).toMatchObject({ is: 'succeeded' });
    expect(trial.node.has(env)).toBe(false);
    expect(trial.node.read(binary)).toBe(build('v1.0.0'));
  });

  it('does nothing to a node whose build a person decided to keep, and asks nobody again', async () => {
    install(hotfix);
    await trial.go('restore');
    trial.decide('keep');
    const before = trial.node.snapshot();
    expect(await trial.go('restore')).toEqual(
      failure(/^v2\.1\.0 was installed by hand; it stays, as U2 decided, and nothing was done to this node$/),
    );
    expect(trial.node.snapshot()).toBe(before);
  });

  it('does not take a decision about one file for another', async () => {
    install(hotfix);
    await trial.go('restore');
    trial.decide('replace');
    install(build('v2.1.1'));
    const before = trial.node.snapshot();
    expect(await trial.go('restore')).toEqual(
      failure(/^v2\.1\.1 was installed by hand$/, foreignBinary(build('v2.1.1'), 'v2.1.1')),
    );
    trial.node.write(env, 'X=1\n', 0o640);
    expect(await trial.go('restore')).toMatchObject(
      failure(/installed by hand, and somebody changed/, expect.anything()),
    );
    trial.node.exec(`cp ${backups}/*/env ${env}`);
    expect(trial.node.snapshot()).toBe(before);
  });

  it.each([
    ['the binary', () => install(hotfix), foreignBinary(hotfix, 'v2.1.0')],
    ['the environment', () => trial.node.write(env, 'X=1\n', 0o640), foreignEnv(sha256('X=1\n'))],
    ['only what lies on disk', () => trial.node.write(binary, hotfix, 0o755), foreignBinary(hotfix, null)],
  ])('refuses on the node itself when %s is changed after the look', async (_, harm, facts) => {
    trial.node.onCommand = ({ name }) => {
      if (name === 'restore') harm();
    };
    expect(await trial.go('restore')).toMatchObject({ is: 'failed', retry: false, facts });
    expect(trial.node.commands.filter((name) => name === 'restore')).toHaveLength(1);
    expect(trial.node.read(binary)).not.toBe(build('v1.0.0'));
    expect(asideFiles()).toEqual([]);
  });

  it('puts back a binary that somebody removed', async () => {
    trial.node.exec(`rm ${binary}`);
    expect(await trial.go('restore', 'verify-restored')).toMatchObject({ is: 'succeeded' });
  });

  it('keeps the newest eight of what was put aside, and says what went', async () => {
    for (let n = 0; n < 9; n++)
      trial.node.write(`${state}/aside/20260101T00000${n}Z-binary-${'a'.repeat(12)}`, `${n}\n`);
    install(hotfix);
    await trial.go('restore');
    trial.decide('replace');
    await trial.go('restore');
    expect(asideFiles()).toHaveLength(8);
    expect(asideFiles().at(-1)).toBe(asideName('binary', hotfix));
    expect(asideFiles()[0]).toMatch(/ 2$/);
    expect(trial.node.read(`${state}/aside.log`)).toMatch(
      /put \S+-binary-\w+ aside\n.*removed 20260101T000001Z-binary-a+: the newest eight are kept\n.*removed 20260101T000000Z/,
    );
  });
});

describe('a node that is somebody else’s when it is to be changed', () => {
  const steps: [StepNames[number], StepNames][] = [
    ['stage', ['stage']],
    ['backup', ['stage']],
    ['switch', ['stage', 'backup']],
  ];

  it.each(steps)('is named by %s, with the version that runs', async (step, first) => {
    await trial.go(...first);
    install(hotfix);
    const before = trial.node.snapshot();
    expect(await trial.go(step)).toEqual(
      failure(
        /^v2\.1\.0 was installed by hand since the node was staged/,
        clean(step, foreignBinary(hotfix, 'v2.1.0')),
      ),
    );
    expect(trial.node.snapshot()).toBe(before);
  });

  it.each(steps)('is named by %s when only the file on disk was replaced', async (step, first) => {
    await trial.go(...first);
    trial.node.write(binary, hotfix, 0o755);
    const before = trial.node.snapshot();
    expect(await trial.go(step)).toEqual(
      failure(
        new RegExp(`^somebody replaced the file on disk \\(now ${sha256(hotfix).slice(0, 12)}\\) since the node was`),
        clean(step, foreignBinary(hotfix, null)),
      ),
    );
    expect(trial.node.snapshot()).toBe(before);
  });

  it.each(steps)('is named by %s when the environment was changed', async (step, first) => {
    await trial.go(...first);
    trial.node.write(env, 'X=1\n', 0o640);
    const before = trial.node.snapshot();
    expect(await trial.go(step)).toEqual(
      failure(
        /^somebody changed the environment file since the node was staged$/,
        clean(step, foreignEnv(sha256('X=1\n'))),
      ),
    );
    expect(trial.node.snapshot()).toBe(before);
  });

  it('is not staged when another file lies on disk than the one that runs', async () => {
    trial.node.write(binary, hotfix, 0o755);
    expect(await trial.go('stage')).toEqual(
      failure(/^somebody replaced the file on disk \(now \w+\) without a restart$/, foreignBinary(hotfix, null)),
    );
    trial.decide('replace');
    expect(await trial.go('stage')).toMatchObject({ is: 'succeeded' });
    expect(trial.run.before?.sha256).toBe(sha256(build('v1.0.0')));
    expect(trial.node.read(binary)).toBe(build('v1.0.0'));
    expect(asideFiles()).toEqual([asideName('binary', hotfix)]);
    expect(trial.node.restarts()).toBe(0);
  });

  it.each(['stage', 'backup'] as const)(
    'is recorded anew by %s once a person decided so, and a rollback brings that back',
    async (step) => {
      await trial.go('stage');
      install(hotfix);
      await trial.go(step);
      trial.decide('replace');
      expect(await trial.go(step)).toMatchObject({ is: 'succeeded' });
      expect(trial.run.before).toMatchObject({ sha256: sha256(hotfix), version: 'v2.1.0' });
      expect(await trial.go('backup', 'switch', 'verify', 'restore', 'verify-restored')).toMatchObject({
        is: 'succeeded',
        facts: { proof: { version: 'v2.1.0' } },
      });
      expect(trial.node.read(binary)).toBe(hotfix);
      expect(trial.node.exec(`ls ${backups} | wc -l`).trim()).toBe('2');
    },
  );

  it.each(['stage', 'backup', 'switch'] as const)(
    'is left out by %s once a person decided to keep it',
    async (step) => {
      await trial.go('stage', 'backup');
      install(hotfix);
      await trial.go(step);
      trial.decide('keep');
      const before = trial.node.snapshot();
      expect(await trial.go(step)).toEqual(
        failure(/^v2\.1\.0 was installed by hand; it stays, as U2 decided/, clean(step)),
      );
      expect(trial.node.snapshot()).toBe(before);
    },
  );

  it.each([
    ['stage', 'replace'],
    ['stage', 'keep'],
    ['backup', 'replace'],
    ['backup', 'keep'],
  ] as const)('is recorded by %s with its changed environment, whether to %s it', async (step, as) => {
    await trial.go('stage');
    trial.node.write(env, 'X=1\n', 0o640);
    await trial.go(step);
    trial.decide(as);
    expect(await trial.go(step)).toMatchObject({ is: 'succeeded' });
    expect(trial.run.before?.envSha256).toBe(sha256('X=1\n'));
    expect(await trial.go('backup', 'switch', 'verify', 'restore', 'verify-restored')).toMatchObject({
      is: 'succeeded',
    });
    expect(trial.node.read(env)).toBe('X=1\n');
    expect(asideFiles()).toEqual([]);
  });

  it('is switched over a hotfix once a person decided so, which is kept aside', async () => {
    await trial.go('stage', 'backup');
    install(hotfix);
    await trial.go('switch');
    trial.decide('replace');
    expect(await trial.go('switch', 'verify')).toMatchObject({ is: 'succeeded' });
    expect(trial.node.read(binary)).toBe(build('v2.0.0'));
    expect(asideFiles()).toEqual([asideName('binary', hotfix)]);
    expect(await trial.go('restore', 'verify-restored')).toMatchObject({ facts: { proof: { version: 'v1.0.0' } } });
  });

  it.each(['replace', 'keep'] as const)('is switched with a changed environment, whether to %s it', async (as) => {
    await trial.go('stage', 'backup');
    trial.node.write(env, 'X=1\n', 0o640);
    await trial.go('switch');
    trial.decide(as);
    expect(await trial.go('switch', 'verify')).toMatchObject({ is: 'succeeded' });
    expect(trial.node.read(env)).toBe('X=1\n');
    expect(asideFiles()).toEqual([]);
  });

  it.each([
    [
      'image alone',
      () => {
        install(hotfix);
        trial.node.write(binary, build('v1.0.0'), 0o755);
      },
    ],
    ['disk', () => trial.node.write(binary, hotfix, 0o755)],
    ['environment', () => trial.node.write(env, 'X=1\n', 0o640)],
  ])('is refused on the node itself when its %s is changed after the look', async (_, harm) => {
    await trial.go('stage', 'backup');
    trial.node.onCommand = ({ name }) => {
      if (name === 'switch') harm();
    };
    const restarts = () => trial.node.restarts();
    expect(await trial.go('switch')).toMatchObject({ is: 'failed', facts: { foreign: expect.anything() } });
    expect(trial.node.read(binary)).not.toBe(build('v2.0.0'));
    expect(restarts()).toBeLessThan(2);
  });

  it('is refused when another image runs although the release lies on disk', async () => {
    await trial.go('stage', 'backup');
    install(hotfix);
    trial.node.write(binary, build('v2.0.0'), 0o755);
    expect(await trial.go('switch')).toEqual(
      failure(/^v2\.1\.0 was installed by hand since the node was staged$/, {
        ...foreignBinary(hotfix, 'v2.1.0'),
        clean: false,
      }),
    );
    trial.decide('replace');
    expect(await trial.go('switch', 'verify')).toMatchObject({ is: 'succeeded' });
    expect(asideFiles()).toEqual([asideName('image', hotfix)]);
  });

  it('is not switched without the environment file that it had', async () => {
    await trial.go('stage', 'backup');
    trial.node.exec(`rm ${env}`);
    for (const step of ['stage', 'backup', 'switch'] as const) {
      expect(await trial.go(step)).toMatchObject(failure(/there is no \/etc\/zeitwork\/operator\.env on the node/));
    }
  });
});
