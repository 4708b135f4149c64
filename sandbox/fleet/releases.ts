import { createCipheriv, createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

export const buildFaults = [
  'none',
  'never-healthy',
  'exit-at-start',
  'dies-after-20s',
  'unhealthy-200',
  'wrong-version',
  'slow-start',
  'slower',
  'needs-param',
] as const;
export type BuildFault = (typeof buildFaults)[number];

/** What a build says about itself in its header; the sandbox plays the running service from it. */
export interface Build {
  version: string;
  /** What `--version` and `/health` say; differs from `version` only in a faulty build. */
  reported: string;
  fault: BuildFault;
}

const member = 'build/zeitwork-operator';
const badChecksum = 'v2.2.0-bad-checksum';

const builds: Build[] = [
  ...['v1.0.0', 'v1.1.0', 'v2.0.0', 'v2.1.0', badChecksum].map((version) => sound(version)),
  ...buildFaults
    .filter((fault) => fault !== 'none')
    .map((fault) => ({
      version: `v2.1.0-${fault}`,
      reported: fault === 'wrong-version' ? 'v2.0.9' : `v2.1.0-${fault}`,
      fault,
    })),
];

export const archiveOf = (version: string) => `zeitwork-operator-${version}.tar.gz`;

/** Versions that can be asked for, the faulty ones last. */
export const versions = builds.map((build) => build.version);

function sound(version: string): Build {
  return { version, reported: version, fault: 'none' };
}

const made = new Map<string, Buffer>();

/** The installed file: a small script that knows its version, made large enough for a transfer to be seen. */
export function binaryOf(version: string): Buffer {
  const binary = made.get(version) ?? makeBinary(version, 200_000);
  made.set(version, binary);
  return binary;
}

function makeBinary(version: string, bytes: number): Buffer {
  const build = builds.find((candidate) => candidate.version === version) ?? sound(version);
  const head = `#!/bin/sh
# zeitwork-operator version=${build.version} reported=${build.reported} fault=${build.fault}
case \${1-} in
  --version | version) echo 'zeitwork-operator ${build.reported}'; exit 0 ;;
esac
echo 'usage: zeitwork-operator [--version]' >&2
exit 2
`;
  const filling = noise(build.version, bytes).toString('base64').replace(/.{76}/g, '#$&\n');
  return Buffer.from(`${head}#\n${filling.slice(0, filling.lastIndexOf('\n') + 1)}`);
}

/** Reads the header of an installed file; null for anything that is not one of these builds. */
export function buildIn(file: Buffer): Build | null {
  const head = file.subarray(0, 400).toString('latin1');
  const match = /^#!\/bin\/sh\n# zeitwork-operator version=(\S+) reported=(\S+) fault=(\S+)\n/.exec(head);
  const fault = buildFaults.find((name) => name === match?.[3]);
  return match?.[1] && match[2] && fault ? { version: match[1], reported: match[2], fault } : null;
}

/** Writes every archive and its `.sha256`; the same bytes each time. */
export async function writeReleases(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (const { version } of builds) {
    const name = archiveOf(version);
    const archive = gzipSync(tarOf(binaryOf(version)), { level: 1 });
    const right = createHash('sha256').update(archive).digest('hex');
    const sum = version === badChecksum ? createHash('sha256').update(right).digest('hex') : right;
    await writeFile(join(directory, name), archive);
    await writeFile(join(directory, `${name}.sha256`), `${sum}  ${name}\n`);
  }
}

/** Bytes that do not compress and depend on the seed alone. */
function noise(seed: string, bytes: number): Buffer {
  const key = createHash('sha256').update(seed).digest();
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(Math.floor((bytes * 3) / 4)));
}

/** A ustar archive of the folder and the one file (POSIX.1-1988 header, 512-byte blocks). */
function tarOf(file: Buffer): Buffer {
  const padding = Buffer.alloc((512 - (file.length % 512)) % 512);
  return Buffer.concat([header('build/', 0, '5'), header(member, file.length, '0'), file, padding, Buffer.alloc(1024)]);
}

function header(name: string, size: number, type: '0' | '5'): Buffer {
  const block = Buffer.alloc(512);
  const octal = (value: number, width: number) => value.toString(8).padStart(width - 1, '0');
  block.write(name, 0);
  block.write(octal(0o755, 8), 100);
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  block.write(octal(size, 12), 124);
  block.write(octal(1_735_689_600, 12), 136);
  block.write(' '.repeat(8), 148);
  block.write(type, 156);
  block.write('ustar\u000000', 257, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}
