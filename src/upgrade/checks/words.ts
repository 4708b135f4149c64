import { firstOf } from '../../base/cut.ts';
import { plainLine } from '../../base/plain.ts';
import { redact } from '../../base/redact.ts';
import type { Judged } from './types.ts';

/** What a host says, as much of it as anybody wants to read, without what a terminal or a chat would obey. */
export const tame = (text: string, known: readonly string[] = []): string =>
  plainLine(redact(firstOf(text, 2_000), known)).slice(0, 160);

export const good = (says: string): Judged => ({ is: 'good', says });
export const bad = (says: string): Judged => ({ is: 'bad', says });
export const absent = (says: string): Judged => ({ is: 'absent', says });
export const unknown = (says: string): Judged => ({ is: 'unknown', says });
