import { lstat, open } from 'node:fs/promises';
import { plainLine } from '../base/plain.ts';
import { redact } from '../base/redact.ts';
import type { Halt } from '../upgrade/rollout/types.ts';
import type { AskHalt } from './halt.ts';

const readMax = 2_048;
const shownMax = 160;
/** A directory that several machines share may answer late, or never, ms. */
const patience = 500;

/** What is at a path: nothing; something, with what it says; or nobody knows. */
type Found = { is: 'nothing' } | { is: 'something'; more: string } | { is: 'unseen'; why: string };
const unanswered: Found = { is: 'unseen', why: 'no answer' };

/**
 * Looks for the file at `path` on this machine, which people call `machine`. Whatever lies there stops everything, also what cannot
 * be read, or is not told in time; only a path at which nothing is lets anything be done.
 */
export function stopFile(path: string, machine: string, look: (path: string) => Promise<Found> = lookAt): AskHalt {
  // One at a time: each that hangs keeps one of the few threads that files and names are read by.
  let running: Promise<Found> | null = null;
  const ask = async (): Promise<Found> => {
    // What began before this was asked may tell what is not so any more.
    if (running !== null && (await inTime(running)) === unanswered) return unanswered;
    running ??= look(path).finally(() => {
      running = null;
    });
    return inTime(running);
  };
  return async (region): Promise<Halt> => {
    const found = await ask();
    const there = `${path} lies on the worker of ${region} (${machine})`;
    switch (found.is) {
      case 'nothing':
        return { is: 'clear' };
      case 'something':
        return { is: 'lies', reason: `${there}${found.more}` };
      case 'unseen':
        return { is: 'lies', reason: `nobody can see whether ${there}: ${found.why}` };
    }
  };
}

/** What arrived while this process was too busy to read it counts as in time. */
function inTime(found: Promise<Found>): Promise<Found> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => setImmediate(resolve, unanswered), patience);
    void found.then((each) => {
      clearTimeout(timer);
      resolve(each);
    });
  });
}

async function lookAt(path: string): Promise<Found> {
  try {
    const found = await lstat(path);
    if (!found.isFile()) return { is: 'something', more: '' };
  } catch (error) {
    const why = codeOf(error);
    return why === 'ENOENT' ? { is: 'nothing' } : { is: 'unseen', why };
  }
  const line = await firstLine(path).catch(() => null);
  if (line === null) return { is: 'something', more: ', and cannot be read' };
  return { is: 'something', more: line === '' ? '' : `: ${line}` };
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
