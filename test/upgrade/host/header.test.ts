import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { judgeHeaders } from '../../../src/upgrade/host/header.ts';

/** Class, byte order, and the machine in that order. */
const elf = (kind: string, machine: string) => `7f454c46${kind}01${'00'.repeat(9)}0200${machine}`;
const amd64 = elf('0201', '3e00');
const arm64 = elf('0201', 'b700');
const i386 = elf('0101', '0300');
const script = '23212f62696e2f73680a'.padEnd(40, '0');
const wrong = 'the binary is not for this machine (x86_64)';

describe('what was staged', () => {
  it.each<[string, string | undefined, string, string | null]>([
    [amd64, amd64, amd64, null],
    [arm64, amd64, amd64, wrong],
    [i386, amd64, amd64, wrong],
    [elf('0101', '3e00'), amd64, amd64, wrong],
    [elf('0202', '003e'), amd64, amd64, wrong],
    [i386, i386, amd64, null],
    [amd64, i386, amd64, null],
    [amd64, script, amd64, null],
    [arm64, script, amd64, wrong],
    [amd64, undefined, amd64, null],
    [amd64, undefined, '', wrong],
    [script, amd64, amd64, null],
    ['4d5a9000'.padEnd(40, '0'), amd64, amd64, 'the binary is neither an ELF file nor a script that begins with #!'],
    [amd64.slice(0, 30), amd64, amd64, 'the binary is neither an ELF file nor a script that begins with #!'],
    ['', amd64, amd64, 'the binary is neither an ELF file nor a script that begins with #!'],
  ])('%s beside %s and %s gives %j', (staged, running, shell, verdict) => {
    const own = running === undefined ? [] : [`running ${running}`];
    expect(judgeHeaders([`staged ${staged}`, ...own, `shell ${shell}`], 'x86_64')).toBe(verdict);
  });

  it('is read as od reads it: this very machine runs its own shell', () => {
    const hex = execFileSync('sh', ['-c', "od -An -v -tx1 -N20 /bin/sh | tr -d ' \\n'"], { encoding: 'utf8' });
    expect(judgeHeaders([`staged ${hex}`, `shell ${hex}`], 'x')).toBeNull();
    expect(judgeHeaders([`staged ${hex}`, `shell ${arm64 === hex ? amd64 : arm64}`], 'x')).toMatch(/not for this/);
  });
});
