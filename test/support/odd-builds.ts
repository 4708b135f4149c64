import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { releasesDirectory, scripts } from './real-fleet.ts';

/** A build of the trial fleet's operator that its own releases do not have: another version, or another behaviour. */
export interface Odd {
  version: string;
  /** A number of the fleet's own faults, by its name in the source: `F_SLOWER`. */
  fault?: string;
  /** What of the source is another one. */
  change?: (source: string) => string;
}

/** Compiles it and puts it where a product finds it; the binary. */
export function offerOddBuild(into: string, { version, fault = 'F_NONE', change = (source) => source }: Odd): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'zeitwork-odd-'));
  try {
    const source = join(folder, 'operator.c');
    const file = join(folder, 'build', 'zeitwork-operator');
    mkdirSync(join(folder, 'build'));
    writeFileSync(source, change(readFileSync(join(scripts, 'operator', 'operator.c'), 'utf8')));
    const macros = [`-DVERSION="${version}"`, `-DFAULT=${fault}`];
    execFileSync('gcc', ['-O2', '-s', '-static', '-pthread', ...macros, '-o', file, source]);
    const archive = `zeitwork-operator-${version}.tar.gz`;
    execFileSync('tar', ['-C', folder, '-czf', join(into, archive), 'build']);
    const sum = createHash('sha256')
      .update(readFileSync(join(into, archive)))
      .digest('hex');
    writeFileSync(join(into, `${archive}.sha256`), `${sum}  ${archive}\n`);
    return readFileSync(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The binary in one of the fleet's own releases. */
export function binaryOf(version: string): Buffer {
  const archive = join(releasesDirectory, `zeitwork-operator-${version}.tar.gz`);
  return execFileSync('tar', ['-xzOf', archive, 'build/zeitwork-operator'], { maxBuffer: 256 * 1024 * 1024 });
}
