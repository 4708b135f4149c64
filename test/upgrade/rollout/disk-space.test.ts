import { describe, expect, it } from 'vitest';
import { readSpace } from '../../../src/upgrade/host/observation.ts';
import { lackOfSpace } from '../../../src/upgrade/rollout/disk-space.ts';
import { release } from '../steps/support.ts';

const MB = 1024 * 1024;
const place = (label: string, device: number, megabytes: number, inodes = '5000 9000') =>
  `${label} ${device} ${megabytes * 256} 4096 ${inodes}`;

describe('room for a release', () => {
  it.each([
    ['everything on one large disk', [place('home', 1, 100), place('binary', 1, 100), place('state', 1, 100)], null],
    [
      'one disk that holds each part but not all',
      [place('home', 1, 60), place('binary', 1, 60), place('state', 1, 60)],
      /too full: 60 MB free .*login directory.*84 MB needed/,
    ],
    ['three disks with just enough each', [place('home', 1, 40), place('binary', 2, 40), place('state', 3, 40)], null],
    [
      'a full disk under the binary only',
      [place('home', 1, 40), place('binary', 2, 0), place('state', 1, 90)],
      /0 MB free for the directory of the binary/,
    ],
    ['no inodes left', [place('home', 1, 200, '3 9000'), place('binary', 1, 200, '3 9000')], /3 inodes left/],
    ['a file system without inodes', [place('home', 1, 200, '0 0'), place('binary', 1, 200, '0 0')], null],
    ['nothing known', [], null],
  ])('on %s', (_, lines, expected) => {
    const verdict = lackOfSpace({ space: readSpace(lines), writable: true }, release);
    if (expected === null) expect(verdict).toBeNull();
    else expect(verdict).toMatch(expected);
  });

  it('is none on a read-only file system', () => {
    expect(lackOfSpace({ space: {}, writable: false }, release)).toMatch(/read-only/);
  });

  it('counts bytes as blocks times size', () => {
    expect(readSpace([place('home', 7, 3)])).toEqual({ home: { device: '7', freeBytes: 3 * MB, freeInodes: 5000 } });
  });
});
