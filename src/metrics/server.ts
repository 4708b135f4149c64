import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Place } from './index.ts';

export interface Answer {
  status: number;
  type: string;
  body: string;
}

export interface Door {
  /** null: it does not listen yet. */
  url(): string | null;
  close(): Promise<void>;
}

export interface DoorParts {
  place: Place;
  /** By path. */
  answers: Readonly<Record<string, () => Promise<Answer>>>;
  say: { listening(url: string): void; taken(reason: string): void };
}

/** ms between two tries. */
const again = 5_000;

/**
 * Answers GET at a few fixed paths, to whoever can reach it. A port that is taken is tried again and again: that nobody can
 * watch a rollout must not keep it from being worked on.
 */
export function openDoor({ place, answers, say }: DoorParts): Door {
  const server = createServer({ requestTimeout: 5_000, headersTimeout: 5_000, maxHeaderSize: 8_192 }, (ask, reply) => {
    void respond(ask, reply, answers);
  });
  server.maxConnections = 50;
  server.keepAliveTimeout = 5_000;
  let timer: NodeJS.Timeout | null = null;
  const listen = (): void => {
    timer = null;
    server.listen(place.port, place.host);
  };
  server.on('error', (error) => {
    if (server.listening) return;
    say.taken(error.message);
    timer ??= setTimeout(listen, again).unref();
  });
  const url = (): string | null => {
    const at = server.address();
    if (typeof at !== 'object' || at === null) return null;
    return `http://${at.family === 'IPv6' ? `[${at.address}]` : at.address}:${at.port}`;
  };
  server.on('listening', () => say.listening(url() ?? ''));
  listen();
  return {
    url,
    async close() {
      if (timer !== null) clearTimeout(timer);
      if (!server.listening) return;
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function respond(ask: IncomingMessage, reply: ServerResponse, answers: DoorParts['answers']): Promise<void> {
  ask.resume();
  const path = ask.url?.split('?')[0] ?? '';
  const answer = Object.hasOwn(answers, path) ? answers[path] : undefined;
  const { status, type, body } =
    ask.method !== 'GET' && ask.method !== 'HEAD'
      ? plain(405, 'GET only')
      : answer === undefined
        ? plain(404, Object.keys(answers).join('\n'))
        : await answer().catch(() => plain(500, 'it failed'));
  reply.writeHead(status, { 'content-type': type, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
  reply.end(ask.method === 'HEAD' ? undefined : body);
}

const plain = (status: number, words: string): Answer => ({
  status,
  type: 'text/plain; charset=utf-8',
  body: `${words}\n`,
});
