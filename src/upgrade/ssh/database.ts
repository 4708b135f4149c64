import { Duplex } from 'node:stream';
import pg from 'pg';
import { inSeconds } from '../../base/duration.ts';
import type { DatabaseAddress } from '../checks/types.ts';
import { Declined } from './forward.ts';
import { Guarded, readerOf } from './postgres.ts';
import { reasonOf } from './reasons.ts';
import type { AskDatabase, DatabaseAnswer, Forwarding } from './types.ts';

/** Bytes of all that a server may say. */
const limit = 256 * 1024;

/** Its types do not know of it. */
const alone = { queryMode: 'extended' };

const silent = (detail: string): DatabaseAnswer => ({ is: 'silent', detail });

/**
 * One question at a time from each node: where a server is silent its sshd goes on waiting for it, long after anybody here does, and
 * those must not become many.
 */
export function createDatabase({ forward }: Forwarding): AskDatabase {
  const asked = new Map<string, Promise<unknown>>();
  return (node, address, query, withinMs) => {
    const late = AbortSignal.timeout(withinMs);
    const before = asked.get(node) ?? Promise.resolve();
    const answer = before.then(() => (late.aborted ? silent('') : ask(forward, node, address, query, withinMs, late)));
    asked.set(node, answer);
    return new Promise((resolve) => {
      const give = () => resolve(silent(`no answer within ${inSeconds(withinMs, 1)}`));
      late.addEventListener('abort', give, { once: true });
      void answer.then((said) => (late.aborted ? undefined : resolve(said)));
    });
  };
}

async function ask(
  forward: Forwarding['forward'],
  node: string,
  address: DatabaseAddress,
  query: string,
  withinMs: number,
  late: AbortSignal,
): Promise<DatabaseAnswer> {
  const [first, ...others] = address.tls === 'prefer' ? ([true, false] as const) : [address.tls !== 'none'];
  const one = async (secure: boolean) => {
    const way = new Carried(await forward(node, address.host, address.port), limit);
    return question(way, address, secure, query, withinMs, late);
  };
  try {
    return { is: 'rows', rows: await one(first ?? false) };
  } catch (error) {
    const [plain] = others;
    if (plain === undefined || !/does not support SSL/.test(reasonOf(error))) return refusalOf(error);
    return one(plain).then((rows) => ({ is: 'rows' as const, rows }), refusalOf);
  }
}

function refusalOf(error: unknown): DatabaseAnswer {
  if (error instanceof Declined) return { is: 'refused', detail: error.message };
  if (error instanceof pg.DatabaseError)
    return { is: 'refused', detail: `${error.code ?? ''} ${error.message}`.trim() };
  return silent(reasonOf(error));
}

async function question(
  way: Carried,
  { host, port, user, password, database, tls }: DatabaseAddress,
  secure: boolean,
  query: string,
  withinMs: number,
  late: AbortSignal,
): Promise<unknown> {
  const giveUp = () => way.destroy(new Error('nobody waits for it any more'));
  if (late.aborted) giveUp();
  late.addEventListener('abort', giveUp, { once: true });
  const ssl = secure ? { rejectUnauthorized: tls === 'verify' } : false;
  const client = new pg.Client({
    ...{ host, port, user, database, ssl },
    ...{ connection: new Guarded({ stream: () => way, ssl }) },
    types: { getTypeParser: readerOf },
    // As a function: an empty one would be looked for in this machine's environment, and sent to whom the node names.
    password: () => password,
    application_name: 'zeitwork-check',
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('begin transaction read only');
    await client.query(`set local statement_timeout = ${Math.ceil(withinMs)}`);
    // One statement alone, so that it cannot end the transaction and begin another.
    const { rows } = await client.query({ text: query, ...alone });
    return JSON.parse(JSON.stringify(rows));
  } finally {
    late.removeEventListener('abort', giveUp);
    client.end().catch(() => undefined);
    way.destroy();
  }
}

/** A channel as the client wants its sockets, which listens to no more than so many bytes. */
class Carried extends Duplex {
  readonly #channel: Duplex;

  constructor(channel: Duplex, most: number) {
    super();
    this.#channel = channel;
    let left = most;
    channel.on('data', (chunk: Buffer) => {
      left -= chunk.length;
      if (left < 0) this.destroy(new Error(`the answer is larger than ${most / 1024} kB`));
      else if (!this.push(chunk)) channel.pause();
    });
    channel.on('end', () => this.push(null));
    channel.on('error', (error) => this.destroy(error));
    channel.on('close', () => this.destroy());
  }

  connect(): this {
    setImmediate(() => this.emit('connect'));
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  override _read(): void {
    this.#channel.resume();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#channel.write(chunk, encoding, done);
  }

  override _final(done: () => void): void {
    this.#channel.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#channel.destroy();
    done(error);
  }
}
