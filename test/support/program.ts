import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll } from 'vitest';
import { ship } from './shipped.ts';

/** The program as it ships, compiled from what lies here for one file of tests, which starts it often; its main file, for node. */
export function shippedMain(): string {
  const directory = mkdtempSync(join(tmpdir(), 'zeitwork-program-'));
  ship(resolve(import.meta.dirname, '../..'), directory);
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, 'src/main.js');
}
