import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { openRedis, type RedisHandle } from '../../src/jobs/redis.ts';

export interface TestRedis {
  /** State directory: another process opens the same server with it. */
  dir: string;
  handle: RedisHandle;
  /** `SIGSTOP` makes it silent, `SIGCONT` wakes it. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): Promise<void>;
  /** Kills the server as a power cut would and starts it again on the same files. */
  crash(): Promise<void>;
  stop(): Promise<void>;
}

/** A Redis of its own for one test file. */
export async function startTestRedis(): Promise<TestRedis> {
  const dir = await mkdtemp(join(tmpdir(), 'zw-'));
  const handles = [await openRedis(null, dir)];
  const [handle] = handles;
  if (!handle) throw new Error('no handle');
  const serverPid = async (): Promise<number> => Number(await readFile(join(dir, 'redis', 'redis.pid'), 'utf8'));
  return {
    dir,
    handle,
    async signal(name) {
      process.kill(await serverPid(), name);
    },
    async crash() {
      const pid = await serverPid();
      process.kill(pid, 'SIGKILL');
      while (alive(pid)) await pause(5);
      handles.push(await openRedis(null, dir));
    },
    async stop() {
      for (const each of handles) await each.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
