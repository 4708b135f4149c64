import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Layout } from './layout.ts';
import { binaryOf } from './releases.ts';

/** Parts of the real `/proc` that scripts read besides those of a process. */
const borrowed = ['self', 'sys', 'uptime', 'meminfo', 'loadavg', 'mounts', 'filesystems'];

/** Makes a node's disk anew: a first version, its environment file, and empty folders. */
export async function growTree(layout: Layout, disk: { version: string; env: Record<string, string> }): Promise<void> {
  const { tree, home, proc, binary, envFile, owners, calls } = layout;
  await Promise.all([tree, owners].map((path) => rm(path, { recursive: true, force: true })));
  const folders = [
    home,
    proc,
    dirname(binary),
    dirname(envFile),
    calls,
    ...['tmp', 'run', 'var/lib'].map((path) => join(tree, path)),
  ];
  await Promise.all(folders.map((path) => mkdir(path, { recursive: true })));
  const env = Object.entries(disk.env).map(([key, value]) => `${key}=${value}\n`);
  await Promise.all([
    writeFile(binary, binaryOf(disk.version), { mode: 0o755 }),
    writeFile(envFile, env.join(''), { mode: 0o640 }),
    ...borrowed.map((name) => symlink(`/proc/${name}`, join(proc, name))),
  ]);
}
