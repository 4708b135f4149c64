import { lstat, open } from 'node:fs/promises';
import { plainLine } from '../base/plain.ts';
import { redact } from '../base/redact.ts';
import type { Halt } from '../upgrade/rollout/types.ts';
import type { AskHalt } from './halt.ts';

const readMax = 2_048;
const shownMax = 160;

/**
 * Looks for the file at `path` on this machine, which people call `machine`. Whatever lies there stops everything, also what cannot
 * be read; only a path at which nothing is lets anything be done.
 */
export function stopFile(path: string, machine: string): AskHalt {
  return async (region): Promise<Halt> => {
    const lies = (more: string): Halt => ({
      is: 'lies',
      reason: `${path} lies on the worker of ${region} (${machine})${more}`,
    });
    try {
      const found = await lstat(path);
      if (!found.isFile()) return lies('');
    } catch (error) {
      const code = codeOf(error);
      if (code === 'ENOENT') return { is: 'clear' };
      return {
        is: 'lies',
        reason: `nobody can see whether ${path} lies on the worker of ${region} (${machine}): ${code}`,
      };
    }
    const line = await firstLine(path).catch(() => null);
    if (line === null) return lies(', and cannot be read');
    return lies(line === '' ? '' : `: ${line}`);
  };
}

/** Redacted as a whole before it is cut. */
async function firstLine(path: string): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(readMax), 0, readMax, 0);
    const [line = ''] = redact(buffer.toString('utf8', 0, bytesRead))
      .trimStart()
      .split('\n');
    return [...plainLine(line)].slice(0, shownMax).join('');
  } finally {
    await file.close();
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'it cannot be looked at';
