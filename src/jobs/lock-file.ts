import { readFile, rename, rm, writeFile } from 'node:fs/promises';

/**
 * Takes a lock among processes of this machine; null while another living process holds it. One that a dead process
 * left behind is cleared away, so that the next attempt succeeds.
 * @returns gives the lock back
 */
export async function takeLock(file: string): Promise<(() => Promise<void>) | null> {
  try {
    await writeFile(file, String(process.pid), { flag: 'wx', mode: 0o600 });
    return () => rm(file, { force: true });
  } catch {
    const holder = await readFile(file, 'utf8').catch(() => '');
    if (holder !== '' && !alive(Number(holder))) await removeStale(file, holder);
    return null;
  }
}

async function removeStale(file: string, holder: string): Promise<void> {
  const aside = `${file}.${process.pid}`;
  const moved = await rename(file, aside).then(
    () => true,
    () => false,
  );
  if (!moved) return;
  // Somebody quicker had replaced it already: that lock is alive and goes back.
  if ((await readFile(aside, 'utf8')) === holder) await rm(aside);
  else await rename(aside, file);
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
