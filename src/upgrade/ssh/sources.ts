import { readFile, stat } from 'node:fs/promises';

/** A local file in memory, shared by everyone who sends it right now. */
export interface Source {
  data: Buffer;
  release(): void;
}

/** Reads a file once for all concurrent users; the memory is given up with the last of them. */
export function createSources(): { open(path: string): Promise<Source> } {
  const loaded = new Map<string, { data: Promise<Buffer>; users: number }>();
  return {
    async open(path) {
      const { mtimeMs, size, ino } = await stat(path);
      const key = `${path}\n${mtimeMs}\n${size}\n${ino}`;
      const entry = loaded.get(key) ?? { data: readFile(path), users: 0 };
      loaded.set(key, entry);
      entry.users += 1;
      const release = () => {
        entry.users -= 1;
        if (entry.users === 0) loaded.delete(key);
      };
      try {
        return { data: await entry.data, release };
      } catch (error) {
        release();
        throw error;
      }
    },
  };
}
