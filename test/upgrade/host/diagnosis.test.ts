import { describe, expect, it } from 'vitest';
import { diagnosisOf, type Signs } from '../../../src/upgrade/host/diagnosis.ts';
import { lastError, linesOf, messageOf } from '../../../src/upgrade/host/journal.ts';
import type { UnitFacts } from '../../../src/upgrade/host/observation.ts';
import type { Health } from '../../../src/upgrade/http/types.ts';
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
