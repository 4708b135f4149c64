import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** A real server with settings of its own, kept as we demand it unless they say otherwise; ends with the test. */
export interface RedisServer {
  port: number;
  stop(): Promise<void>;
}

const needed = ['--appendonly', 'yes', '--appendfsync', 'always', '--maxmemory-policy', 'noeviction', '--save', ''];

/** @param settings what follows on the command line; `{port}` is a free one */
export async function startRedisServer(dir: string, settings: string[]): Promise<RedisServer> {
  const port = await freePort();
  const words = settings.map((word) => word.replace('{port}', String(port)));
  const server = spawn('redis-server', ['--dir', dir, ...needed, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  const said: string[] = [];
  const ended = once(server, 'exit');
  await new Promise<void>((ready, failed) => {
    server.once('error', failed);
    server.once('exit', () => failed(new Error(`redis-server ended: ${said.join('')}`)));
    for (const stream of [server.stdout, server.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        said.push(chunk.toString());
        if (/ready to accept connections/i.test(said.join(''))) ready();
      });
    }
  });
  return {
    port,
    async stop() {
      server.kill('SIGTERM');
      await ended;
    },
  };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
