import { closeSync, openSync, writeSync } from 'node:fs';
import type { Into } from './types.ts';

const marker = '@@zw content ';
/** More than the line that announces it. */
const longestLine = 100;

export interface Content {
  /** What of a chunk is not content. */
  text(chunk: Buffer): Buffer;
  close(): void;
}

/**
 * Writes into a file of this machine what a command announces with a line (`@@zw content BYTES`) and what follows it, and passes all else
 * on. Whoever reads the file knows what it must be: what could not be written, or was too much, is not that.
 */
export function openContent({ path, most }: Into): Content {
  const file = openSync(path, 'wx', 0o600);
  let line = Buffer.alloc(0);
  let left: number | null = null;
  let isOpen = true;
  const keep = (chunk: Buffer): void => {
    try {
      if (isOpen) writeSync(file, chunk);
    } catch {
      close();
    }
  };
  const close = (): void => {
    if (isOpen) closeSync(file);
    isOpen = false;
  };
  return {
    text(chunk) {
      const text: Buffer[] = [];
      let rest = chunk;
      while (rest.length > 0) {
        const end: number = left === null ? rest.indexOf('\n') + 1 || rest.length : left > 0 ? left : rest.length;
        const part = rest.subarray(0, end);
        rest = rest.subarray(part.length);
        if (left !== null && left > 0) {
          keep(part);
          left -= part.length;
          continue;
        }
        text.push(part);
        if (left !== null) continue;
        line = Buffer.concat([line, part.subarray(0, longestLine)]).subarray(0, 2 * longestLine);
        if (part.at(-1) !== 10) continue;
        left = announced(line.toString('latin1'), most);
        line = Buffer.alloc(0);
      }
      return Buffer.concat(text);
    },
    close,
  };
}

function announced(line: string, most: number): number | null {
  const bytes = line.startsWith(marker) ? line.slice(marker.length).trim() : '';
  return /^\d{1,15}$/.test(bytes) ? Math.min(Number(bytes), most) : null;
}
