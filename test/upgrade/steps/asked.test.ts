import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packed } from './little-node.ts';
import { nodeRun } from './support.ts';
import { state, Trial } from './trial.ts';

const failure = (reason: RegExp, retry = false) => ({ is: 'failed', retry, reason: expect.stringMatching(reason) });
const asRoot = '#!/bin/sh\necho 0\n';
/** What a stranger can do in the sandbox of this little systemd; its arguments are written down. */
const systemdRun = (root: string) =>
  `#!/bin/sh\necho "$*" >>${root}/asked-of-systemd\nwhile case $1 in --*) ;; *) break ;; esac; do shift; done\nexec "$@"\n`;

describe('a new binary', () => {
  let trial: Trial;
  /** A build that writes a file, as whoever runs it, when it is asked for its version. */
  const spying = () => {
    trial.use(packed(trial.folder, 'v2.0.0', `v2.0.0"; echo "$(id -u)" >>${trial.node.path('ran')}; echo "`));
  };
  beforeEach(() => {
    trial = new Trial();
  });
  afterEach(() => trial.close());

  it('is not run while it is staged, as nobody and as nobody else', async () => {
    spying();
    trial.node.exec('chmod 777 .');
    expect(await trial.go('stage')).toMatchObject({ is: 'succeeded' });
    expect(await trial.go('stage')).toMatchObject({ is: 'succeeded' });
    expect(trial.node.has('ran')).toBe(false);
    expect(trial.plan.asked).toBeNull();
  });

  it('is asked once, in the turn of the first node, and what it said holds for the others', async () => {
    spying();
    trial.node.exec('chmod 777 .');
    await trial.go('stage', 'backup');
    expect(trial.plan.asked).toEqual({ sha256: trial.release.binarySha256, version: 'v2.0.0' });
    expect(trial.node.read('ran').trim().split('\n')).toHaveLength(1);
    trial.run = nodeRun({ name: 'us-east-op-2', attempt: trial.run.attempt });
    expect(await trial.go('stage', 'backup', 'switch')).toMatchObject({ is: 'succeeded' });
    expect(trial.node.read('ran').trim().split('\n')).toHaveLength(1);
  });

  it('that says another version is refused before anything is changed, and removed', async () => {
    trial.use(packed(trial.folder, 'v2.1.0', 'v2.0.9'));
    await trial.go('stage');
    const untouched = trial.node.exec('cat pid; sha256sum usr/local/bin/zeitwork-operator etc/zeitwork/operator.env');
    expect(await trial.go('backup')).toMatchObject(failure(/^says v2\.0\.9, expected v2\.1\.0$/));
    expect(trial.node.exec('ls usr/local/bin')).toBe('zeitwork-operator\n');
    expect(trial.node.exec('cat pid; sha256sum usr/local/bin/zeitwork-operator etc/zeitwork/operator.env')).toBe(
      untouched,
    );
    trial.run = nodeRun({ attempt: trial.run.attempt });
    expect(await trial.go('stage', 'backup')).toMatchObject(failure(/^says v2\.0\.9, expected v2\.1\.0$/));
  });

  it('that was asked about another hash is asked again', async () => {
    trial.plan = { ...trial.plan, asked: { sha256: '9'.repeat(64), version: 'v1.9.0' } };
    expect(await trial.go('stage', 'backup')).toMatchObject({ is: 'succeeded' });
    expect(trial.plan.asked).toMatchObject({ version: 'v2.0.0' });
  });

  it('is asked in a sandbox of systemd where there is one', async () => {
    trial.node.write('bin/id', asRoot, 0o755);
    trial.node.write('bin/systemd-run', systemdRun(trial.node.root), 0o755);
    expect(await trial.go('stage')).toMatchObject({ is: 'succeeded' });
    expect(trial.node.has('asked-of-systemd')).toBe(false);
    expect(await trial.go('backup')).toMatchObject({ is: 'succeeded' });
    expect(trial.plan.asked).toMatchObject({ version: 'v2.0.0' });
    const [, , asked = ''] = trial.node.read('asked-of-systemd').split('\n');
    for (const word of ['DynamicUser=yes', 'PrivateNetwork=yes', 'ProtectSystem=strict', 'ProtectHome=yes'])
      expect(asked).toContain(`--property=${word}`);
    expect(asked).toMatch(/--pipe --wait --collect .*--property=PrivateTmp=yes .*--property=NoNewPrivileges=yes/);
    expect(asked).toMatch(/zeitwork-operator\.v2\.0\.0-[0-9a-f]{12}\.staged --version$/);
  });

  it('that a stranger may not read is lent to it from a copy, which is gone afterwards', async () => {
    trial.node.write('bin/id', asRoot, 0o755);
    trial.node.write('bin/systemd-run', systemdRun(trial.node.root).replace('exec', '[ "$1" != test ] && exec'), 0o755);
    await trial.go('stage', 'backup');
    expect(trial.node.read('asked-of-systemd')).toMatch(
      /--property=BindReadOnlyPaths=\S+operator\/\.ask\.\d+:\/run\/zeitwork-asked .*\/run\/zeitwork-asked --version$/m,
    );
    expect(trial.node.exec(`ls -A ${state}`)).not.toMatch(/\.ask/);
    // There is nothing at that place outside of a real sandbox: so it was not asked.
    expect(trial.plan.asked).toEqual({ sha256: trial.release.binarySha256, version: null });
  });

  it.each([
    ['nobody may not run it', 'case "$*" in *" true") exit 0 ;; *) echo denied; exit 126 ;; esac'],
    ['nobody does not find it', 'case "$*" in *" true") exit 0 ;; *) echo not there; exit 127 ;; esac'],
    ['root cannot become nobody', 'exit 127'],
  ])('is never run as root, also when %s: it is not asked, which is recorded', async (_, setpriv) => {
    spying();
    trial.node.write('bin/id', asRoot, 0o755);
    trial.node.write('bin/setpriv', `#!/bin/sh\n${setpriv}\n`, 0o755);
    expect(await trial.go('stage', 'backup', 'switch')).toMatchObject({ is: 'succeeded' });
    expect(trial.node.has('ran')).toBe(false);
    expect(trial.plan.asked).toEqual({ sha256: trial.release.binarySha256, version: null });
  });

  it('that talks without end is cut off, and what it says is judged', async () => {
    trial.use(packed(trial.folder, 'v2.0.0', 'v2.0.0', '#!/bin/sh\necho v2.0.0\nwhile :; do echo more; done\n'));
    expect(await trial.go('stage', 'backup')).toMatchObject({ is: 'succeeded' });
    expect(trial.plan.asked).toMatchObject({ version: 'v2.0.0' });
  });

  it('for another machine, or of no kind that runs, is refused while it is staged, and removed', async () => {
    const other = Buffer.concat([readFileSync('/bin/sh').subarray(0, 18), Buffer.from([0x2a, 0]), Buffer.alloc(100)]);
    trial.use(packed(trial.folder, 'v2.0.0', 'v2.0.0', other));
    expect(await trial.go('stage')).toMatchObject(failure(/^the binary is not for this machine/));
    expect(trial.node.exec('ls usr/local/bin')).toBe('zeitwork-operator\n');
    trial.use(packed(trial.folder, 'v2.0.1', 'v2.0.1', 'MZ and so on'));
    expect(await trial.go('stage')).toMatchObject(failure(/^the binary is neither an ELF file nor a script/));
  });

  it('for this machine is staged, although it is no script', async () => {
    trial.use(packed(trial.folder, 'v2.0.0', 'v2.0.0', readFileSync('/bin/true')));
    expect(await trial.go('stage')).toMatchObject({ is: 'succeeded' });
  });
});
