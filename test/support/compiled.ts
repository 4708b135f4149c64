import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

/**
 * A program of the tests, compiled as what ships is, for processes that start often: translating them anew at each start
 * would be most of what they do. Returns where its entry lies.
 */
export function compiled(entry: string, directory: string): string {
  mkdirSync(directory, { recursive: true });
  const config = join(directory, 'tsconfig.json');
  const compilerOptions = { rootDir: root, outDir: directory, noCheck: true, types: [] };
  writeFileSync(
    config,
    JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions, include: [], files: [join(root, entry)] }),
  );
  execFileSync(join(root, 'node_modules/.bin/tsc'), ['-p', config], { stdio: 'inherit' });
  cpSync(join(root, 'package.json'), join(directory, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
  return join(directory, entry.replace(/\.ts$/, '.js'));
}
