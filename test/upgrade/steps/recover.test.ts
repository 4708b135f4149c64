import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Outcome, Shell } from '../../../src/upgrade/ssh/types.ts';
import { build, LittleNode, packed, sha256 } from './little-node.ts';
import { backups, binary, env, state, Trial } from './trial.ts';

const gone = `rm -f ${binary} ${env}; rm -rf proc/*; echo 0 >pid`;
const way = ['stage', 'recover', 'verify', 'cleanup'] as const;
const recovery = { recordOf: ['us-east-op-1'], since: 0, rollout: 'r-0' };

/** A node that ran v2.0.0 after an upgrade from v1.0.0, whose backup lies on it; then a rollout that recovers it. */
describe('a broken node that is recovered', () => {
  let trial: Trial;
  let own = '';
  beforeEach(async () => {
    trial = new Trial();
    own = trial.node.read(env);
    expect(await trial.go('stage', 'backup', 'switch', 'verify', 'cleanup')).toMatchObject({ is: 'succeeded' });
    const { name, region, attempt } = trial.run;
    trial.run = { ...trial.run, name, region, attempt, before: null, touched: false, proof: null };
    trial.plan = { ...trial.plan, recovery, epoch: 8 };
  });
  afterEach(() => trial.close());

  const ends = () => ({ binary: sha256(trial.node.read(binary)), mode: trial.node.modeOf(binary) });
  const whole = () => ({ binary: trial.release.binarySha256, mode: '755' });

  it('gets binary and environment file back, as they were recorded, with owner and mode, and is proven', async () => {
    trial.node.exec(gone);
    expect(await trial.go(...way)).toMatchObject({ is: 'succeeded' });
    expect(ends()).toEqual(whole());
    expect(trial.node.read(env)).toBe(own);
    expect(trial.node.modeOf(env)).toBe('640');
    expect(trial.run.gets).toEqual({
      version: 'v2.0.0',
      sha256: trial.release.binarySha256,
      envSha256: sha256(own),
    });
    expect(trial.node.has(`${state}/recovered`)).toBe(false);
  });

  it('keeps its own environment file, also one that somebody edited', async () => {
    trial.node.exec(`rm ${binary}; rm -rf proc/*; echo 0 >pid; echo NODE_NAME=one >>${env}`);
    expect(await trial.go(...way)).toMatchObject({ is: 'succeeded' });
    expect(trial.node.read(env)).toBe(`${own}NODE_NAME=one\n`);
    expect(trial.node.exec(`ls ${state} | grep -c aside || :`)).toBe('0\n');
  });

  it.each([
    ['empty', `: >${env}`],
    ['full of zeros, as after a crash', `head -c 60 /dev/zero >${env}`],
  ])('gets the environment file of its backup where its own is %s, and that is kept aside', async (_, tear) => {
    trial.node.exec(`rm ${binary}; rm -rf proc/*; echo 0 >pid; ${tear}`);
    const torn = sha256(trial.node.read(env));
    expect(await trial.go(...way)).toMatchObject({ is: 'succeeded' });
    expect(trial.node.read(env)).toBe(own);
    expect(trial.node.exec(`cat ${state}/aside/*-environment-* | sha256sum`)).toContain(torn);
  });

  it('gets no environment file but the one that was proven there, where that was recorded', async () => {
    trial.node.exec(gone);
    trial.plan = { ...trial.plan, recovery: { ...recovery, envSha256: 'd'.repeat(64) } };
    expect(await trial.go(...way)).toMatchObject({
      is: 'failed',
      reason: expect.stringMatching(/no backup of it has the one that was proven there last \(the newest, v1\.0\.0-/),
    });
    trial.plan = { ...trial.plan, recovery: { ...recovery, envSha256: sha256(own) } };
    expect(await trial.go(...way)).toMatchObject({ is: 'succeeded' });
    expect(trial.node.read(env)).toBe(own);
  });

  it('is left as it is, before anything is changed, where no environment file is to be had', async () => {
    trial.node.exec(`${gone}; rm -rf ${backups}`);
    const before = trial.node.snapshot();
    expect(await trial.go(...way)).toMatchObject({
      is: 'failed',
      retry: false,
      reason: expect.stringMatching(/no whole .*operator\.env on the node, and none in a backup/),
    });
    expect(trial.node.snapshot()).toBe(before);
  });

  it('loses nothing of its backups, and what `return` goes back to is what it was', async () => {
    const before = trial.node.exec(`ls -d ${backups}/*`);
    trial.node.exec(gone);
    await trial.go(...way);
    expect(trial.node.exec(`ls -d ${backups}/*`)).toBe(before);
  });

  it('with a binary that nobody recorded waits for people, who say the same hash, and that is kept aside', async () => {
    trial.node.exec(`rm ${binary}; rm -rf proc/*; echo 0 >pid`);
    trial.node.write(binary, 'somebody’s work\n', 0o755);
    const before = trial.node.snapshot();
    expect(await trial.go('stage')).toMatchObject({ is: 'succeeded' });
    expect(await trial.go('recover')).toMatchObject({
      is: 'failed',
      reason: expect.stringMatching(/somebody replaced the file on disk/),
      facts: { foreign: { sha256: sha256('somebody’s work\n') }, clean: true },
    });
    expect(trial.node.read(binary)).toBe('somebody’s work\n');
    expect(before).toContain(sha256('somebody’s work\n'));
    trial.decide('replace');
    expect(await trial.go(...way)).toMatchObject({ is: 'succeeded' });
    expect(ends()).toEqual(whole());
    expect(trial.node.exec(`cat ${state}/aside/*-binary-*`)).toBe('somebody’s work\n');
  });

  it('with everything there and running is only proven', async () => {
    const started = trial.node.restarts();
    expect(await trial.go('stage')).toMatchObject({ is: 'succeeded', facts: { already: true } });
    expect(await trial.go('recover', 'verify')).toMatchObject({ is: 'succeeded' });
    expect(trial.node.restarts()).toBe(started);
  });

  it('gets back the file that it still runs from memory', async () => {
    trial.node.exec(`rm ${binary}`);
    expect(await trial.go(...way)).toMatchObject({ is: 'succeeded' });
    expect(ends()).toEqual(whole());
  });

  it('takes nothing but the archive of that hash, and touches nothing for another', async () => {
    trial.node.exec(gone);
    const before = trial.node.snapshot();
    const other = packed(trial.folder, 'v2.0.1');
    trial.plan = { ...trial.plan, release: { ...trial.release, archiveSha256: other.archiveSha256 } };
    trial.release = other;
    expect(await trial.go('stage')).toMatchObject({ is: 'failed' });
    expect(trial.node.snapshot()).toBe(before);
  });

  it('gets nothing but the release that the ledger was asked about, whatever a bot wrote that it gets', async () => {
    trial.node.exec(gone);
    expect(await trial.go('stage')).toMatchObject({ is: 'succeeded' });
    const before = trial.node.snapshot();
    const [older = ''] = trial.node.exec(`sha256sum ${backups}/*/binary`).split(' ');
    trial.run = { ...trial.run, gets: { version: 'v1.0.0', sha256: older, envSha256: sha256(own) } };
    expect(await trial.go('recover')).toMatchObject({
      is: 'failed',
      retry: false,
      reason: expect.stringMatching(/is to get another binary than v2\.0\.0/),
    });
    expect(trial.node.has(binary)).toBe(false);
    expect(trial.node.snapshot()).toBe(before);
  });

  it('is touched only while the gates are open', async () => {
    trial.node.exec(gone);
    await trial.go('stage');
    const before = trial.node.snapshot();
    trial.gates = [{ name: 'halt', reason: 'a file', owner: 'somebody', opensAt: null }];
    expect(await trial.go('recover')).toMatchObject({ is: 'gated', unchanged: true });
    expect(trial.sights.at(-1)).toEqual({ down: true, unchanged: true });
    expect(trial.node.snapshot()).toBe(before);
  });

  it('is not touched by a command of an older run', async () => {
    trial.node.exec(gone);
    trial.plan = { ...trial.plan, epoch: 6 };
    expect(await trial.go('stage')).toMatchObject({ is: 'failed', reason: expect.stringMatching(/newer/) });
    expect(trial.node.has(binary)).toBe(false);
  });

  describe('from a peer', () => {
    let peer: LittleNode;
    beforeEach(() => {
      peer = new LittleNode('v2.0.0');
      const { binarySha256, version } = trial.release;
      const release = { ...trial.release, archive: 'binary', archiveSha256: binarySha256, archiveBytes: 0, version };
      trial.plan = { ...trial.plan, release, recovery: { ...recovery, from: 'us-east-op-2' } };
      const own: Shell['run'] = trial.node.run.bind(trial.node);
      trial.node.run = (node, command): Promise<Outcome> =>
        node === 'us-east-op-2' ? peer.run(node, command) : own(node, command);
      trial.withdrawn = 'nobody signed it';
      trial.node.exec(gone);
    });
    afterEach(() => peer.close());
    const left = () => readdirSync(tmpdir()).filter((name) => name.startsWith('zeitwork-peer-'));

    it('gets its binary, and its own environment file, while the peer is only read', async () => {
      const before = peer.snapshot();
      const files = peer.exec('find . -type f | sort');
      const there = left();
      expect(await trial.go(...way)).toMatchObject({ is: 'succeeded' });
      expect(ends()).toEqual(whole());
      expect(trial.node.read(env)).toBe(own);
      expect(peer.snapshot()).toBe(before);
      expect(peer.exec('find . -type f | sort')).toBe(files);
      expect(peer.commands).toEqual(['lend']);
      expect(left()).toEqual(there);
    });

    it.each([
      [
        'another build',
        (node: LittleNode): void => node.write(binary, build('v3.0.0'), 0o755),
        /what us-east-op-2 has is not what the ledger has/,
      ],
      ['none any more', (node: LittleNode): void => void node.exec(`rm ${binary}`), /us-east-op-2: /],
      ['a part of it', (node: LittleNode): void => node.write('bin/head', '#!/bin/sh\nexit 1\n', 0o755), /./],
    ] as const)('gets nothing where the peer has %s, and nothing is touched', async (_, change, reason) => {
      change(peer);
      const before = trial.node.snapshot();
      expect(await trial.go('stage')).toMatchObject({ is: 'failed', reason: expect.stringMatching(reason) });
      expect(trial.node.snapshot()).toBe(before);
      expect(trial.node.exec(`ls -A home ${state}/recovered 2>/dev/null | grep -c . || :`)).toMatch(/^[01]\n$/);
    });

    it('gets nothing where one of both has a helper', async () => {
      Object.assign(trial.node, { becomes: () => 'helper' });
      expect(await trial.go('stage')).toMatchObject({
        is: 'failed',
        reason: expect.stringMatching(/a helper gives no binary/),
      });
      expect(peer.commands).toEqual([]);
    });
  });

  describe('whose scripts are killed', () => {
    /** Every command that changes something, in the order in which they come: before it, and in the middle of the next. */
    const killers = [
      ['while it is gathered', 'gather', 'mv -T "$scrap" "$backup"', 'kill -9 $$; mv -T "$scrap" "$backup"'],
      ['right after that', 'gather', 'say header "shell', 'kill -9 $$; say header "shell'],
      ['before the binary is renamed', 'restore', 'mv -fT "$scrap" "$2"', 'kill -9 $$; mv -fT "$scrap" "$2"'],
      ['between binary and environment file', 'restore', '  say did binary', '  kill -9 $$; say did binary'],
      ['before the restart', 'restore', '  say did env', '  kill -9 $$; say did env'],
    ] as const;

    it.each(killers)('%s is whole after another try, and nothing was lost', async (_, name, from, to) => {
      trial.node.exec(`echo MORE=1 >>${env}; ${gone.replace(` ${env}`, '')}; head -c 40 /dev/zero >${env}`);
      const kept = trial.node.exec(`find ${backups} -type f -exec sha256sum {} + | sort`);
      const run = trial.node.run.bind(trial.node);
      let kills = 1;
      trial.node.run = (node, command) => {
        const isHit = command.name === name && kills-- > 0;
        if (isHit) expect(command.script).toContain(from);
        return run(node, isHit ? { ...command, script: command.script.replaceAll(from, to) } : command);
      };
      let failures = 0;
      for (const step of way) {
        let result = await trial.go(step);
        if (result.is !== 'succeeded') {
          failures += 1;
          if (step === 'stage') expect(trial.node.has(binary)).toBe(false);
          result = await trial.go(step);
        }
        expect(result).toMatchObject({ is: 'succeeded' });
      }
      expect(failures).toBe(1);
      expect(ends()).toEqual(whole());
      expect(trial.node.read(env)).toBe(own);
      expect(trial.node.exec(`find ${backups} -type f -exec sha256sum {} + | sort`)).toBe(kept);
      expect(trial.node.exec(`ls -A usr/local/bin etc/zeitwork | grep -c restore || :`)).toBe('0\n');
    });
  });
});
