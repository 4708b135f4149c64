import { readFile, stat } from 'node:fs/promises';
import { type Pin, parseKnownHosts } from './known-hosts.ts';
import { fileReasonOf, Unreachable } from './reasons.ts';

/** Reads known_hosts files. Throws Unreachable, in words, when one cannot be read. */
export type ReadPins = (file: string) => Promise<Pin[]>;

/** Parses a file once for all nodes, and again whenever it has changed on disk. */
export function createPinFiles(): ReadPins {
  const parsed = new Map<string, { stamp: string; pins: Promise<Pin[]> }>();
  return async (file) => {
    try {
      const { mtimeMs, ctimeMs, size, ino } = await stat(file);
      const stamp = [mtimeMs, ctimeMs, size, ino].join();
      const known = parsed.get(file);
      if (known?.stamp === stamp) return await known.pins;
      const pins = readFile(file, 'utf8').then(parseKnownHosts);
      parsed.set(file, { stamp, pins });
      return await pins;
    } catch (error) {
      parsed.delete(file);
      throw new Unreachable(`the known_hosts file ${file} cannot be read: ${fileReasonOf(error)}`);
    }
  };
}
