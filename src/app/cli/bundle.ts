import { writeFile } from 'node:fs/promises';
import { plainLine } from '../../base/plain.ts';
import type { Facts } from '../../bot/context.ts';
import { Ended } from './exit.ts';

interface Captured {
  summary: string;
  bundle: string[] | null;
}

const isCaptured = (value: unknown): value is Captured =>
  typeof value === 'object' && value !== null && 'summary' in value && 'bundle' in value;

/** All that was captured of a node, as lines for a terminal: now, and before it was rolled back. */
export function bundleText(facts: Facts): string {
  const before = 'captured' in facts && isCaptured(facts.captured) ? facts.captured : null;
  return [
    ...(isCaptured(facts) ? section('now', facts) : []),
    ...(before === null ? [] : section('before it was rolled back', before)),
  ].join('\n');
}

function section(when: string, { summary, bundle }: Captured): string[] {
  const lines = bundle ?? ['nothing more was captured'];
  return [`# ${when}: ${plainLine(summary)}`, ...lines.map(plainLine)];
}

/** A new file that nobody else may read. @throws Ended when it is there already, or cannot be written */
export async function writeBundle(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, `${text}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    throw new Ended('refused', `${file} was not written: ${error instanceof Error ? error.message : String(error)}`);
  }
}
