import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { noRules, type Wanted, wantsNothing } from '../../../src/upgrade/environment/index.ts';
import { read } from '../../../src/upgrade/host/answer.ts';
import * as commands from '../../../src/upgrade/host/commands.ts';
import { resolverFor, seeEnvironment } from '../../../src/upgrade/host/environment.ts';
import { helperScript } from '../../../src/upgrade/host/helper/script.ts';
import type { Release } from '../../../src/upgrade/rollout/types.ts';
import { seeWayBack } from '../../../src/upgrade/steps/index.ts';
import { build, sha256 } from './little-node.ts';
import { backups, binary, env, state, Trial } from './trial.ts';

const releaseOf = (version: string): Release & { path: string } => ({
  ...{ version, archive: 'binary', archiveSha256: sha256(build(version)), binarySha256: sha256(build(version)) },
  ...{ archiveBytes: 0, binaryBytes: 0, signed: null, path: '/nowhere' },
});

const written = '# kept as it is\nMAX_CONNECTIONS=100\nDATABASE_URL=postgres://zw:s3cret@db/zw\n';
const folder = mkdtempSync(join(tmpdir(), 'config-files-'));
const rules = { ...noRules, files: folder };
const secret = 'postgres://zw:0ther-s3cret@db/zw';

/** A node whose environment file is to be changed, as it would be planned now. */
class ConfigTrial extends Trial {
  readonly resolve = resolverFor(rules, (name) => ({ text: readFileSync(join(folder, name), 'utf8') }));

  override context() {
    return { ...super.context(), resolve: this.resolve };
  }

  async want(wanted: Partial<Wanted>): Promise<this> {
    const all = { ...wantsNothing, ...wanted };
    const { service } = this.plan;
    const question = { wanted: all, resolve: this.resolve, rules };
    const seen = await seeEnvironment('us-east-op-1', question, service, this.node, 5_000);
    if (seen.is !== 'read') throw new Error(seen.reason);
    const files = { 'us-east-op-1': { before: seen.before, after: seen.after } };
    this.plan = { ...this.plan, release: releaseOf('v1.0.0'), change: { is: 'config', wanted: all, files } };
    return this;
  }
}

describe('a node whose environment file is changed', () => {
  let trial: ConfigTrial;
  beforeEach(async () => {
    trial = new ConfigTrial();
    trial.node.write(env, written, 0o640);
    trial.node.exec(`systemctl restart zeitwork-operator; echo 1 >count`);
    writeFileSync(join(folder, 'database-url'), `${secret}\n`);
    await trial.want({ set: { MAX_CONNECTIONS: '200' } });
  });
  afterEach(() => trial.close());

  const restartsBy = async (work: () => Promise<unknown>): Promise<number> => {
    const before = trial.node.restarts();
    await work();
    return trial.node.restarts() - before;
  };
  const turn = ['stage', 'backup', 'configure', 'verify', 'cleanup'] as const;

  it('gets the new file, every other byte and its mode kept, with one restart, and is proven by what the process got', async () => {
    expect(await restartsBy(async () => expect(await trial.go(...turn)).toMatchObject({ is: 'succeeded' }))).toBe(1);
    expect(trial.node.read(env)).toBe(written.replace('100', '200'));
    expect(trial.node.modeOf(env)).toBe('640');
    expect(trial.run.proof?.invocation).not.toBe(trial.run.before?.invocation);
  });

  it('keeps owner and attributes of the file that it replaces', async () => {
    try {
      execFileSync('setfattr', ['-n', 'user.note', '-v', 'ours', trial.node.path(env)], { stdio: 'ignore' });
    } catch {
      console.info('not shown: no extended attributes here');
      return;
    }
    await trial.go(...turn);
    expect(
      execFileSync('getfattr', ['--only-values', '-n', 'user.note', trial.node.path(env)], { encoding: 'utf8' }),
    ).toBe('ours');
  });

  it('is restarted once, however often that is asked, also by an old command', async () => {
    await trial.go('stage', 'backup');
    const { before, attempt } = trial.run;
    const after = sha256(written.replace('100', '200'));
    if (before === null) throw new Error('not staged');
    const command = commands.configure({ rollout: trial.plan, attempt }, before, after);
    const often = async () => {
      for (let time = 0; time < 3; time++)
        expect(read(await trial.node.run('us-east-op-1', command))).toMatchObject({ is: 'ok' });
      await trial.go('configure', 'configure');
    };
    expect(await restartsBy(often)).toBe(1);
  });

  it('is touched by nothing before its turn, and what lies ready is read by root alone', async () => {
    await trial.go('stage');
    expect(trial.node.read(env)).toBe(written);
    const [staged = ''] = readdirSync(trial.node.path(`${state}/environments`));
    expect(trial.node.modeOf(`${state}/environments/${staged}`)).toBe('600');
    expect(trial.node.exec('ls etc/zeitwork')).toBe('operator.env\n');
  });

  it('is left as it is where the process that came up does not have it, and goes back as a pair with one restart', async () => {
    const real = trial.node.read('bin/systemctl');
    trial.node.write('bin/systemctl', real.replace("sed -n '/=/p'", "sed -n '/^MAX/d; /=/p'"), 0o755);
    const result = await trial.go('stage', 'backup', 'configure', 'verify');
    expect(result).toMatchObject({
      is: 'failed',
      reason: expect.stringMatching(/was not started with what .*operator\.env says of MAX_CONNECTIONS/),
    });
    expect(JSON.stringify(result)).not.toContain('200');
    expect(await restartsBy(() => trial.go('restore', 'restore', 'verify-restored', 'cleanup'))).toBe(1);
    expect(trial.node.read(env)).toBe(written);
    expect(trial.node.has(`${state}/environments`)).toBe(false);
    expect(trial.node.exec(`ls ${state}/aside 2>/dev/null || :`)).toBe('');
  });

  it('is restarted once on its way back where somebody put the old file back by hand: what runs has the new one', async () => {
    await trial.go('stage', 'backup', 'configure', 'verify');
    trial.node.write(env, written, 0o640);
    expect(await restartsBy(() => trial.go('restore', 'restore', 'verify-restored'))).toBe(1);
    expect(trial.node.read(`proc/${trial.node.read('pid').trim()}/environ`)).toContain('MAX_CONNECTIONS=100');
  });

  it('is not called unchanged where its way back was killed before the restart', async () => {
    await trial.go('stage', 'backup', 'configure', 'verify');
    trial.gates = [{ name: 'quorum', reason: 'too few', owner: 'us-east', opensAt: null }];
    expect(await trial.go('restore')).toMatchObject({ is: 'gated', unchanged: true });
    trial.gates = [];
    const real = trial.node.read('bin/systemctl');
    trial.node.write('bin/systemctl', real.replace('  restart)', '  restart) kill -9 $PPID; exit ;;\n  x)'), 0o755);
    expect(await trial.go('restore')).toMatchObject({ is: 'unknown' });
    trial.node.write('bin/systemctl', real, 0o755);
    expect(trial.node.read(env)).toBe(written);
    trial.gates = [{ name: 'quorum', reason: 'too few', owner: 'us-east', opensAt: null }];
    expect(await trial.go('restore')).toMatchObject({ is: 'gated', unchanged: false });
    trial.gates = [];
    expect(await restartsBy(() => trial.go('restore', 'restore', 'verify-restored'))).toBe(1);
  });

  it('is proven by no process from before, although the file lies there', async () => {
    await trial.go('stage', 'backup');
    trial.node.write(
      'bin/systemctl',
      trial.node.read('bin/systemctl').replace('  restart)', '  restart) exit 0 ;;\n  x)'),
      0o755,
    );
    await trial.go('configure');
    expect(trial.node.read(env)).toContain('=200');
    expect(await trial.go('verify')).toMatchObject({ is: 'failed', reason: expect.stringMatching(/old process/) });
  });

  it('is brought into effect by the next try where the first one was killed right after the rename', async () => {
    await trial.go('stage', 'backup');
    const real = trial.node.read('bin/systemctl');
    trial.node.write('bin/systemctl', real.replace('  restart)', '  restart) kill -9 $PPID; exit ;;\n  x)'), 0o755);
    expect(await trial.go('configure')).toMatchObject({ is: 'unknown' });
    trial.node.write('bin/systemctl', real, 0o755);
    expect(trial.node.read(env)).toContain('=200');
    expect(await restartsBy(() => trial.go('configure', 'verify'))).toBe(1);
    expect(trial.run.proof).not.toBeNull();
  });

  it.each([
    ['its environment file', `echo X=1 >>${env}`, /somebody changed .*operator\.env since this was planned/],
    ['its binary', 'echo other >usr/local/bin/zeitwork-operator', /another build than v1\.0\.0/],
  ])('is left as it is where somebody changed %s', async (_, change, reason) => {
    await trial.go('stage', 'backup');
    trial.node.exec(change);
    const after = trial.node.read(env);
    for (const step of ['stage', 'configure'] as const)
      expect(await trial.go(step)).toMatchObject({ is: 'failed', reason: expect.stringMatching(reason) });
    expect(await restartsBy(() => trial.go('configure'))).toBe(0);
    expect(trial.node.read(env)).toBe(after);
  });

  it('is left as it is by the node itself where somebody changed its file right after the look', async () => {
    await trial.go('stage', 'backup');
    const { before, attempt } = trial.run;
    if (before === null) throw new Error('not staged');
    trial.node.exec(`echo X=1 >>${env}`);
    const command = commands.configure({ rollout: trial.plan, attempt }, before, sha256(written.replace('100', '200')));
    expect(read(await trial.node.run('us-east-op-1', command))).toMatchObject({ is: 'refused', word: 'drift-env' });
  });

  it('that has it, in its file and in what runs, is only proven', async () => {
    trial.node.write(env, written.replace('100', '200'), 0o640);
    trial.node.exec('systemctl restart zeitwork-operator');
    expect(await restartsBy(() => trial.go('stage', 'verify'))).toBe(0);
    expect(trial.run).toMatchObject({ already: true });
  });

  it('that has it in its file alone is restarted once', async () => {
    trial.node.write(env, written.replace('100', '200'), 0o640);
    const result = async () => expect(await trial.go(...turn)).toMatchObject({ is: 'succeeded' });
    expect(await restartsBy(result)).toBe(1);
    expect(trial.run.already).toBe(false);
  });

  it('gets nothing else than was planned, though the worker has another secret by now', async () => {
    await trial.want({ set: { DATABASE_URL: { file: 'database-url' } } });
    writeFileSync(join(folder, 'database-url'), 'postgres://zw:a-third@db/zw\n');
    expect(await trial.go('stage')).toMatchObject({
      is: 'failed',
      reason: expect.stringMatching(/not what was planned: .*secret files/),
    });
  });

  it('gets a secret from a file of the worker, and says nothing of it', async () => {
    await trial.want({ set: { DATABASE_URL: { file: 'database-url' } } });
    const said: string[] = [];
    trial.node.onCommand = (command) => said.push(JSON.stringify(command.args));
    for (const step of turn) said.push(JSON.stringify(await trial.go(step)));
    expect(trial.node.read(env)).toContain(secret);
    expect(said.join('\n')).not.toMatch(/s3cret/);
    expect(trial.node.has('home/.zeitwork-upgrades')).toBe(false);
    expect(trial.node.exec(`grep -rl 0ther-s3cret . || :`).trim().split('\n').sort()).toEqual([
      `./${env}`,
      `./proc/${trial.node.read('pid').trim()}/environ`,
    ]);
  });

  it('gets it out of the memory of the worker: a file would stay there when that is killed', async () => {
    const put = trial.node.put.bind(trial.node);
    const sent: string[] = [];
    trial.node.put = (node, from, to) => {
      sent.push(typeof from);
      return put(node, from, to);
    };
    expect(await trial.go(...turn)).toMatchObject({ is: 'succeeded' });
    expect(sent).toEqual(['object', 'object']);
  });

  it('renames and takes away keys, and is proven without the old ones', async () => {
    await trial.want({ rename: { MAX_CONNECTIONS: 'CONNECTIONS_MAX' }, unset: ['DATABASE_URL'] });
    expect(await trial.go(...turn)).toMatchObject({ is: 'succeeded' });
    expect(trial.node.read(env)).toBe('# kept as it is\nCONNECTIONS_MAX=100\n');
  });

  it('is stopped only while the gates are open', async () => {
    await trial.go('stage', 'backup');
    trial.gates = [{ name: 'window', reason: 'closed', owner: 'the clock', opensAt: null }];
    expect(await trial.go('configure')).toMatchObject({ is: 'gated', unchanged: true });
    expect(trial.node.read(env)).toBe(written);
  });

  it('can be brought back by the file that this rollout put there, and by no other', async () => {
    await trial.go('stage', 'backup', 'configure');
    const { before } = trial.run;
    if (before === null) throw new Error('not staged');
    const put = sha256(written.replace('100', '200'));
    const look = () =>
      seeWayBack(
        'us-east-op-1',
        { before, release: before.sha256, kept: null, put },
        trial.plan.service,
        trial.node,
        5_000,
      );
    expect(await look()).toBe('ready');
    trial.node.exec(`echo X=1 >>${env}`);
    expect(await look()).toBe('other environment');
    expect(await trial.go('restore')).toMatchObject({ is: 'failed', facts: { foreign: { what: 'environment' } } });
  });

  it('is not touched by a command of an older run', async () => {
    await trial.go(...turn);
    trial.plan = { ...trial.plan, epoch: 1 };
    expect(await trial.go('configure')).toMatchObject({ is: 'failed', reason: expect.stringMatching(/newer/) });
  });

  it('keeps its old pair among the backups', async () => {
    await trial.go(...turn);
    const kept = readdirSync(trial.node.path(backups));
    expect(kept).toHaveLength(1);
    expect(readFileSync(trial.node.path(`${backups}/${kept[0]}/env`), 'utf8')).toBe(written);
  });
});

describe('a node whose environment file goes with its release', () => {
  let trial: ConfigTrial;
  const becomes = `${written}NEW_PARAM=enabled\n`;
  const turn = ['stage', 'backup', 'switch', 'verify', 'cleanup'] as const;

  beforeEach(() => {
    trial = new ConfigTrial();
    trial.node.write(env, written, 0o640);
    trial.node.exec('systemctl restart zeitwork-operator');
    const wanted = { ...wantsNothing, ensure: { NEW_PARAM: 'enabled' } };
    const files = { 'us-east-op-1': { before: sha256(written), after: sha256(becomes) } };
    trial.plan = { ...trial.plan, config: { wanted, files } };
  });
  afterEach(() => trial.close());

  const restartsBy = async (work: () => Promise<unknown>): Promise<number> => {
    const before = trial.node.restarts();
    await work();
    return trial.node.restarts() - before;
  };
  const isThere = () => [trial.node.read(binary), trial.node.read(env)];
  const [old, there] = [
    [build('v1.0.0'), written],
    [build('v2.0.0'), becomes],
  ];

  it('gets both with one restart, and is proven by both', async () => {
    expect(await restartsBy(async () => expect(await trial.go(...turn)).toMatchObject({ is: 'succeeded' }))).toBe(1);
    expect(isThere()).toEqual(there);
    expect(trial.run.proof).toMatchObject({ version: 'v2.0.0' });
  });

  it('has neither before its turn, and the staged binary is still there after the file was staged', async () => {
    await trial.go('stage');
    expect(isThere()).toEqual(old);
    expect(await trial.go('stage', 'backup')).toMatchObject({ is: 'succeeded' });
  });

  it('goes back to both as a pair, with one restart', async () => {
    await trial.go('stage', 'backup', 'switch');
    expect(await restartsBy(() => trial.go('restore', 'restore', 'verify-restored', 'cleanup'))).toBe(1);
    expect(isThere()).toEqual(old);
    expect(trial.node.exec(`ls ${state}/aside 2>/dev/null || :`)).toBe('');
  });

  it('goes there, back and there again in a rehearsal', async () => {
    await trial.go('stage', 'backup', 'switch', 'verify');
    trial.run = { ...trial.run, touched: true };
    await trial.go('restore', 'verify-restored');
    trial.run = { ...trial.run, touched: false };
    expect(await trial.go(...turn)).toMatchObject({ is: 'succeeded' });
    expect(isThere()).toEqual(there);
  });

  it.each([
    ['between the two renames', 'mv', /zeitwork-operator$/],
    ['before the restart', 'systemctl', /restart/],
  ])('is finished with one restart by the next try, where the first one was killed %s', async (_, program, what) => {
    await trial.go('stage', 'backup');
    const real = program === 'mv' ? '#!/bin/sh\nexec /usr/bin/mv "$@"\n' : trial.node.read('bin/systemctl');
    trial.node.write('bin/real', real, 0o755);
    const glob = what.source.endsWith('$') ? '*bin/zeitwork-operator' : 'restart*';
    trial.node.write(
      `bin/${program}`,
      `#!/bin/sh\ncase "$*" in ${glob}) kill -9 $PPID; exit 1 ;; esac\nexec ${trial.node.root}/bin/real "$@"\n`,
      0o755,
    );
    expect(await trial.go('switch')).toMatchObject({ is: 'unknown' });
    trial.node.write(`bin/${program}`, real, 0o755);
    expect(trial.node.read(env)).toBe(becomes);
    expect(
      await restartsBy(async () => expect(await trial.go('switch', 'verify')).toMatchObject({ is: 'succeeded' })),
    ).toBe(1);
    expect(isThere()).toEqual(there);
  });

  it('whose first try was killed between the two renames is not called clean', async () => {
    await trial.go('stage', 'backup');
    trial.node.write(env, becomes, 0o640);
    trial.withdrawn = 'withdrawn';
    expect(await trial.go('switch')).toMatchObject({ is: 'failed', facts: { clean: false } });
  });

  it('is left as it is where somebody changed the file, and nobody is asked whether to keep that', async () => {
    await trial.go('stage', 'backup');
    trial.node.exec(`echo X=1 >>${env}`);
    for (const step of ['stage', 'switch'] as const)
      expect(await trial.go(step)).toMatchObject({ is: 'failed', reason: expect.stringMatching(/somebody changed/) });
    expect(trial.node.read(binary)).toBe(build('v1.0.0'));
  });

  it('is not proven by a process that was started with the old file', async () => {
    const real = trial.node.read('bin/systemctl');
    trial.node.write('bin/systemctl', real.replace("sed -n '/=/p'", "sed -n '/^NEW/d; /=/p'"), 0o755);
    expect(await trial.go(...turn)).toMatchObject({ is: 'failed', reason: expect.stringMatching(/says of NEW_PARAM/) });
  });

  it('that has the binary and not the file gets that too, with a restart', async () => {
    await trial.go('stage', 'backup', 'switch');
    trial.node.write(env, written, 0o640);
    trial.node.exec('systemctl restart zeitwork-operator');
    expect(await restartsBy(() => trial.go('switch', 'switch'))).toBe(1);
    expect(isThere()).toEqual(there);
  });

  it('that runs the release already keeps its own', async () => {
    await trial.go('stage', 'backup', 'switch');
    trial.node.write(env, written, 0o640);
    trial.node.exec('systemctl restart zeitwork-operator');
    trial.run = { ...trial.run, touched: false, already: false, before: null };
    expect(await trial.go('stage', 'verify')).toMatchObject({ is: 'succeeded' });
    expect(trial.run.already).toBe(true);
  });
});

describe('a helper', () => {
  it('knows nothing that reads or writes an environment file by key, and takes no word for whose it is', () => {
    const script = helperScript();
    for (const verb of ['lend-environment', 'compare-environment', 'stage-environment', 'configure)'])
      expect(script).not.toContain(verb);
    expect(script).toContain("case $new_env in '' | -) ;; *) refuse argument new_env ;; esac");
  });
});

process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
