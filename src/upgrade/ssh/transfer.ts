import type { SFTPWrapper } from 'ssh2';
import { inSeconds } from '../../base/duration.ts';
import { createLimiter } from './limiter.ts';
import type { Lease } from './pool.ts';
import { fileReasonOf, reasonOf, Unreachable } from './reasons.ts';
import { sftpOf } from './sftp.ts';
import { createSources } from './sources.ts';
import type { Transfer } from './types.ts';
import { upload } from './upload.ts';

export interface SenderOptions {
  /** Transfers at once, over all nodes. */
  atOnce: number;
  /** Given up when nothing was acknowledged for so long, ms. */
  stallMs: number;
  /** Given up after this in any case, ms. */
  limitMs: number;
}

export interface Sender {
  /** Rejects with Unreachable when there was no session to send it over. */
  send(lease: () => Promise<Lease>, from: string | Buffer, remotePath: string, signal?: AbortSignal): Promise<Transfer>;
}

function openSftp(lease: Lease): Promise<SFTPWrapper> {
  return new Promise((resolve, reject) => {
    lease.connection.client.sftp((error, wrapper) => {
      if (error) reject(new Error(`the node offers no SFTP: ${reasonOf(error)}`));
      else resolve(wrapper);
    });
  });
}

/** One upload over one leased session; gives the session back when the node is done with it. */
function transfer(lease: Lease, data: Buffer, path: string, options: SenderOptions, signal?: AbortSignal) {
  const { connection } = lease;
  return new Promise<Transfer>((resolve) => {
    let stopped = false;
    const settle = (result: Transfer) => {
      stopped = true;
      clearTimeout(stall);
      clearTimeout(limit);
      signal?.removeEventListener('abort', cancel);
      resolve(result);
    };
    const fail = (reason: string) => settle({ is: 'failed', reason });
    const cancel = () => fail('cancelled');
    const stall = setTimeout(() => {
      fail(`no progress for ${inSeconds(options.stallMs, 1)}`);
      connection.destroy('a transfer stalled');
    }, options.stallMs);
    const limit = setTimeout(() => fail(`not finished within ${inSeconds(options.limitMs, 1)}`), options.limitMs);
    const unsubscribe = connection.onEnd(() => {
      fail(connection.reason());
      lease.release();
    });
    const giveBack = () => {
      unsubscribe();
      lease.release();
    };
    const progress = () => {
      if (!stopped) stall.refresh();
    };
    signal?.addEventListener('abort', cancel, { once: true });

    const work = async () => {
      const wrapper = await openSftp(lease);
      wrapper.once('close', giveBack);
      try {
        await upload(sftpOf(wrapper), data, path, { progress, stopped: () => stopped });
        settle({ is: 'sent', bytes: data.length });
      } finally {
        wrapper.end();
      }
    };
    work().catch((error: unknown) => {
      fail(reasonOf(error));
      giveBack();
    });
    if (signal?.aborted) cancel();
  });
}

/** Sends files over SFTP; a file that goes to many nodes is read once. */
export function createSender(options: SenderOptions): Sender {
  const limiter = createLimiter(options.atOnce);
  const sources = createSources();
  return {
    async send(lease, from, remotePath, signal) {
      const leave = await limiter.acquire(signal);
      try {
        const source = typeof from === 'string' ? await sources.open(from) : { data: from, release: () => undefined };
        try {
          return await transfer(await lease(), source.data, remotePath, options, signal);
        } finally {
          source.release();
        }
      } catch (error) {
        if (error instanceof Unreachable) throw error;
        return {
          is: 'failed',
          reason: `${typeof from === 'string' ? from : 'it'} cannot be read: ${fileReasonOf(error)}`,
        };
      } finally {
        leave();
      }
    },
  };
}
