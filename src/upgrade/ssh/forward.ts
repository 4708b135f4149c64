import type { Duplex } from 'node:stream';
import type { Use } from './connections.ts';
import { reasonOf, Unreachable } from './reasons.ts';

/** The place that was meant said no, as the node tells it. `message`: how. */
export class Declined extends Error {
  override readonly name = 'Declined';
}

/** RFC 4254, 5.1: the node may not connect for others; it could not. */
const prohibited = 1;
const failed = 2;

/** A channel to a place as the node sees it; the connection stays in use for as long as it lives. */
export function forwardFrom(use: Use, host: string, port: number): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const { connection } = use;
    const lost = connection.onEnd(() => {
      use.release();
      reject(new Unreachable(connection.reason()));
    });
    const over = () => {
      lost();
      use.release();
    };
    try {
      connection.client.forwardOut('127.0.0.1', 0, host, port, (error, channel) => {
        if (error) {
          over();
          reject(refusalOf(error));
          return;
        }
        channel.on('error', () => {});
        channel.on('close', over);
        resolve(channel);
      });
    } catch (error) {
      over();
      reject(new Unreachable(reasonOf(error)));
    }
  });
}

function refusalOf(error: Error): Error {
  const reason = 'reason' in error ? error.reason : null;
  const words = error.message.replace(/^.*Channel open failure: /, '');
  if (reason === failed) return new Declined(words);
  if (reason !== prohibited) return new Unreachable(reasonOf(error));
  return new Unreachable('the node lets nobody connect from it: see AllowTcpForwarding, and permitopen of the key');
}
