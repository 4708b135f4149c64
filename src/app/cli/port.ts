import { createServer } from 'node:net';
import { Ended } from './exit.ts';

/** @throws Ended when something listens there on this machine; a 0 is always free */
export async function refuseTaken(port: number): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  }).catch((error: unknown) => {
    throw isTaken(error) ? taken(port) : error;
  });
  await new Promise((resolve) => server.close(resolve));
}

export const isTaken = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';

export const taken = (port: number): Ended =>
  new Ended(
    'usage',
    `port ${port} is taken: choose another with --port ${(port % 65_535) + 1}, or --port 0 for any that is free`,
  );
