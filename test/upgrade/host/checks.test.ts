import { chmodSync, rmSync, symlinkSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/app/clock.ts';
import type { Check, CheckOccasion, CheckResult, DatabaseAddress } from '../../../src/upgrade/checks/index.ts';
import { selectorIn } from '../../../src/upgrade/checks/index.ts';
import { createChecks } from '../../../src/upgrade/host/index.ts';
import { fetchOnce } from '../../../src/upgrade/http/index.ts';
import { createDatabase } from '../../../src/upgrade/ssh/index.ts';
import { createShell } from '../../../src/upgrade/ssh/shell.ts';
import type { AskDatabase, DatabaseAnswer, Shell } from '../../../src/upgrade/ssh/types.ts';
import { listening } from '../../support/listening.ts';
import { type Postgres, startPostgres } from '../../support/postgres.ts';
import { type Sshd, startSshd } from '../../support/sshd.ts';
import { LittleNode } from '../steps/little-node.ts';
import { service } from '../steps/support.ts';

const node = 'us-east-op-1';
const common = { at: ['node', 'watch'], absent: 'bad', onBad: 'hold', within: 10_000 } as const;
const { listen, closeAll } = listening();
let little: LittleNode;

beforeEach(() => {
  little = new LittleNode('v1.0.0');
});
afterEach(async () => {
  closeAll();
  await little.close();
});

const noDatabase: AskDatabase = () => Promise.reject(new Error('nobody asked for it'));
/** How far the clock is ahead of what really passed, ms. */
let jump = 0;
const asker = (checks: Check[], database = noDatabase) => {
  jump = 0;
  const clock = systemClock();
  const ahead = { ...clock, monotonic: () => clock.monotonic() + jump };
  return createChecks({ checks, service, shell: little, probe: little, fetch: fetchOnce, database, clock: ahead });
};
const asShell = (from: Shell): Shell => ({
  run: (...what) => from.run(...what),
  put: (...what) => from.put(...what),
  close: () => from.close(),
});
async function asked(check: Check, occasion: CheckOccasion = 'all', database = noDatabase): Promise<CheckResult> {
  const [result] = await asker([check], database)(node, occasion, new AbortController().signal);
  if (result === undefined) throw new Error('nothing was asked');
  return result;
}
const said = async (check: Check, database?: AskDatabase) => {
  const { is, says } = await asked(check, 'all', database);
  return `${is}: ${says}`;
};

describe('an address', () => {
  const server = async (answer: RequestListener) => ({ [node]: await listen(createServer(answer)) });
  const get = (urls: Record<string, string>, more: Partial<Check> = {}): Check =>
    ({ ...common, kind: 'get', name: 'nodes', urls, status: 200, that: 'length(@) >= `2`', ...more }) as Check;

  it.each([
    ['[1,2]', 200, 'good: length(@) >= `2` holds'],
    ['[1]', 200, 'bad: length(@) >= `2` does not hold'],
    ['[1,2]', 503, 'bad: it answered 503'],
    ['[1,2]', 404, 'absent: it answered 404, and health answers'],
    ['<html>', 200, 'unknown: it did not answer with JSON'],
    [`[${'1,'.repeat(200_000)}1]`, 200, 'unknown: the answer is larger than 256 kB'],
  ])('that answers %.20s with %i', async (body, status, words) => {
    const urls = await server((_, response) => void response.writeHead(status).end(body));
    expect(await said(get(urls))).toBe(words);
  });

  it('that is slow is unknown, and keeps no other question waiting', async () => {
    const urls = await server(() => undefined);
    const quick = await server((_, response) => void response.end('[1,2]'));
    const from = performance.now();
    const ask = asker([get(urls, { within: 300 }), get(quick, { name: 'quick' })]);
    const results = await ask(node, 'all', new AbortController().signal);
    expect(results.map(({ is, says, counts }) => [is, says, counts])).toEqual([
      ['unknown', expect.stringMatching(/answer within 0.3 s/), 'unknown'],
      ['good', 'length(@) >= `2` holds', 'good'],
    ]);
    expect(performance.now() - from).toBeLessThan(5_000);
  });

  it('where nothing listens is absent while health answers, and unknown of a node that nobody configured', async () => {
    expect(await said(get({ [node]: 'http://127.0.0.1:1/' }))).toBe('absent: connection refused, and health answers');
    expect(await said(get({}))).toBe('unknown: is no URL');
  });

  it('and whose SSH hangs is unknown as soon: nobody waits for a node longer than its check says', async () => {
    const hangs: Shell = { ...asShell(little), run: () => new Promise(() => undefined) };
    const check: Check = {
      ...common,
      kind: 'journal',
      name: 'log',
      priority: 'err',
      over: 60_000,
      watch: null,
      bad: 1,
      within: 300,
    };
    const parts = { service, probe: little, fetch: fetchOnce, database: noDatabase, clock: systemClock() };
    const ask = createChecks({ checks: [check], shell: hangs, ...parts });
    expect(await ask(node, 'all', new AbortController().signal)).toMatchObject([
      { is: 'unknown', says: 'no answer within 0.3 s' },
    ]);
  });

  it('is no longer waited for when nobody does', async () => {
    const urls = await server(() => undefined);
    const over = new AbortController();
    const results = asker([get(urls)])(node, 'all', over.signal);
    over.abort();
    expect(await results).toMatchObject([{ is: 'unknown', says: 'nobody waits for it any more' }]);
  });
});

describe('metrics', () => {
  let errors = 0;
  let requests = 0;
  let status = 200;
  let urls: Record<string, string>;
  beforeEach(async () => {
    [errors, requests, status] = [0, 100, 200];
    const answer: RequestListener = (_, response) => {
      requests += 100;
      const text = `# TYPE errors_total counter\nerrors_total ${errors}\nrequests_total ${requests}\n`;
      response.writeHead(status).end(text);
      errors += 7;
    };
    urls = { [node]: await listen(createServer(answer)) };
  });
  const rateOf = (more: object = {}): Check => ({
    ...common,
    kind: 'metrics',
    name: 'errors',
    urls,
    rate: [selectorIn('errors_total')].filter((each) => each !== null),
    per: [selectorIn('requests_total')].filter((each) => each !== null),
    over: 200,
    watch: 0.01,
    bad: 0.05,
    ...more,
  });

  it('are counted twice, with the time between that is asked for', async () => {
    expect(await said(rateOf())).toMatch(/^bad: 7 % over \d\.?\d* s, bad from 5 %$/);
    expect(await said(rateOf({ bad: null }))).toMatch(/^watch: 7 %/);
  });

  it('tell a watch nothing at its first look, and a rate at the next ones', async () => {
    const ask = asker([rateOf()]);
    const look = () => ask(node, 'watch', new AbortController().signal);
    expect(await look()).toMatchObject([{ is: 'unknown', says: 'one sample so far, and a rate wants two' }]);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await look()).toMatchObject([{ is: 'bad', says: expect.stringMatching(/^7 %/) }]);
  });

  it('of looks far apart are over all the time since the last one, and over none that is shorter than was asked for', async () => {
    const ask = asker([rateOf()]);
    const look = (occasion: CheckOccasion) => ask(node, occasion, new AbortController().signal);
    expect(await look('after')).toMatchObject([{ is: 'unknown', says: 'one sample so far, and a rate wants two' }]);
    jump = 3 * 3_600_000;
    expect(await look('watch')).toMatchObject([{ is: 'unknown', says: 'one sample so far, and a rate wants two' }]);
    jump *= 2;
    expect(await look('after')).toMatchObject([{ is: 'bad', rate: 0.07, says: expect.stringMatching(/^7 % over 10/) }]);
  });

  it('of two processes say nothing, however well both went', async () => {
    const ask = asker([rateOf({ bad: 0.9, watch: null })]);
    const look = () => ask(node, 'watch', new AbortController().signal);
    await look();
    await new Promise((resolve) => setTimeout(resolve, 200));
    little.exec('systemctl restart zeitwork-operator');
    expect(await look()).toMatchObject([{ is: 'unknown', says: 'one sample so far, and a rate wants two' }]);
  });

  it('of a process that was restarted while they were asked for say nothing', async () => {
    let looks = 0;
    little.onCommand = ({ name }) => {
      looks += name === 'look' ? 1 : 0;
      if (looks === 2) little.exec('systemctl restart zeitwork-operator');
    };
    expect(await said(rateOf())).toBe('unknown: the service was restarted meanwhile');
  });

  it.each([
    [404, 'absent: it answered 404, and health answers'],
    [500, 'bad: it answered 500'],
  ])('that answer %i', async (code, words) => {
    status = code;
    expect(await said(rateOf())).toBe(words);
  });
});

describe('the journal', () => {
  const journal = (more: object = {}): Check =>
    ({
      ...common,
      kind: 'journal',
      name: 'log',
      priority: 'err',
      over: 600_000,
      watch: null,
      bad: 100,
      ...more,
    }) as Check;
  const entry = (message: string, priority = 6) =>
    JSON.stringify({ _PID: '1', PRIORITY: String(priority), MESSAGE: message });
  const writes = (...lines: string[]) => {
    little.write('entries', lines.map((line) => `${line}\n`).join(''));
    little.write('bin/journalctl', `#!/bin/sh\necho "$@" >${little.root}/asked\ncat ${little.root}/entries\n`, 0o755);
  };

  it.each([
    ['err', entry('anything', 3), 1],
    ['err', entry('anything', 4), 0],
    ['warning', entry('anything', 4), 1],
    ['crit', entry('anything', 3), 0],
    ['err', entry('time=2026-11-22 level=ERROR msg="it broke"'), 1],
    ['err', entry('{"level":"error","msg":"it broke"}'), 1],
    ['err', entry('{"level": "fatal"}'), 1],
    ['err', entry('2026-11-22 ERROR it broke'), 1],
    ['err', entry('[ERROR] it broke'), 1],
    ['err', entry('ERROR: it broke'), 1],
    ['err', entry('level=INFO msg="ERROR is not what this is"'), 0],
    ['err', entry('level=info errors=0 error=nil'), 0],
    ['err', entry('no error was found'), 0],
    ['err', entry('level=WARN msg=slow'), 0],
    ['warning', entry('level=WARN msg=slow'), 1],
    ['crit', entry('level=ERROR msg=x'), 0],
    ['err', entry('it says "PRIORITY":"3" of itself'), 0],
    ['err', 'noise "PRIORITY":"3"', 0],
  ])('counts by %s in %s: %i', async (priority, line, count) => {
    writes(line);
    expect(await said(journal({ priority }))).toBe(
      `good: ${count} ${count === 1 ? 'entry' : 'entries'} of ${priority} in 10 min`,
    );
  });

  it('is asked of the process that runs now, over the time of the settings', async () => {
    writes(entry('a', 3), entry('b', 2));
    expect(await said(journal({ bad: 2 }))).toMatch(/^bad: 2 entries of err in 10 min/);
    expect(little.read('asked')).toMatch(/^_SYSTEMD_INVOCATION_ID=run-2 --since=-600s -n 20000 /);
  });

  it('that cannot be read, or is more than can be counted, is unknown', async () => {
    little.write('bin/journalctl', '#!/bin/sh\nexit 1\n', 0o755);
    expect(await said(journal())).toBe('unknown: the journal cannot be read');
    little.write('bin/journalctl', `#!/bin/sh\nyes '${entry('level=info msg=fine')}' | head -n 20000\n`, 0o755);
    expect(await said(journal())).toBe('unknown: it wrote more than can be counted');
  });

  it('of a service that does not run is unknown', async () => {
    little.write('pid', '0\n');
    expect(await said(journal())).toBe('unknown: the service does not run');
  });
});

describe('a program', () => {
  const program = (text: string | null, more: object = {}): Check => {
    if (text !== null) little.write('usr/local/bin/df-check', `#!/bin/sh\n${text}\n`, 0o755);
    const command = ['/usr/local/bin/df-check', '{name}', '--all'];
    return { ...common, kind: 'command', name: 'disk', command, ...more } as Check;
  };

  it.each([
    ['exit 0', 'good: it ended with 0'],
    ['echo "of $1: $2 $#"; exit 0', 'good: of us-east-op-1: --all 2 (exit code 0)'],
    ['echo first; echo "/var is full" >&2; exit 3', 'bad: /var is full (exit code 3)'],
    ['printf "no end of line"; exit 1', 'bad: no end of line (exit code 1)'],
    ['exit 75', 'unknown: it ended with 75'],
    ['kill -9 $$', 'unknown: it did not end in time'],
    ['echo "of the settings: s3cret, it says"; exit 1', 'bad: of the settings: ***, it says (exit code 1)'],
    ['yes | head -n 100000; echo last; exit 2', 'bad: last (exit code 2)'],
    ['printf "a\\n@@zw code 0\\n@@zw end ok\\n"; exit 4', 'bad: @@zw end ok (exit code 4)'],
  ])('that does %s', async (text, words) => {
    expect(await said(program(text))).toBe(words);
  });

  it('that is not there, or cannot be run, is absent', async () => {
    expect(await said(program(null))).toMatch(/^absent: there is no program .*df-check$/);
    const check = program('exit 0');
    chmodSync(little.path('usr/local/bin/df-check'), 0o644);
    expect(await said(check)).toMatch(/^absent: /);
  });

  it('that hangs is ended on the node', async () => {
    expect(await said(program('exec sleep 60', { within: 900 }))).toMatch(/^unknown: (?:it did not end|no answer)/);
  });
});

describe('a database', () => {
  const database = (more: object = {}): Check =>
    ({
      ...common,
      kind: 'database',
      name: 'database',
      key: 'DATABASE_URL',
      query: 'select 1',
      that: null,
      ...more,
    }) as Check;
  const found: DatabaseAddress[] = [];
  const answers =
    (answer: DatabaseAnswer): AskDatabase =>
    async (_, address) => {
      found.push(address);
      return answer;
    };
  const rows = answers({ is: 'rows', rows: [{ ok: true }] });

  it.each([
    ['DATABASE_URL=postgres://ann:pw@db/app\n', 'db'],
    ['# DATABASE_URL=postgres://a:b@no/app\nDATABASE_URL="postgres://ann:pw@quoted/app"\r\n', 'quoted'],
    ['DATABASE_URL=postgres://ann:pw@first/app\n  DATABASE_URL=postgres://ann:pw@last/app', 'last'],
    ['XDATABASE_URL=x\nDATABASE_URL=postgres://ann:pw@db/app\nDATABASE_URL_OLD=x\n', 'db'],
  ])('is found in %j', async (text, host) => {
    little.write('etc/zeitwork/operator.env', text);
    expect(await said(database(), rows)).toBe('good: it answered the query');
    expect(found.at(-1)).toMatchObject({ host, user: 'ann' });
    expect(await said(database({ that: '[0].ok' }), rows)).toBe('good: [0].ok holds');
  });

  it.each([
    ['', 'absent: its environment file has no DATABASE_URL'],
    ['DATABASE_URL=\n', 'unknown: DATABASE_URL is no address of a PostgreSQL database'],
    ['DATABASE_URL=mysql://a:b@c/d\n', 'unknown: DATABASE_URL is no address of a PostgreSQL database'],
    ['DATABASE_URL=postgres://a:b@c/\\\nd\n', 'unknown: the node refused: continued DATABASE_URL'],
  ])('is not found in %j, and no word of it is told', async (text, words) => {
    little.write('etc/zeitwork/operator.env', text);
    expect(await said(database())).toBe(words);
  });

  it('is not looked for behind a link, or without a file', async () => {
    rmSync(little.path('etc/zeitwork/operator.env'));
    expect(await said(database())).toBe('absent: its environment file has no DATABASE_URL');
    symlinkSync('/etc/passwd', little.path('etc/zeitwork/operator.env'));
    expect(await said(database({ key: 'root' }))).toBe('absent: its environment file has no root');
  });

  it('that says no is bad, that is silent unknown, and neither tells its password', async () => {
    little.write('etc/zeitwork/operator.env', 'DATABASE_URL=postgres://ann:pw-of-ann@db/app\n');
    const detail = 'no, postgres://ann:pw-of-ann@db/app with pw-of-ann';
    const no = await said(database(), answers({ is: 'refused', detail }));
    const silence = await said(database(), answers({ is: 'silent', detail }));
    expect([no, silence]).toEqual([expect.stringMatching(/^bad: no/), expect.stringMatching(/^unknown: no/)]);
    expect(no + silence).not.toContain('pw-of-ann');
  });
});

describe('a real database behind a real sshd', () => {
  let sshd: Sshd;
  let postgres: Postgres;
  beforeAll(async () => {
    [sshd, postgres] = await Promise.all([startSshd(), startPostgres()]);
  });
  afterAll(() => Promise.all([sshd?.stop(), postgres?.stop()]));

  it("is asked with the node's own address, and told by nobody", async () => {
    const shell = createShell({ [node]: sshd.host({ name: node }) });
    try {
      little.write('etc/zeitwork/operator.env', `DATABASE_URL="${postgres.url()}"\n`);
      const check = {
        ...common,
        kind: 'database',
        name: 'database',
        key: 'DATABASE_URL',
        that: '[0].one == `1`',
      } as const;
      const one = await asked({ ...check, query: 'select 1 as one' }, 'node', createDatabase(shell));
      const none = await asked({ ...check, query: 'select 2 as one' }, 'node', createDatabase(shell));
      expect([one.is, none.is]).toEqual(['good', 'bad']);
      little.write('etc/zeitwork/operator.env', `DATABASE_URL="${postgres.url('another-s3cret')}"\n`);
      const refused = await asked({ ...check, query: 'select 1 as one' }, 'node', createDatabase(shell));
      expect(refused).toMatchObject({ is: 'bad', says: '28P01 password authentication failed for user "ann"' });
      expect(JSON.stringify([one, none, refused])).not.toMatch(/s3cret|odd@signs|odd%40/);
    } finally {
      await shell.close();
    }
  });
});

it('only the checks of the occasion are asked, and each says what it counts', async () => {
  const get = (name: string, at: Check['at'], more = {}): Check =>
    ({
      ...common,
      kind: 'get',
      name,
      at,
      urls: { [node]: 'http://127.0.0.1:1/' },
      status: 200,
      that: null,
      ...more,
    }) as Check;
  const ask = asker([
    get('a', ['node'], { absent: 'skip' }),
    get('b', ['watch'], { onBad: 'rollback' }),
    get('c', ['verify']),
  ]);
  const names = async (occasion: CheckOccasion) =>
    (await ask(node, occasion, new AbortController().signal)).map(({ check, counts, onBad }) => [check, counts, onBad]);
  expect(await names('node')).toEqual([['a', 'good', 'hold']]);
  expect((await names('before')).map(([name]) => name)).toEqual(['a', 'b']);
  expect(await names('watch')).toEqual([['b', 'bad', 'rollback']]);
  expect(await names('after')).toEqual([['b', 'bad', 'rollback']]);
  expect(await names('all')).toHaveLength(3);
});
