import type { Release } from './types.ts';

/** Of one file system. */
export interface Space {
  device: string;
  freeBytes: number;
  /** null where the file system does not count them. */
  freeInodes: number | null;
}

/** What a node has for new files, by place: `home`, `binary`, `state`. */
export interface Room {
  space: Partial<Record<string, Space>>;
  writable: boolean;
}

const margin = 8 * 1024 * 1024;
const inodes = 16;

const megabytes = (bytes: number) => `${Math.floor(bytes / 1024 / 1024)} MB`;

/** Bytes needed per place: the archive in the login directory, the binary beside the installed one, the backup. */
function needs(release: Release): [string, string, number][] {
  return [
    ['home', 'the login directory', release.archiveBytes],
    ['binary', 'the directory of the binary', release.binaryBytes],
    ['state', '/var/lib', release.binaryBytes],
  ];
}

/** Why nothing can be put beside the binary; null when something can. */
export function readOnlyPlace({ writable }: Pick<Room, 'writable'>): string | null {
  return writable ? null : 'the directory of the binary is not writable (mounted read-only?)';
}

/** Why the release does not fit on the node, in words; null when it does. Places on one device are added up. */
export function lackOfSpace(seen: Room, release: Release): string | null {
  const readOnly = readOnlyPlace(seen);
  if (readOnly !== null) return readOnly;
  const devices = new Map<string, { space: Space; bytes: number; places: string[] }>();
  for (const [label, place, bytes] of needs(release)) {
    const space = seen.space[label];
    if (!space) continue;
    const device = devices.get(space.device) ?? { space, bytes: margin, places: [] };
    devices.set(space.device, { space, bytes: device.bytes + bytes, places: [...device.places, place] });
  }
  for (const { space, bytes, places } of devices.values()) {
    if (space.freeBytes < bytes) {
      return `the disk is too full: ${megabytes(space.freeBytes)} free for ${places.join(', ')}, ${megabytes(bytes)} needed`;
    }
    if (space.freeInodes !== null && space.freeInodes < inodes) {
      return `the disk has no room for more files: ${space.freeInodes} inodes left for ${places.join(', ')}`;
    }
  }
  return null;
}
