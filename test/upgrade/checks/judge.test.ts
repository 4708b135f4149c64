import { describe, expect, it } from 'vitest';
import { unquoted } from '../../../src/upgrade/checks/database.ts';
import {
  type Check,
  type CheckResult,
  type CommandCheck,
  checksSeen,
  checkWords,
  databaseIn,
  type GetCheck,
  type Heard,
  type JournalCheck,
  judgeCommand,
  judgeGet,
  judgeJournal,
  judgeRows,
  resultOf,
} from '../../../src/upgrade/checks/index.ts';
import { fc } from '../../support/fast-check.ts';

const common = { name: 'ready', at: [], absent: 'bad', onBad: 'hold', within: 5_000 } as const;
const get: GetCheck = { ...common, kind: 'get', urls: {}, status: 200, that: null };
const answered = (text: string, status = 200): Heard => ({ is: 'answered', status, text });
const silent = (detail: string, refused = false): Heard => ({ is: 'silent', detail, refused });

describe('an answer by HTTP', () => {
  it.each<[string, Heard, boolean, string, string]>([
    ['good', answered(''), true, 'good', 'it answered 200'],
    ['another status', answered('', 503), true, 'bad', 'it answered 503'],
    ['a redirect', answered('', 302), true, 'bad', 'it answered 302'],
    ['no such thing', answered('', 404), true, 'absent', 'it answered 404, and health answers'],
    ['not any more', answered('', 410), true, 'absent', 'it answered 410, and health answers'],
    ['nothing listens', silent('connection refused', true), true, 'absent', 'connection refused, and health answers'],
    [
      'no service',
      silent('connection refused', true),
      false,
      'unknown',
      'connection refused, and health does not answer either',
    ],
    [
      'no such thing and no health',
      answered('', 404),
      false,
      'unknown',
      'it answered 404, and health does not answer either',
    ],
    ['silence', silent('no full answer within 1 s'), true, 'unknown', 'no full answer within 1 s'],
  ])('%s', (_, heard, answers, is, says) => {
    expect(judgeGet(get, heard, answers)).toEqual({ is, says });
  });

  it('may be wanted to be none', () => {
    expect(judgeGet({ ...get, status: 404 }, answered('', 404), true).is).toBe('good');
  });

  it.each([
    ['length(@) >= `2`', '[1,2]', 'good'],
    ['length(@) >= `3`', '[1,2]', 'bad'],
    ['ok', '{"ok":true}', 'good'],
    ['ok', '{"ok":false}', 'bad'],
    ['ok', '{"ok":"true"}', 'unknown'],
    ['ok', '{"ok":1}', 'unknown'],
    ['ok', '{"ok":[true]}', 'unknown'],
    ['ok', '{"ok":null}', 'unknown'],
    ['ok', '{}', 'unknown'],
    ['a > b', '{"a":1}', 'unknown'],
    ['nothing(@)', '{}', 'unknown'],
    ['length(@) >= `2`', '7', 'unknown'],
    ['ok', '<html>', 'unknown'],
    ['ok', '', 'unknown'],
    ['ok', `${'['.repeat(40)}${']'.repeat(40)}`, 'unknown'],
  ])('of which %s is said: %s is %s', (that, text, is) => {
    expect(judgeGet({ ...get, that }, answered(text), true).is).toBe(is);
  });

  it('is judged by its status before anybody reads it', () => {
    expect(judgeGet({ ...get, that: '`true`' }, answered('{}', 500), true).is).toBe('bad');
  });

  it('is good for no JSON but what makes the expression the literal true', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const said = judgeGet({ ...get, that: '@' }, answered(JSON.stringify(value)), true).is;
        expect(said === 'good').toBe(value === true);
      }),
    );
  });
});

describe('other answers', () => {
  const journal: JournalCheck = { ...common, kind: 'journal', priority: 'err', over: 600_000, watch: 1, bad: 5 };
  it.each([
    [0, true, 'good', '0 entries of err in 10 min'],
    [1, true, 'watch', '1 entry of err in 10 min, worth a look from 1 entry of err'],
    [5, true, 'bad', '5 entries of err in 10 min, bad from 5 entries of err'],
    [9, false, 'bad', '9 entries of err in 10 min, bad from 5 entries of err'],
    [3, false, 'unknown', 'it wrote more than can be counted'],
    [0, false, 'unknown', 'it wrote more than can be counted'],
  ])('%i entries, all of them seen: %s', (entries, whole, is, says) => {
    expect(judgeJournal(journal, entries, whole)).toEqual({ is, says });
  });

  const program: CommandCheck = { ...common, kind: 'command', command: ['/bin/df-check'] };
  it.each([
    [0, '', 'good', 'it ended with 0'],
    [1, '/var is full', 'bad', '/var is full (exit code 1)'],
    [75, 'not yet', 'unknown', 'not yet (exit code 75)'],
    [124, '', 'unknown', 'it did not end in time'],
    [137, '', 'unknown', 'it did not end in time'],
    [126, '', 'absent', 'there is no program /bin/df-check'],
    [127, '', 'absent', 'there is no program /bin/df-check'],
  ])('a program that ends with %i', (code, said, is, says) => {
    expect(judgeCommand(program, code, said)).toEqual({ is, says });
  });

  it('what a host says calls nobody, breaks no line and shows no secret', () => {
    const { says } = judgeCommand(program, 1, 'password=hunter2hunter2 \u001b[2J\nboo');
    expect(says).not.toMatch(/hunter2|\u001b|\n/);
  });

  const database = { ...common, kind: 'database', key: 'DATABASE_URL', query: 'select 1', that: null } as const;
  it('rows are good by being there, or by what is said of them', () => {
    expect(judgeRows(database, []).is).toBe('good');
    expect(judgeRows({ ...database, that: '[0].lag < `5`' }, [{ lag: 9 }]).is).toBe('bad');
    expect(judgeRows({ ...database, that: '[0].lag < `5`' }, []).is).toBe('unknown');
  });
});

describe('what a result counts', () => {
  it.each<[CheckResult['is'], Check['absent'], CheckResult['counts']]>([
    ['good', 'bad', 'good'],
    ['watch', 'bad', 'good'],
    ['bad', 'skip', 'bad'],
    ['absent', 'skip', 'good'],
    ['absent', 'bad', 'bad'],
    ['unknown', 'skip', 'unknown'],
  ])('%s with absent: %s', (is, absent, counts) => {
    const result = resultOf({ ...get, absent }, 'op-1', { is, says: 'so' }, 7);
    expect(result).toEqual({ check: 'ready', node: 'op-1', is, counts, onBad: 'hold', says: 'so', at: 7 });
  });

  it('is told with the worst first, and not more than fits', () => {
    const all = (['absent', 'unknown', 'bad', 'good', 'good'] as const).map((is) =>
      resultOf({ ...get, absent: 'skip', name: is }, 'op-1', { is, says: '' }, 0),
    );
    const seen = checksSeen(all);
    expect([seen.good, seen.others.map(({ is }) => is)]).toEqual([2, ['bad', 'unknown', 'absent']]);
    expect(checksSeen(Array.from({ length: 50 }, () => ({ ...all[2] }) as CheckResult)).others).toHaveLength(5);
    expect(checkWords({ check: 'errors', is: 'watch', says: '2 %' })).toBe('errors is worth a look: 2 %');
  });
});

describe('the address of a database', () => {
  it.each([
    [
      'postgres://ann:pw@db.internal/app',
      { host: 'db.internal', port: 5432, user: 'ann', password: 'pw', database: 'app', tls: 'prefer' },
    ],
    ['"postgresql://ann:p%40w@db:6432/app?sslmode=require"', { port: 6432, password: 'p@w', tls: 'require' }],
    ["'postgres://ann@[::1]/?sslmode=disable'", { host: '::1', password: '', database: 'ann', tls: 'none' }],
    ['postgres://ann:pw@db/app?sslmode=verify-full&sslrootcert=/etc/shadow&host=/run/x', { host: 'db', tls: 'verify' }],
  ])('%s', (written, address) => {
    expect(databaseIn(written)).toMatchObject(address);
  });
  it('takes no option of a node but the one: others would name files of this machine', () => {
    const address = databaseIn('postgres://a:b@db/app?sslcert=/etc/passwd&sslkey=/etc/shadow&options=-c&host=other');
    expect(Object.keys(address ?? {}).sort()).toEqual(['database', 'host', 'password', 'port', 'tls', 'user']);
    expect(address?.host).toBe('db');
  });
  it.each([
    '',
    'mysql://a:b@c/d',
    'host=db user=ann',
    'postgres://db/app',
    'postgres://a:%zz@db/app',
    'postgres://a:b@h1,h2/app?sslmode=odd',
  ])('is none: %j', (written) => expect(databaseIn(written)).toBeNull());
  it.each([
    ['a b ', 'a b'],
    ['"a\\"b\\$c\\d"', 'a"b$c\\d'],
    ["'a\\b\"'", 'a\\b"'],
    ['a\\ b', 'a b'],
    ['"open', '"open'],
  ])('is unquoted as systemd does: %j', (written, value) => expect(unquoted(written)).toBe(value));
});
