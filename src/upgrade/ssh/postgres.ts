import { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import pg from 'pg';

/** One letter that says what follows, and how long that is with this number. */
const header = 5;
const lengthOf = (head: Buffer): number => head.readUInt32BE(1) + 1;

/**
 * What a server says, cut into whole messages. The library looks beyond the end of one that is not whole, and goes through an error without
 * its last zero for ever.
 */
export class Messages {
  #chunks: Buffer[] = [];
  #size = 0;
  #wanted = header;

  /** @throws Error for what is no message */
  *in(chunk: Buffer): Generator<Buffer> {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    while (this.#size >= this.#wanted) {
      const all = Buffer.concat(this.#chunks);
      const length = lengthOf(all);
      if (length < header) throw new Error('the server does not speak PostgreSQL');
      this.#wanted = all.length < length ? length : header;
      const rest = all.length < length ? all : all.subarray(length);
      this.#chunks = [rest];
      this.#size = rest.length;
      if (rest === all) return;
      yield whole(all.subarray(0, length));
    }
  }
}

/** Of errors (`E`) and notices (`N`): fields that each end with a zero, and one more. */
function whole(message: Buffer): Buffer {
  if (message[0] !== 0x45 && message[0] !== 0x4e) return message;
  let at = header;
  while (at < message.length && message[at] !== 0) {
    const end = message.indexOf(0, at + 1);
    at = end === -1 ? message.length : end + 1;
  }
  if (at >= message.length) throw new Error('the server began an error and did not end it');
  return message;
}

/** Its types do not know of it. */
interface Listening extends pg.Connection {
  attachListeners(stream: EventEmitter): void;
}
const Connection = pg.Connection as unknown as new (config: pg.ConnectionConfig) => Listening;

/** What a server says that nobody can read ends the connection to it, and nothing else. */
export class Guarded extends Connection {
  /** Called with the stream that has the answers: of TLS, what came out of it. */
  override attachListeners(stream: Duplex): void {
    const messages = new Messages();
    const checked = new EventEmitter();
    super.attachListeners(checked);
    stream.on('data', (chunk: Buffer) => {
      try {
        for (const message of messages.in(chunk)) checked.emit('data', message);
      } catch (error) {
        stream.destroy(error instanceof Error ? error : new Error('the server does not speak PostgreSQL'));
      }
    });
  }
}

const dates = [1082, 1114, 1184];
const listsOfDates = [1115, 1182, 1185];
/** Any date, with its zone. */
const longestDate = 64;

/**
 * How values are read: the library goes over a long date once for each of its digits. Answers are wanted as text, and what comes in the
 * binary form all the same is read as if it were that: the form says how much there is of it.
 */
export function readerOf(type: number): (value: unknown) => unknown {
  const read = pg.types.getTypeParser(type, 'text');
  if (listsOfDates.includes(type)) return String;
  if (!dates.includes(type)) return (value) => read(String(value));
  return (value) => (String(value).length > longestDate ? String(value) : read(String(value)));
}
