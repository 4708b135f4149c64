import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../../src/upgrade/node/types.ts';
import { read, readLines } from '../../../src/upgrade/steps/answer.ts';
import { reportOf } from '../../../src/upgrade/steps/reports.ts';
import { stopReport } from '../../../src/upgrade/steps/stop.ts';

const exited = (code: number, stdout: string, stderr = ''): Outcome => ({ is: 'exited', code, stdout, stderr });

describe('the answer of a command', () => {
  it('is read from framed lines only, so that banners and noise do not matter', () => {
    const said = readLines(
      'Welcome!\n@@zw image abc\nimage def\n  @@zw image ghi\n@@zw unit MainPID=7\n@@zw unit NRestarts=0\n@@zw disk \n',
    );
    expect(said).toEqual(
      new Map([
        ['image', ['abc']],
        ['unit', ['MainPID=7', 'NRestarts=0']],
        ['disk', ['']],
      ]),
    );
  });

  const table: [string, Outcome, object][] = [
    ['tells only with code 0 and its last line', exited(0, '@@zw end ok\n'), { is: 'told' }],
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

describe('the report of a command that did not tell', () => {
  it.each([
    ['busy -', { is: 'failed', retry: true, reason: 'another command still runs on the node' }],
    [
      'fenced 00000000000000000012',
      { is: 'failed', retry: false, reason: 'a newer run owns this node (its number is 12)' },
    ],
    ['no-backup /var/lib/x', { is: 'failed', retry: false, reason: 'no backup at /var/lib/x' }],
    ['upload 123', { is: 'failed', retry: true }],
    ['unheard of', { is: 'failed', retry: false, reason: 'the node refused: unheard of' }],
  ])('puts %j into words', (refused, expected) => {
    const answer = read(exited(70, `@@zw refused ${refused}\n`));
    if (answer.is === 'told') throw new Error('told');
    expect(reportOf(answer, 'unknown')).toMatchObject(expected);
  });

  it('is unknown after a change was begun, and says that nothing changed before', () => {
    expect(stopReport(read(exited(1, '@@zw did renamed\n', 'boom')))).toMatchObject({ is: 'unknown' });
    expect(stopReport(read(exited(70, '@@zw refused drift x\n')))).toMatchObject({
      is: 'failed',
      reason: expect.stringMatching(/nothing was changed$/),
    });
    expect(stopReport({ is: 'lost', reason: 'gone' })).toEqual({ is: 'unknown', reason: 'gone' });
    expect(stopReport({ is: 'unreachable', reason: 'gone' })).toEqual({ is: 'unknown', reason: 'gone' });
  });
});
