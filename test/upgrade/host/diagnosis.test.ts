import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readLines } from '../../../src/upgrade/host/answer.ts';
import { causes } from '../../../src/upgrade/host/causes.ts';
import { diagnoseNode, diagnosisIn } from '../../../src/upgrade/host/collect.ts';
import { diagnosisOf, type Signs } from '../../../src/upgrade/host/diagnosis.ts';
import { lastError, linesOf, messageOf } from '../../../src/upgrade/host/journal.ts';
import type { UnitFacts } from '../../../src/upgrade/host/observation.ts';
import { createProbe } from '../../../src/upgrade/http/index.ts';
import type { Health } from '../../../src/upgrade/http/types.ts';
import type { Diagnosis, NextStep } from '../../../src/upgrade/rollout/types.ts';
import { service } from '../steps/support.ts';

const at = (second: number) => `2026-11-22T23:35:${String(second).padStart(2, '0')}+0000 us-east-op-1`;
const systemd = (second: number, text: string) => `${at(second)} systemd[1]: ${text}`;
const log = (second: number, level: string, text: string) =>
  `${at(second)} zeitwork-operator[356]: time=2026-11-22T23:35:23Z level=${level} msg="${text}"`;
const stopping = systemd(1, 'Stopping zeitwork-operator.service - Zeitwork Operator...');
const started = (second: number) => systemd(second, 'Started zeitwork-operator.service - Zeitwork Operator.');

const unit: UnitFacts = {
  loaded: true,
  active: 'active',
  sub: 'running',
  result: 'success',
  exitStatus: 0,
  mainPid: 7,
  invocation: 'i',
  restarts: 0,
};
const flapping: UnitFacts = {
  ...unit,
  active: 'activating',
  sub: 'auto-restart',
  mainPid: 0,
  restarts: 2,
  result: 'exit-code',
  exitStatus: 1,
};
const refused: Health = { is: 'unreachable', detail: 'connection refused' };
const starting: Health = { is: 'unhealthy', httpStatus: 503, detail: '503 starting' };
type Change = Partial<Omit<Signs, 'journal'>> & { journal?: string[] };
const signs = ({ journal = [], ...change }: Change): Signs => ({
  health: refused,
  unit,
  journal: linesOf(journal),
  listens: [],
  file: '-rwxr-xr-x 1 root root 29360128 Nov 22 23:35 /usr/local/bin/zeitwork-operator',
  executable: true,
  space: { device: '1', freeBytes: 400 * 1024 * 1024, freeInodes: 1000 },
  properties: [],
  places: [],
  running: null,
  clock: 0,
  wanted: null,
  ...change,
});

describe('the likely cause', () => {
  const table: [string, Change, string][] = [
    ['there is no unit', { unit: { ...unit, loaded: false } }, 'there is no unit zeitwork-operator on the node'],
    ['the disk is full', { space: { device: '1', freeBytes: 4096, freeInodes: 9 } }, 'the disk is full'],
    [
      'a log line says that the disk is full',
      { journal: [stopping, log(2, 'ERROR', 'write wal: No space left on device')] },
      'the disk is full',
    ],
    [
      'inodes are gone',
      { space: { device: '1', freeBytes: 9e8, freeInodes: 0 } },
      'the disk has no room for more files (inodes)',
    ],
    [
      'the binary is missing',
      { file: "ls: cannot access '/x': No such file or directory", executable: false },
      'the binary is missing: /usr/local/bin/zeitwork-operator',
    ],
    [
      'the binary is not executable',
      { executable: false },
      'the binary is not executable: /usr/local/bin/zeitwork-operator',
    ],
    [
      'systemd cannot execute it',
      {
        unit: flapping,
        journal: [stopping, systemd(2, 'zeitwork-operator.service: Main process exited, code=exited, status=203/EXEC')],
      },
      'the binary cannot be executed',
    ],
    [
      'the port is taken',
      {
        unit: flapping,
        journal: [stopping, log(2, 'FATAL', 'cannot listen on port 8080: Address already in use')],
        listens: ['LISTEN 0 128 0.0.0.0:8080 0.0.0.0:* users:(("nginx",pid=612,fd=6))'],
      },
      'its port is taken by nginx (pid 612): cannot listen on port 8080: Address already in use',
    ],
    [
      'a file may not be read',
      { unit: flapping, journal: [stopping, log(2, 'FATAL', 'open /etc/zeitwork/tls.pem: permission denied')] },
      'permission denied: open /etc/zeitwork/tls.pem: permission denied',
    ],
    [
      'it exits at start',
      {
        unit: flapping,
        journal: [stopping, started(2), log(2, 'FATAL', 'migration lock table missing, cannot start')],
      },
      'exits at start (exit status 1): migration lock table missing, cannot start',
    ],
    [
      'it exits at start and systemd logs after it',
      { unit: flapping, journal: [stopping, started(2), log(7, 'FATAL', 'no table'), started(7)] },
      'exits at start (exit status 1): no table',
    ],
    [
      'it dies after a while',
      {
        unit: { ...unit, restarts: 1 },
        journal: [stopping, started(2), log(22, 'FATAL', 'out of memory'), started(27)],
      },
      'dies after 20 s: out of memory',
    ],
    [
      'it does not run',
      { unit: { ...unit, active: 'inactive', mainPid: 0 } },
      'the service does not run (inactive, exit status 0)',
    ],
    [
      'it answers unhealthy',
      {
        health: { is: 'unhealthy', httpStatus: 200, detail: 'unhealthy' },
        journal: [stopping, log(2, 'ERROR', 'reconcile loop stalled'), started(2)],
      },
      'runs, but says it is unhealthy: reconcile loop stalled',
    ],
    ['it never becomes healthy', { health: starting }, 'runs, but never becomes healthy: 503 starting'],
    ['it does not listen', {}, 'runs, but health does not answer: connection refused'],
    [
      'nothing is wrong',
      { health: { is: 'healthy', version: 'v2.0.0', hostname: null } },
      'no cause was found: it runs and answers healthy now',
    ],
    [
      'an old error was before the last stop',
      { health: starting, journal: [log(0, 'FATAL', 'long ago'), stopping, started(2)] },
      'runs, but never becomes healthy: 503 starting',
    ],
    [
      'the build before it broke while it was being stopped',
      {
        health: starting,
        journal: [
          stopping,
          log(2, 'ERROR', 'flush of database: dial tcp 10.0.0.5:5432: connection refused'),
          systemd(3, 'zeitwork-operator.service: Main process exited, code=dumped, status=11/SEGV'),
          systemd(3, "zeitwork-operator.service: Failed with result 'core-dump'."),
          systemd(3, 'Stopped zeitwork-operator.service - Zeitwork Operator.'),
          started(4),
        ],
      },
      'runs, but never becomes healthy: 503 starting',
    ],
    [
      'a line tells of what is in order',
      {
        health: starting,
        journal: [
          stopping,
          started(2),
          log(2, 'INFO', 'LOG_FORMAT is not set'),
          log(2, 'DEBUG', 'permission denied for probe user, as it should be'),
          `${at(2)} zeitwork-operator[356]: {"level":"info","msg":"panic: handler installed"}`,
        ],
      },
      'runs, but never becomes healthy: 503 starting',
    ],
    [
      'a key is missing that has a default',
      { health: starting, journal: [stopping, started(2), log(2, 'WARN', 'CACHE_URL is not set, using the default')] },
      'runs, but never becomes healthy: 503 starting',
    ],
    [
      'an error tells it, whatever it quotes',
      { unit: flapping, journal: [stopping, started(2), log(2, 'ERROR', 'LOG_LEVEL is not set [INFO]')] },
      'a key is missing in its environment: LOG_LEVEL is not set [INFO]',
    ],
    [
      'its port was taken, and it has it now',
      {
        health: starting,
        unit: { ...unit, restarts: 1 },
        journal: [stopping, log(2, 'FATAL', 'cannot listen on port 8080: Address already in use'), started(7)],
        listens: ['LISTEN 0 128 0.0.0.0:8080 0.0.0.0:* users:(("zeitwork-operat",pid=7,fd=6))'],
      },
      'exits at start (running again): cannot listen on port 8080: Address already in use',
    ],
  ];
  it.each(table)('when %s', (_, change, summary) => {
    expect(diagnosisOf(signs(change), service).summary).toBe(summary);
  });

  it('shows at most twelve lines, and no secret', () => {
    const journal = Array.from({ length: 60 }, (_, i) =>
      log(i % 60, 'FATAL', `dial postgres://zw:s3cret-node@db/zw: refused ${i}`),
    );
    const diagnosis = diagnosisOf(signs({ unit: flapping, journal }), service);
    expect(diagnosis.evidence.length).toBeLessThanOrEqual(12);
    expect(JSON.stringify(diagnosis)).not.toContain('s3cret');
    expect(diagnosis.summary).toMatch(/postgres:\/\/\*\*\*@db/);
  });
});

describe('a real node', () => {
  /** What was recorded of a node that was broken on purpose, and what is to be said of it: cause, next step, and a line that shows it. */
  const table: [string, string[], RegExp, NextStep, RegExp][] = [
    [
      'port-in-use',
      ['port-in-use'],
      /^its port is taken by edge-proxy \(pid \d+\): cannot listen on port 8080/,
      'look',
      /Address already in use/,
    ],
    [
      'missing-key',
      ['key-missing'],
      /^a key is missing in its environment: NEW_PARAM is not set$/,
      'rollback',
      /NEW_PARAM/,
    ],
    ['missing-key-of-old', ['key-missing'], /: DATABASE_URL is not set$/, 'rollback', /DATABASE_URL/],
    [
      'environment-missing',
      ['environment-missing'],
      /^its environment file cannot be read: No such file or directory$/,
      'look',
      /Failed to load environment files/,
    ],
    [
      'not-executable',
      ['not-executable', 'directory-closed'],
      /^the binary is not executable: \/usr\/local\/bin\/zeitwork-operator/,
      'rollback',
      /^-rw-r--r--/,
    ],
    ['directory-closed', ['directory-closed'], /may not enter a directory/, 'look', /step EXEC.*Permission denied/],
    ['binary-missing', ['binary-missing'], /^the binary is missing/, 'rollback', /No such file/],
    ['wrong-architecture', ['wrong-architecture'], /made for another machine/, 'rollback', /Exec format error/],
    [
      'library-missing',
      ['library-missing'],
      /^a shared library is missing on the node: libzeitwork\.so\.1$/,
      'rollback',
      /cannot open shared object file/,
    ],
    [
      'library-too-old',
      ['library-too-old'],
      /newer library than the node has: GLIBC_2\.99$/,
      'rollback',
      /GLIBC_2\.99/,
    ],
    [
      'start-limit',
      ['exits', 'start-limit'],
      /^exits at start \(exit status 1\): migration lock table missing.*; also shown: systemd has given up starting it$/,
      'rollback',
      /FATAL/,
    ],
    [
      'exits-at-start',
      ['exits'],
      /^exits at start \(exit status 1\): migration lock table missing, cannot start$/,
      'rollback',
      /FATAL/,
    ],
    ['segfault', ['crashed'], /^it crashes \(signal SEGV\)$/, 'rollback', /status=11\/SEGV/],
    ['killed', ['killed'], /^it was killed from outside \(signal KILL\)/, 'look', /status=9\/KILL/],
    ['panic', ['panicked', 'down'], /panicked at/, 'rollback', /panicked at/],
    ['stack-trace', ['panicked', 'down'], /main::main\(\) called at -e line 1/, 'rollback', /called at/],
    [
      'start-timeout',
      ['start-timeout', 'restarting'],
      /^it did not say in time that it is ready/,
      'rollback',
      /start operation timed out/,
    ],
    ['database-refused', ['database-refused'], /port 5432 failed: Connection refused$/, 'retry', /Connection refused/],
    [
      'database-auth',
      ['database-auth'],
      /^the database refuses its user: .*password authentication failed/,
      'look',
      /authentication failed/,
    ],
    ['dns', ['name-unknown'], /^a name cannot be resolved: .*"db\.internal"/, 'retry', /name resolution/],
    [
      'certificate-expired',
      ['certificate-expired'],
      /^a certificate has expired: curl/,
      'retry',
      /certificate has expired/,
    ],
    ['disk-full', ['disk-full'], /^the disk is full$/, 'look', /0 bytes are free/],
    ['inodes-gone', ['inodes-gone'], /^the disk has no room for more files \(inodes\)$/, 'look', /no inodes/],
    ['read-only', ['read-only-told'], /^a file system is read-only: open wal/, 'look', /Read-only file system/],
    ['read-only-binary', ['read-only'], /^the file system of \/usr\/local\/bin is read-only$/, 'look', /is read-only/],
    ['starting', ['never-healthy'], /^runs, but never becomes healthy: 503 starting$/, 'rollback', /503 starting/],
    ['unhealthy', ['unhealthy'], /^runs, but says it is unhealthy: reconcile loop stalled$/, 'rollback', /unhealthy/],
    ['old-process', ['old-process'], /^the process from before still runs/, 'retry', /\(deleted\)/],
    ['unit-missing', ['unit-missing'], /^there is no unit zeitwork-operator/, 'look', /not-found/],
    ['unit-masked', ['unit-masked'], /^the unit zeitwork-operator is masked/, 'look', /masked/],
    ['unit-broken', ['unit-broken'], /^systemd cannot read the unit file/, 'look', /bad-setting/],
    ['stopped', ['stopped'], /^it was stopped, and nobody started it again$/, 'look', /systemd\[1\]: Stopped/],
    [
      'stopped-and-disabled',
      ['stopped', 'disabled'],
      /; also shown: the unit is disabled$/,
      'look',
      /systemd\[1\]: Stopped/,
    ],
    ['user-missing', ['user-missing'], /^the user that the unit names does not exist/, 'look', /217\/USER/],
    ['dies', ['dies'], /^dies after 2\d s: out of memory in reconcile loop$/, 'rollback', /out of memory/],
    ['silent', ['silent'], /^runs, but health does not answer: /, 'look', /health does not answer/],
    ['group-missing', ['group-missing'], /^the group that the unit names does not exist/, 'look', /216\/GROUP/],
    ['directory-missing', ['directory-missing'], /^the working directory/, 'look', /200\/CHDIR/],
    [
      'too-many-files',
      ['too-many-files'],
      /^it may open no more files: open \/etc\/hosts/,
      'rollback',
      /Too many open files/,
    ],
    [
      'cannot-assign',
      ['address-missing'],
      /^it listens on an address that the node does not have/,
      'look',
      /Cannot assign/,
    ],
    [
      'permission',
      ['permission-denied'],
      /^permission denied: open \/etc\/zeitwork\/tls\.pem/,
      'look',
      /Permission denied/,
    ],
    [
      'privileged-port',
      ['permission-denied'],
      /^permission denied: cannot listen on port 80/,
      'look',
      /Permission denied/,
    ],
    ['sudo-refused', ['sudo-refused'], /^the node cannot be looked at: sudo asks for a password/, 'look', /NOPASSWD/],
    ['unknown', ['restarting'], /^keeps being restarted \(1 times\)$/, 'rollback', /keeps being restarted/],
  ];
  it.each(table)('that was recorded, %s, is told with what shows it', async (recorded, names, summary, next, line) => {
    const { causes = [], ...diagnosis } = await diagnosisOfRecording(recorded);
    expect(causes.map(({ name }) => name)).toEqual(names);
    expect(diagnosis.summary).toMatch(summary);
    expect(causes[0]).toMatchObject({ next, line: expect.stringMatching(line) });
    if (recorded !== 'sudo-refused') expect(diagnosis.evidence[0]).toBe(causes[0]?.line);
    expect(JSON.stringify(diagnosis)).not.toContain('s3cret');
  });

  it('has a transcript for each cause but those that a trial node cannot show', () => {
    const shown = new Set(table.flatMap(([, names]) => names));
    const also = ['other-version', 'clock-off'];
    const rest = causes.flat().flatMap(({ name }) => (shown.has(name) || also.includes(name) ? [] : [name]));
    expect(rest).toEqual([
      'disk-full-told',
      'out-of-memory',
      'out-of-memory-told',
      'certificate-early',
      'not-executed',
    ]);
    expect(new Set(table.map(([recorded]) => recorded)).size).toBeGreaterThan(20);
  });

  it('says of every recording what was done to the node, and how it was recorded', () => {
    for (const recorded of recordings()) {
      expect(readFileSync(recordingOf(recorded), 'utf8')).toMatch(
        /^# Recorded by scripts\/record-diagnoses\.sh .*\n# What was done to it:\n(# \$ .+\n)+# health: /,
      );
    }
    expect(recordings().toSorted()).toEqual(
      [...table.map(([recorded]) => recorded), 'healthy', 'other-version'].toSorted(),
    );
  });

  it('that is well has no cause, and none that is made up', async () => {
    const well = await diagnosisOfRecording('healthy');
    expect(well).toMatchObject({ causes: [], summary: 'no cause was found: it runs and answers healthy now' });
  });

  it('that answers as another version than was meant is told', async () => {
    const { causes = [], summary } = await diagnosisOfRecording('other-version', { wanted: 'v2.1.0' });
    expect(summary).toBe('runs, but answers as v2.0.0, not as v2.1.0');
    expect(causes).toMatchObject([{ name: 'other-version', next: 'rollback' }]);
    expect((await diagnosisOfRecording('other-version', { wanted: 'v2.0.0' })).causes).toEqual([]);
  });

  it('whose clock is off by more than a minute is told', async () => {
    const { causes = [], summary } = await diagnosisOfRecording('healthy', { ahead: 7_200 });
    expect(summary).toBe('the clock of the node is behind by 7200 s');
    expect(causes).toMatchObject([{ name: 'clock-off', next: 'look' }]);
    expect((await diagnosisOfRecording('healthy', { ahead: 50 })).causes).toEqual([]);
  });

  it('is kept whole beside the cause, bounded and without a secret', async () => {
    const { bundle = [] } = await diagnosisOfRecording('exits-at-start');
    for (const part of [
      'health: ',
      'unit: Result=exit-code',
      'more: User=zeitwork',
      'file: -rwx',
      'files: drwx',
      'key: DATABASE_URL',
      'place: /var ',
      'listens: ',
      'status: ',
      'journal: ',
    ])
      expect(bundle.some((line) => line.startsWith(part))).toBe(true);
    expect(bundle.some((line) => /^journal: .*migration lock table missing/.test(line))).toBe(true);
    expect(bundle.join('\n')).not.toContain('s3cret');
  });

  it('that writes much has its newest lines kept, and no more than there is room for', () => {
    const many = Array.from(
      { length: 60 },
      (_, n) => `@@zw journal ${at(n)} op[1]: ${n} ${'password is hunter2 '.repeat(14)}`,
    );
    const output = readLines([...many, '@@zw end ok'].join('\n'));
    const { bundle = [] } = diagnosisIn(output, refused, service, null, null);
    expect(bundle.join('').length).toBeLessThanOrEqual(16_000);
    expect(bundle.at(-1)).toContain('op[1]: 59');
    expect(bundle.join('\n')).not.toContain('hunter2');
  });
});

const recordingOf = (name: string) => join(import.meta.dirname, 'transcripts', `${name}.txt`);
const recordings = () =>
  readdirSync(join(import.meta.dirname, 'transcripts')).map((file) => file.replace(/\.txt$/, ''));

/** @param ahead by how many seconds our clock is ahead of what it was when the node was asked */
async function diagnosisOfRecording(name: string, { wanted = 'v2.0.0', ahead = 0 } = {}): Promise<Diagnosis> {
  const text = readFileSync(recordingOf(name), 'utf8');
  const code = /^# exit (\d+)$/m.exec(text)?.[1] ?? 0;
  const recordedAt = Number(/^@@zw clock (\d+)$/m.exec(text)?.[1] ?? 0) * 1000;
  const [, status, body] = /^# health: (?:(\d+) (.*)|refused)$/m.exec(text) ?? [];
  const shell = {
    run: async () => ({ is: 'exited' as const, code: Number(code), stdout: text, stderr: text }),
    put: async () => {
      throw new Error('nothing is sent');
    },
    close: async () => undefined,
  };
  const server = status === undefined ? null : createServer((_, to) => to.writeHead(Number(status)).end(body));
  const url = server === null ? 'http://127.0.0.1:1/health' : await addressOf(server);
  try {
    return await diagnoseNode('n', service, shell, createProbe({ n: url }), 1_000, undefined, {
      ...(name === 'other-version' || name === 'starting' || name === 'unhealthy' ? { wanted } : {}),
      now: () => recordedAt + ahead * 1000,
    });
  } finally {
    server?.close();
  }
}

async function addressOf(server: Server): Promise<string> {
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/health`;
}

describe('what a trial node cannot show', () => {
  const killed = systemd(3, 'zeitwork-operator.service: A process of this unit has been killed by the OOM killer.');
  it.each<[string, Change, string[]]>([
    [
      'the kernel takes its memory',
      { unit: { ...flapping, result: 'oom-kill' }, journal: [started(1)] },
      ['out-of-memory'],
    ],
    ['the kernel took its memory before', { unit: flapping, journal: [started(1), killed] }, ['out-of-memory-told']],
    [
      'its group is missing',
      { unit: flapping, journal: [systemd(1, 'x.service: Main process exited, code=exited, status=216/GROUP')] },
      ['group-missing'],
    ],
    [
      'a certificate counts only later',
      { unit: flapping, journal: [log(1, 'FATAL', 'tls: certificate is not yet valid')] },
      ['certificate-early'],
    ],
    [
      'the slow stop of its last process ended with a kill',
      {
        health: { is: 'unhealthy', httpStatus: 503, detail: '503 starting' },
        journal: [
          stopping,
          systemd(2, "x.service: State 'stop-sigterm' timed out. Killing."),
          systemd(2, 'x.service: Main process exited, code=killed, status=9/KILL'),
          started(3),
        ],
      },
      ['never-healthy'],
    ],
  ])('is told where %s', (_, change, names) => {
    expect(diagnosisOf(signs(change), service).causes?.map(({ name }) => name)).toEqual(names);
  });

  it('is not called a cause when nothing that is known shows: then its last lines are there', () => {
    const { causes, summary, evidence } = diagnosisOf(
      signs({
        unit: { ...unit, active: 'reloading' },
        health: { is: 'healthy', version: null, hostname: null },
        journal: [started(1), log(2, 'INFO', 'waiting for the moon')],
      }),
      service,
    );
    expect(causes).toEqual([]);
    expect(summary).toBe('no cause that is known shows; see its last lines');
    expect(evidence.at(-1)).toContain('waiting for the moon');
  });

  it('is not looked for in the journal of a service that is well, whatever it wrote', () => {
    const health: Health = { is: 'healthy', version: null, hostname: null };
    const journal = [started(1), log(2, 'ERROR', 'dial db:5432: connection refused'), log(3, 'INFO', 'connected')];
    expect(diagnosisOf(signs({ health, journal }), service).causes).toEqual([]);
  });

  it('lists what is equally specific, and leaves out what is less', () => {
    const journal = [
      log(1, 'ERROR', 'dial db:5432: connection refused'),
      log(2, 'FATAL', 'lookup cache: no such host'),
    ];
    const { causes, summary } = diagnosisOf(signs({ unit: flapping, journal }), service);
    expect(causes?.map(({ name }) => name)).toEqual(['database-refused', 'name-unknown']);
    expect(summary).toMatch(/^the database cannot be reached: .*; also shown: a name cannot be resolved: /);
  });
});

describe('what is shown of a journal', () => {
  const key = [
    '-----BEGIN PRIVATE KEY-----',
    'MIIEpAIBAAKCAQEAz7Qk3',
    'vNn1Jm9xY2bW5cR8dT0eU',
    '-----END PRIVATE KEY-----',
  ];

  it('has no line of a key that goes over several, and finds the cause behind it', () => {
    const journal = [
      started(1),
      ...key.map((line) => `${at(2)} op[1]: ${line}`),
      log(3, 'FATAL', 'cannot read tls key'),
      `${at(3)} op[1]: DB_PASSWORD="s3cret`,
    ];
    const diagnosis = diagnosisOf(signs({ unit: flapping, journal }), service);
    expect(diagnosis.summary).toBe('exits at start (exit status 1): cannot read tls key');
    expect(JSON.stringify(diagnosis)).not.toMatch(/MIIEp|vNn1|s3cret/);
  });

  it.each([
    [log(2, 'FATAL', 'dial postgres://zw:s3cret@db/zw: refused'), 'dial postgres://***@db/zw: refused'],
    [log(2, 'FATAL', `\u001b[31mtok\u200ben\u001b[0m=s3cret`), 'token=***'],
  ])('is %j without its secret', (line, shown) => {
    expect(lastError(linesOf([line]))).toBe(shown);
    const diagnosis = diagnosisOf(signs({ unit: flapping, journal: [line] }), service);
    expect(diagnosis.evidence.join()).toContain(shown);
    expect(JSON.stringify(diagnosis)).not.toContain('s3cret');
  });
});

describe('the journal', () => {
  it.each([
    [log(2, 'FATAL', 'a \\"b\\" c'), 'a \\"b\\" c'],
    [systemd(2, 'Started x.service.'), 'Started x.service.'],
    ['2026-11-22T23:35:02+0000 host op[1]: panic: nil', 'panic: nil'],
    ['-- No entries --', '-- No entries --'],
  ])('tells the message of %j', (line, message) => {
    expect(messageOf(line)).toBe(message);
  });

  it('prefers a fatal line to later errors, and knows of none when there is none', () => {
    expect(lastError(linesOf([log(1, 'FATAL', 'first'), log(2, 'ERROR', 'later')]))).toBe('first');
    expect(lastError(linesOf([log(1, 'INFO', 'errors=0')]))).toBeNull();
  });
});
