import { execFileSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** The directory of this product, compiled. */
    shipped: string;
  }
}

const root = resolve(import.meta.dirname, '../..');

/** Compiles the product whose sources are in `from` as what ships is, but for its types, which `check` looks at. */
export function ship(from: string, into: string): void {
  execFileSync(process.execPath, ['scripts/build.mjs', into, '--noCheck'], { cwd: from, stdio: 'inherit' });
  symlinkSync(realpathSync(join(root, 'node_modules')), join(into, 'node_modules'));
}

/** Once for all files of a run: their products start many times, and each would translate all of it anew. */
export default function shipOnce({ provide }: TestProject): () => void {
  const directory = mkdtempSync(join(tmpdir(), 'zeitwork-shipped-'));
  ship(root, directory);
  provide('shipped', directory);
  return () => rmSync(directory, { recursive: true, force: true });
}
