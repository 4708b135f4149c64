import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { short } from '../../base/hash.ts';
import { read } from '../host/answer.ts';
import * as commands from '../host/commands.ts';
import { failed, failedForNow, reportOf } from '../host/reports.ts';
import type { Report } from '../rollout/types.ts';
import type { StepContext } from './types.ts';
import { upload } from './upload.ts';

/**
 * Streams the binary of a healthy peer through this machine to the node, where nothing but what the ledger names is sent on. The peer is
 * read and nothing else; neither node needs a way to the other.
 */
export async function fromPeer(context: StepContext, peer: string): Promise<Report | null> {
  const { rollout, node, shell, signal } = context;
  const { service, release, policy } = rollout;
  const helped = [peer, node.name].filter((name) => shell.becomes?.(name) === 'helper');
  if (helped.length > 0)
    return failed(`${helped.join(' and ')}: a helper gives no binary away and takes none but from the shelf`);
  const folder = await mkdtemp(join(tmpdir(), 'zeitwork-peer-'));
  try {
    const path = join(folder, 'binary');
    const lent = read(await shell.run(peer, commands.lend(service, path, policy.transferTimeout), signal));
    signal.throwIfAborted();
    if (lent.is !== 'ok') {
      const report = reportOf(lent, 'retry');
      return report.is === 'failed' ? { ...report, reason: `${peer}: ${report.reason}` } : report;
    }
    const sha256 = await hashOf(path);
    if (sha256 !== release.binarySha256)
      return failedForNow(
        `what ${peer} has is not what the ledger has (${short(sha256)}, not ${short(release.binarySha256)}); nothing was sent on`,
      );
    return await upload({ ...context, archive: async () => path });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
