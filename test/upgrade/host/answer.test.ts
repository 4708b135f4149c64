import { describe, expect, it } from 'vitest';
import { redactLines } from '../../../src/base/redact.ts';
import { read, readLines } from '../../../src/upgrade/host/answer.ts';
import { reportOf } from '../../../src/upgrade/host/reports.ts';
import type { Outcome } from '../../../src/upgrade/ssh/types.ts';
import { stopReport } from '../../../src/upgrade/steps/stop.ts';
import { shapes } from '../../base/secrets.ts';

/** What only its form tells. */
const bare = shapes.filter((shape) => shape.bare);

const exited = (code: number, stdout: string, stderr = ''): Outcome => ({ is: 'exited', code, stdout, stderr });

describe('the answer of a command', () => {
  it('is read from framed lines only, so that banners and noise do not matter', () => {
    const output = readLines(
      'Welcome!\n@@zw image abc\nimage def\n  @@zw image ghi\n@@zw unit MainPID=7\n@@zw unit NRestarts=0\n@@zw disk \n',
    );
    expect(output).toEqual(
      new Map([
        ['image', ['abc']],
        ['unit', ['MainPID=7', 'NRestarts=0']],
        ['disk', ['']],
      ]),
    );
  });

  it('is cut to what a script may say, in no time', () => {
    const floods = ['@@zw a b\n', '\n', 'x', '@@zw ', 'sudo:', 'TOKEN', `@@zw ${'k'.repeat(9)} `, '\u001b['].map(
      (part) => part.repeat(Math.ceil((256 * 1024) / part.length)),
    );
    for (const flood of floods) {
      const from = process.cpuUsage();
      expect(read(exited(0, `${flood}\n@@zw end ok\n`)).is).toMatch(/ok|lost/);
      read(exited(1, flood, flood));
      expect(process.cpuUsage(from).user / 1000).toBeLessThan(150);
    }
  });

  it('counts for nothing when there is more of it', () => {
    const lines = (count: number, line: string) => exited(0, `${`${line}\n`.repeat(count)}@@zw end ok\n`);
    expect(read(lines(1_999, '@@zw a b'))).toMatchObject({ is: 'ok' });
    expect(read(lines(2_000, '@@zw a b'))).toMatchObject({
      is: 'lost',
      reason: expect.stringMatching(/more than any/),
    });
    expect(read(lines(15, `@@zw a ${'x'.repeat(4_000)}`))).toMatchObject({ is: 'ok' });
    expect(read(lines(17, `@@zw a ${'x'.repeat(4_000)}`))).toMatchObject({ is: 'lost' });
    expect(read(lines(9_000, 'noise'))).toMatchObject({ is: 'ok' });
    const long = read(lines(1, `@@zw a ${'x'.repeat(9_000)}`));
    expect(long.is === 'ok' && long.output.get('a')?.[0]?.length).toBeLessThan(4_100);
  });

  it('shows no part of a secret where a line of it was cut', () => {
    const line = 4_096;
    const leaking = bare.flatMap(({ name, before, secret, after }) => {
      const text = before + secret + after;
      const parts = Array.from(secret, (_, from) => secret.slice(from, from + 6)).filter(({ length }) => length === 6);
      return Array.from(text, (_, at) => at).flatMap((at) => {
        const pad = 'noise '.repeat(1_000);
        const output = readLines(`@@zw a ${pad.slice(-(line - 2 - at))}${text} more\n`);
        const shown = redactLines(output.get('a') ?? []).join('\n');
        expect(shown.length).toBeGreaterThan(3_000);
        return parts.some((part) => shown.includes(part)) ? [`${name}, cut at ${at}: ${shown.slice(-80)}`] : [];
      });
    });
    expect(leaking).toEqual([]);
  });

  it('shows no part of a secret in a complaint, wherever that begins to be listened to', () => {
    const leaking = shapes.flatMap(({ name, before, secret, after }) => {
      const text = before + secret + after;
      const parts = Array.from(secret, (_, from) => secret.slice(from, from + 6)).filter(({ length }) => length === 6);
      return Array.from(text.slice(1), (_, at) => at + 1).flatMap((at) => {
        const rest = ' z'.repeat(64 * 1024).slice(0, 64 * 1024 - (text.length - at));
        const shown = JSON.stringify(read(exited(1, '', `y\n${text}${rest}`)));
        return parts.some((part) => shown.includes(part)) ? [`${name}, at ${at}: ${shown}`] : [];
      });
    });
    expect(leaking.slice(0, 5)).toEqual([]);
    const many = exited(1, '', `${'y\n'.repeat(64 * 1024)}it is broken\n`);
    expect(read(many)).toMatchObject({ is: 'broken', reason: 'exit 1: it is broken' });
  });

  it('names no tool by what may be the end of something else', () => {
    const answer = read(exited(127, '', `${'Zx9Kq2Lm7Tv4Bn8Wc1Rd6Yh3Gf5Js0Pa'.repeat(5)}: not found`));
    expect(answer).toMatchObject({ is: 'broken', reason: expect.not.stringMatching(/Js0Pa|6Yh3G/) });
  });

  const table: [string, Outcome, object][] = [
    ['tells only with code 0 and its last line', exited(0, '@@zw end ok\n'), { is: 'ok' }],
    ['is lost when it ended well without its last line', exited(0, '@@zw image a\n'), { is: 'lost' }],
    ['is not a success with a last line and a bad code', exited(1, '@@zw end ok\n'), { is: 'broken', retry: true }],
    ['is lost when the node ended it for lack of time', exited(124, ''), { is: 'lost' }],
    [
      'is lost when it was killed, with the signal',
      { is: 'signalled', signal: 'SIGKILL', stdout: '', stderr: '' },
      { is: 'lost', reason: expect.stringMatching(/SIGKILL/) },
    ],
    [
      'passes on that nothing was sent',
      { is: 'unreachable', reason: 'connection refused' },
      { is: 'unreachable', reason: 'connection refused' },
    ],
    [
      'carries the word of a refusal',
      exited(70, '@@zw refused drift abc\n'),
      { is: 'refused', word: 'drift', detail: 'abc' },
    ],
    ['is busy', exited(75, '@@zw refused busy -\n'), { is: 'refused', word: 'busy' }],
    [
      'says what to do about sudo',
      exited(1, '', 'sudo: a password is required\n'),
      { is: 'broken', retry: false, reason: expect.stringMatching(/NOPASSWD/) },
    ],
    [
      'says that the disk is full',
      exited(1, '', 'cp: error writing: No space left on device'),
      { is: 'broken', retry: false, reason: 'the disk of the node is full' },
    ],
    [
      'says that the file system is read-only',
      exited(1, '', "mkdir: cannot create '/x': Read-only file system"),
      { is: 'broken', retry: false },
    ],
    [
      'names a missing tool',
      exited(127, '', 'sh: 40: flock: not found'),
      { is: 'broken', retry: false, reason: 'flock is not installed on the node' },
    ],
    [
      'hides secrets of an error line',
      exited(1, '', 'x postgres://a:s3cret@b'),
      { is: 'broken', reason: expect.not.stringMatching(/s3cret/) },
    ],
  ];
  it.each(table)('%s', (_, outcome, expected) => {
    expect(read(outcome)).toMatchObject(expected);
  });
});

describe('the report of a command that did not end well', () => {
  it.each([
    ['busy -', { is: 'failed', retry: true, reason: 'another command still runs on the node' }],
    [
      'fenced 00000000000000000012 00000000000000000003 7',
      { is: 'failed', retry: false, reason: 'a newer run owns this node (its number is 12)' },
    ],
    [
      'fenced 7 12 7',
      { is: 'failed', retry: false, reason: 'a newer try of this run owns this node (its number is 12)' },
    ],
    [
      'link /usr/local/bin/x /opt/x',
      {
        is: 'failed',
        retry: false,
        reason:
          '/usr/local/bin/x is a symbolic link to /opt/x; this program replaces files by renaming, which would replace the link',
      },
    ],
    ['missing flock', { is: 'failed', retry: false, reason: 'flock is not installed on the node (util-linux)' }],
    ['no-backup /var/lib/x', { is: 'failed', retry: false, reason: 'no backup at /var/lib/x' }],
    ['upload 123', { is: 'failed', retry: true }],
    ['constructor x', { is: 'failed', retry: false, reason: 'the node refused: constructor x' }],
    [`unheard${'x'.repeat(900)}`, { is: 'failed', reason: expect.stringMatching(/^.{1,200}$/) }],
    ['unheard of', { is: 'failed', retry: false, reason: 'the node refused: unheard of' }],
  ])('puts %j into words', (refused, expected) => {
    const answer = read(exited(70, `@@zw refused ${refused}\n`));
    if (answer.is === 'ok') throw new Error('ok');
    expect(reportOf(answer, 'unknown')).toMatchObject(expected);
  });

  it('is unknown after a change was begun, and says that nothing changed before', () => {
    expect(stopReport(read(exited(1, '@@zw did renamed\n', 'boom')))).toMatchObject({ is: 'unknown' });
    expect(stopReport(read(exited(70, '@@zw refused drift x\n')))).toMatchObject({
      is: 'failed',
      reason: expect.stringMatching(/nothing was changed$/),
    });
    expect(stopReport({ is: 'lost', reason: 'gone' })).toEqual({ is: 'unknown', reason: 'gone', silent: true });
    expect(stopReport({ is: 'unreachable', reason: 'gone' })).toEqual({ is: 'unknown', reason: 'gone', silent: true });
  });
});
