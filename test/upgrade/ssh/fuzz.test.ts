import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { diagnoseNode } from '../../../src/upgrade/host/collect.ts';
import { surveyNode } from '../../../src/upgrade/host/survey.ts';
import { createProbe } from '../../../src/upgrade/http/index.ts';
import { createShell } from '../../../src/upgrade/ssh/shell.ts';
import type { Shell } from '../../../src/upgrade/ssh/types.ts';
import { type Sshd, startSshd } from '../../support/sshd.ts';
import { service } from '../steps/support.ts';

/** Megabytes that one answer has at most: more than any link of a node brings within a command's time is no use to anybody. */
const megabytes = 8;

/** What a node that was taken over may say: each is repeated until the other side has had enough. */
const sayings: [string, string][] = [
  ['random bytes', ''],
  ['names of secrets', 'TOKEN'],
  ['assignments', 'TOKEN="\\'],
  ['our own lines', '@@zw unit MainPID=1\n'],
  ['one endless line of ours', '@@zw version 1.1.1-'],
  ['versions', '@@zw version 9.9.9-9.9.9-9.9.9+9.9.9\n'],
  ['deep JSON', '{"a":['],
  ['terminal codes', '\u001b]0;'],
  ['what is not seen', '\u200b\u202e'],
  ['beginnings of keys', '-----BEGIN PRIVATE KEY-----'],
  ['line ends', '\n'],
];

/** The same bytes in each run. */
function randomBytes(length: number): Buffer {
  const parts: Buffer[] = [];
  for (let count = 0; count * 64 < length; count += 1)
    parts.push(createHash('sha512').update(`fuzz ${count}`).digest());
  return Buffer.concat(parts).subarray(0, length);
}

const contentOf = (saying: string): Buffer => {
  const part = saying === '' ? randomBytes(1 << 20) : Buffer.from(saying.repeat(Math.ceil((1 << 20) / saying.length)));
  return part.subarray(0, 1 << 20);
};

/** The longest that anything else of this process had to wait meanwhile, ms. */
async function delays(work: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  const beat = setInterval(() => {
    longest = Math.max(longest, performance.now() - last - 10);
    last = performance.now();
  }, 10);
  await work();
  await wait(20);
  clearInterval(beat);
  return longest;
}

describe('a node that answers with anything at all', { timeout: 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'zeitwork-fuzz-'));
  const file = join(folder, 'said');
  const sockets = new Set<Socket>();
  let said = contentOf('');
  let sshd: Sshd;
  let shell: Shell;
  let health: Server;
  beforeAll(async () => {
    // Whatever is asked, SFTP too, this is the answer.
    const answer = `for at in $(seq ${megabytes}); do cat ${file}; cat ${file} >&2; done`;
    sshd = await startSshd({ config: [`ForceCommand ${answer}`] });
    shell = createShell({ n: sshd.host() }, { deadlineGraceMs: 1_000 });
    health = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => sockets.delete(socket));
      socket.write('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n');
      const more = () => {
        while (!socket.destroyed && socket.write(said));
      };
      socket.on('drain', more);
      more();
    }).listen(0, '127.0.0.1');
    await once(health, 'listening');
  });
  afterAll(async () => {
    await shell.close();
    await sshd.stop();
    for (const socket of sockets) socket.destroy();
    health.close();
    rmSync(folder, { recursive: true });
  });

  it.each(sayings)('over SSH, SFTP and health delays nothing else by a second: %s', async (_, saying) => {
    said = contentOf(saying);
    writeFileSync(file, said);
    const address = health.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const probe = createProbe({ n: `http://127.0.0.1:${address.port}/health` });
    const clock = { now: Date.now, monotonic: () => performance.now(), sleep: (ms: number) => wait(ms) };
    const signal = AbortSignal.timeout(3_000);
    const longest = await delays(async () => {
      const [seen, , sent] = await Promise.all([
        surveyNode('n', 'r', service, shell, probe, clock, 1_000),
        diagnoseNode('n', service, shell, probe, 1_000),
        shell.put('n', sshd.knownHostsFile, 'x/y', signal),
      ]);
      expect(seen).toMatchObject({ healthy: false, sha256: null });
      expect(sent).toMatchObject({ is: 'failed' });
    });
    expect(longest).toBeLessThan(1_000);
  });
});
