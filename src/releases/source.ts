import type { Release } from '../upgrade/rollout/types.ts';

/** A place where archives lie. */
export interface ArchiveSource {
  /** Oldest first; empty when the place cannot list them. @throws Refused */
  versions(): Promise<string[]>;
  /** A local copy of the archive, and the hash that was published with it. @throws Refused */
  find(version: string): Promise<{ path: string; published: string }>;
  /** What lies beside the archive as its signature; null when nothing does. @throws Refused */
  signature(version: string): Promise<string | null>;
  /** Where the archive of a planned release lies here, fetched if need be; its hash is not checked. @throws Refused */
  locate(release: Release): Promise<string>;
}
