import { createServer, type Server, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { databaseIn } from '../../../src/upgrade/checks/index.ts';
import type { DatabaseAddress } from '../../../src/upgrade/checks/types.ts';
import { createDatabase } from '../../../src/upgrade/ssh/index.ts';
import { createShell } from '../../../src/upgrade/ssh/shell.ts';
import type { Forwarding } from '../../../src/upgrade/ssh/types.ts';
import { listening } from '../../support/listening.ts';
import { type Postgres, startPostgres } from '../../support/postgres.ts';
import { freePort, type Sshd, startSshd } from '../../support/sshd.ts';

let sshd: Sshd;
let plain: Postgres;
let shell: ReturnType<typeof createShell>;
const { listen, closeAll } = listening();

beforeAll(async () => {
  [sshd, plain] = await Promise.all([startSshd(), startPostgres()]);
  shell = createShell({ n: sshd.host() });
});
afterEach(closeAll);
afterAll(async () => {
  await shell?.close();
  await Promise.all([sshd?.stop(), plain?.stop()]);
});

function addressOf(url: string): DatabaseAddress {
  const address = databaseIn(url);
  if (address === null) throw new Error(`${url} is no address`);
  return address;
}
const ask = (url: string, query = 'select 1 as one', withinMs = 10_000) =>
  createDatabase(shell)('n', addressOf(url), query, withinMs);

describe('a database, asked from the place of a node', () => {
  it('answers a query over the connection to the node', async () => {
    const from = sshd.accepted();
    const answer = await ask(plain.url(), "select 1 as one, 'a' as text, null as none, 2::bigint as big");
    expect(answer).toEqual({ is: 'rows', rows: [{ one: 1, text: 'a', none: null, big: '2' }] });
    const [row] = Object(await ask(plain.url(), 'select host(inet_client_addr()) as client')).rows;
    expect(row).toEqual({ client: '127.0.0.1' });
    expect(sshd.accepted() - from).toBeLessThanOrEqual(1);
  });

  it('that lets nobody in with this password says so, and the password is in no word of it', async () => {
    const answer = await ask(plain.url('wrong-s3cret-password'));
    expect(answer).toEqual({ is: 'refused', detail: '28P01 password authentication failed for user "ann"' });
  });

  it.each([
    ['create table t ()', '25006 cannot execute CREATE TABLE in a read-only transaction'],
    ['commit; create table t ()', '42601 cannot insert multiple commands into a prepared statement'],
    ['select * from nothing', '42P01 relation "nothing" does not exist'],
  ])('does not do: %s', async (query, detail) => {
    expect(await ask(plain.url(), query)).toEqual({ is: 'refused', detail });
    const tables = await ask(plain.url(), "select count(*)::int as all from pg_tables where tablename = 't'");
    expect(tables).toEqual({ is: 'rows', rows: [{ all: 0 }] });
  });

  it('is given up in time, and ends the query itself', async () => {
    const from = performance.now();
    const answer = await ask(plain.url(), 'select pg_sleep(20)', 700);
    expect(answer).toEqual({ is: 'silent', detail: 'no answer within 0.7 s' });
    expect(performance.now() - from).toBeLessThan(5_000);
    const running =
      "select count(*)::int as all from pg_stat_activity where query like 'select pg_sleep(20)%' and state = 'active'";
    await expect.poll(() => ask(plain.url(), running), { timeout: 10_000 }).toEqual({ is: 'rows', rows: [{ all: 0 }] });
  });

  it('is listened to no further than an answer goes', async () => {
    expect(await ask(plain.url(), "select repeat('x', 1000000)")).toEqual({
      is: 'silent',
      detail: 'the answer is larger than 256 kB',
    });
  });

  it('that is not there is refused by the node', async () => {
    const url = `postgres://ann:pw@127.0.0.1:${await freePort()}/app`;
    expect(await ask(url)).toEqual({ is: 'refused', detail: 'Connection refused' });
    expect(await ask('postgres://ann:pw@no-such-host.invalid/app')).toMatchObject({ is: 'refused' });
  });

  it('cannot be asked where the node lets nobody connect from it', async () => {
    const shut = await startSshd({ config: ['AllowTcpForwarding no'] });
    const other = createShell({ n: shut.host() });
    try {
      expect(await createDatabase(other)('n', addressOf(plain.url()), 'select 1', 5_000)).toEqual({
        is: 'silent',
        detail: 'the node lets nobody connect from it: see AllowTcpForwarding, and permitopen of the key',
      });
    } finally {
      await other.close();
      await shut.stop();
    }
  });

  it('gets no password of this machine, whatever a node names', async () => {
    const asked = listenTo((socket, said) => {
      // A server that wants the password in clear text.
      if (said.length === 1) socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]));
    });
    const port = new URL(await listen(asked.server as never)).port;
    process.env.PGPASSWORD = 'of-this-machine';
    try {
      await ask(`postgres://ann@127.0.0.1:${port}/app?sslmode=disable`, 'select 1', 1_500);
      await ask(plain.url('').replace('ann:@', 'ann@'), 'select 1').then(({ is }) => expect(is).not.toBe('rows'));
    } finally {
      delete process.env.PGPASSWORD;
    }
    const heard = Buffer.concat(asked.said).toString('latin1');
    expect(heard).toContain('user\0ann');
    expect(heard).toContain('p\0\0\0\x05\0');
    expect(heard).not.toContain('of-this-machine');
  });

  it.each([
    ['nothing', () => undefined],
    ['no PostgreSQL', (socket: Socket) => void socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['its end', (socket: Socket) => void socket.end()],
    ['a length without an end', (socket: Socket) => void socket.write(Buffer.from([0x52, 0x7f, 0xff, 0xff, 0xff, 1]))],
    ['endlessly', (socket: Socket) => endless(socket)],
    ['a login of no kind', (socket: Socket) => void socket.write(saying('R', [0, 0, 0, 99]))],
    ['columns that are not there', (socket: Socket) => void socket.write(saying('T', [0, 5]))],
    ['fewer columns than none', (socket: Socket) => void socket.write(saying('D', [0xff, 0xff]))],
  ])('that says %s is silent, and nobody waits', async (_, speak) => {
    const asked = listenTo((socket, said) => said.length === 1 && speak(socket));
    const port = new URL(await listen(asked.server as never)).port;
    await ask(plain.url());
    const from = sshd.accepted();
    for (const mode of ['disable', 'prefer', 'require']) {
      asked.said.length = 0;
      const url = `postgres://ann:pw@127.0.0.1:${port}/app?sslmode=${mode}`;
      expect(await ask(url, 'select 1', 1_000)).toMatchObject({ is: 'silent' });
    }
    // What else goes over the connection to the node is not lost with it.
    expect(await ask(plain.url())).toMatchObject({ is: 'rows' });
    expect(sshd.accepted() - from).toBe(0);
  });

  it('holds nobody up by what one of its values is, in whatever form it says it is', async () => {
    const many = '1'.repeat(60_000);
    // In the binary form: a list of three, where there could be two thousand million as well.
    const lists = '\0\0\0\x01\0\0\0\0\0\0\0\x17\0\0\0\x03\0\0\0\x01';
    const asked = listenTo((socket, said) => {
      const ready = saying('Z', [0x49]);
      if (said.length === 1) return socket.write(Buffer.concat([saying('R', [0, 0, 0, 0]), ready]));
      if (said.length < 4) return socket.write(Buffer.concat([saying('C', [0x58, 0]), ready]));
      return socket.write(
        Buffer.concat([columns([1184, 0], [1007, 1]), row(many, lists), saying('C', [0x58, 0]), ready]),
      );
    });
    const port = new URL(await listen(asked.server as never)).port;
    const from = performance.now();
    const answer = await ask(`postgres://ann:pw@127.0.0.1:${port}/app?sslmode=disable`, 'select 1', 5_000);
    expect(answer).toEqual({ is: 'rows', rows: [{ a: [] }] });
    expect(performance.now() - from).toBeLessThan(2_500);
  });

  it('that nobody can reach is asked once at a time: the node waits for it much longer than we do', async () => {
    let ways = 0;
    const hangs: Forwarding = {
      forward: () => {
        ways += 1;
        return new Promise(() => undefined);
      },
    };
    const database = createDatabase(hangs);
    const answers = [1, 2, 3].map(() => database('n', addressOf(plain.url()), 'select 1', 50));
    expect(await Promise.all(answers)).toEqual(Array(3).fill({ is: 'silent', detail: 'no answer within 0.1 s' }));
    expect(ways).toBe(1);
  });
});

describe('a database with TLS', () => {
  let secure: Postgres;
  beforeAll(async () => {
    secure = await startPostgres({ tls: true });
  });
  afterAll(() => secure?.stop());
  const isSecure = 'select ssl from pg_stat_ssl where pid = pg_backend_pid()';

  it.each([
    ['', true],
    ['?sslmode=require', true],
    ['?sslmode=disable', false],
  ])('is asked with %j as the node would', async (options, ssl) => {
    expect(await ask(secure.url(undefined, options), isSecure)).toEqual({ is: 'rows', rows: [{ ssl }] });
  });

  it('must prove who it is where its address wants that', async () => {
    expect(await ask(secure.url(undefined, '?sslmode=verify-full'), isSecure)).toMatchObject({ is: 'silent' });
  });

  it('is not asked without it where its address wants it', async () => {
    expect(await ask(plain.url(undefined, '?sslmode=require'))).toEqual({
      is: 'silent',
      detail: 'The server does not support SSL connections',
    });
    expect(await ask(plain.url())).toMatchObject({ is: 'rows' });
  });
});

/** A server that keeps what it hears. */
function listenTo(hear: (socket: Socket, said: Buffer[]) => unknown): { server: Server; said: Buffer[] } {
  const said: Buffer[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      said.push(chunk);
      hear(socket, said);
    });
  });
  return { server, said };
}

const saying = (letter: string, body: number[]): Buffer =>
  Buffer.from([letter.charCodeAt(0), 0, 0, 0, body.length + 4, ...body]);

/** A type and its form, 0 for text. */
const columns = (...all: [type: number, form: number][]): Buffer =>
  saying('T', [
    ...[0, all.length],
    ...all.flatMap(([type, form]) => [
      0x61,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      type >> 8,
      type & 255,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      form,
    ]),
  ]);
function row(...values: string[]): Buffer {
  const body = values.map((each) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(each.length);
    return Buffer.concat([length, Buffer.from(each, 'latin1')]);
  });
  const head = Buffer.from([0x44, 0, 0, 0, 0, 0, values.length]);
  head.writeUInt32BE(Buffer.concat(body).length + 6, 1);
  return Buffer.concat([head, ...body]);
}

/** Parameters without end, as fast as they are taken. */
function endless(socket: Socket): void {
  const one = Buffer.from('S\0\0\0\x08a\0b\0', 'latin1');
  const many = Buffer.concat(Array(4_000).fill(one));
  const more = () => {
    while (!socket.destroyed && socket.write(many));
  };
  socket.on('drain', more);
  more();
}
