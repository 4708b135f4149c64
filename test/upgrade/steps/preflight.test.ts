import { describe, expect, it } from 'vitest';
import { readLines } from '../../../src/upgrade/host/answer.ts';
import { readObservation } from '../../../src/upgrade/host/observation.ts';
import type { Health } from '../../../src/upgrade/http/types.ts';
import { assess } from '../../../src/upgrade/steps/preflight.ts';
import { release, service } from './support.ts';

const old = '1'.repeat(64);
const target = release.binarySha256;
const healthy: Health = { is: 'healthy', version: 'v1.0.0', hostname: null };
const down: Health = { is: 'unreachable', detail: 'connection refused' };

const seen = (lines: Record<string, string>, unit: string[] = []) =>
  readObservation(
    readLines(
      [
        '@@zw unit MainPID=7',
        '@@zw unit InvocationID=abc',
        '@@zw unit LoadState=loaded',
        ...unit.map((fact) => `@@zw unit ${fact}`),
        `@@zw env ${'e'.repeat(64)}`,
        ...Object.entries(lines).map(([key, value]) => `@@zw ${key} ${value}`),
      ].join('\n'),
    ),
  );

describe('what is found on a node', () => {
  it('is the running image, with its version from health', () => {
    expect(assess(seen({ image: old, disk: old }), healthy, release, service)).toEqual({
      is: 'older',
      before: { version: 'v1.0.0', sha256: old, envSha256: 'e'.repeat(64), invocation: 'abc' },
    });
  });

  it('is the file on disk when nothing runs, with its version from the file', () => {
    const found = assess(
      seen({ disk: old, version: 'zeitwork-operator v1.0.3' }, ['MainPID=0']),
      down,
      release,
      service,
    );
    expect(found).toMatchObject({ is: 'older', before: { version: 'v1.0.3', sha256: old } });
  });

  it('is the release already only when it runs and lies on disk', () => {
    expect(assess(seen({ image: target, disk: target }), healthy, release, service)).toMatchObject({ is: 'already' });
    expect(assess(seen({ disk: target }, ['MainPID=0']), down, release, service)).toMatchObject({ is: 'older' });
  });

  it('is the running image when only the restart is lacking', () => {
    expect(assess(seen({ image: old, disk: target }), down, release, service)).toMatchObject({
      is: 'older',
      before: { sha256: old, version: null },
    });
  });

  it.each([
    ['the unit is unknown', seen({ image: old, disk: old }, ['LoadState=not-found']), /no unit zeitwork-operator/],
    ['there is no binary', seen({}, ['MainPID=0']), /no \/usr\/local\/bin\/zeitwork-operator/],
    ['the running image cannot be read', seen({ disk: old }), /running image cannot be read/],
    ['the environment file is missing', seen({ image: old, disk: old, env: '' }), /no \/etc\/zeitwork\/operator.env/],
  ])('is unfit when %s', (_, sight, reason) => {
    expect(assess(sight, healthy, release, service)).toMatchObject({
      is: 'unfit',
      reason: expect.stringMatching(reason),
    });
  });
});
