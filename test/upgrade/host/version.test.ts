import { describe, expect, it } from 'vitest';
import { judgeVersion, readVersion } from '../../../src/upgrade/host/version.ts';

describe('the version of a binary', () => {
  it.each([
    [['zeitwork-operator v2.1.0', 'exit 0'], null],
    [['2.1.0', 'exit 0'], null],
    [['built with go1.22.3, version: v2.1.0 (abc)', 'exit 0'], null],
    [['zeitwork-operator v2.1.0', 'exit 2'], null],
    [['zeitwork-operator v2.0.9', 'exit 0'], 'says v2.0.9, expected v2.1.0'],
    [['zeitwork-operator v2.1.0-rc.1', 'exit 0'], 'says v2.1.0-rc.1, expected v2.1.0'],
    [['zeitwork-operator v12.1.0', 'exit 0'], 'says v12.1.0, expected v2.1.0'],
    [['usage: zeitwork-operator', 'exit 2'], 'the new binary says no version, expected v2.1.0'],
    [['', 'exit 124'], 'the new binary did not say its version within 5 s'],
    [['starting v2.1.0', 'exit 137'], 'the new binary did not say its version within 5 s'],
    [['unasked'], null],
    [["env: '/x': Permission denied", 'exit 126'], null],
    [["env: '/x': Exec format error", 'exit 126'], 'the binary is not for this machine'],
    [["env: '/x': No such file or directory", 'exit 127'], null],
  ])('from %j gives %j', (lines, verdict) => {
    expect(judgeVersion(readVersion(lines, 'v2.1.0'), 'v2.1.0')).toBe(verdict);
  });

  it('is the first that is printed when none is expected', () => {
    expect(readVersion(['x v1.0.0 on v2.0.0', 'exit 0'])).toEqual({ is: 'version', version: 'v1.0.0' });
    expect(readVersion([])).toEqual({ is: 'none' });
  });

  it('is read in no time, whatever a host sends', () => {
    // Of the processor: a machine that is busy elsewhere makes nothing slow here.
    const from = process.cpuUsage();
    readVersion([`${'1.1.1-'.repeat(40_000)}_`]);
    readVersion(Array.from({ length: 40_000 }, () => '1.1.1-'));
    expect(process.cpuUsage(from).user / 1_000).toBeLessThan(50);
  });
});
