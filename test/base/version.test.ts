import { expect, it } from 'vitest';
import { isVersion, sameVersion } from '../../src/base/version.ts';

it.each(['v2.0.0', 'v0.0.1', 'v2.1.0-rc.1', 'v10.20.30-never-healthy'])('%s is a version', (text) => {
  expect(isVersion(text)).toBe(true);
});

it.each([
  '2.0.0',
  'V2.0.0',
  'v2.0',
  'v02.0.0',
  'v2.0.0-01',
  'v2.0.0+build',
  'v2.0.0\n',
  ' v2.0.0',
  'v2.0.0/../x',
  'latest',
  '',
])('%j is none', (text) => {
  expect(isVersion(text)).toBe(false);
});

it('tells the same version with and without its v, and nothing else', () => {
  expect(sameVersion('v2.0.0', '2.0.0')).toBe(true);
  expect(sameVersion('2.0.0', '2.0.0')).toBe(true);
  expect(sameVersion('v2.0.0', 'v2.0.0-rc.1')).toBe(false);
});
