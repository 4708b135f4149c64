import { describe, expect, it } from 'vitest';
import { type SecretFile, tooOpen } from '../../src/base/file-mode.ts';

const mounted: SecretFile = { path: '/run/secrets/token', mode: 0o100444, uid: 0, inMemory: true };

describe('a file that holds a secret', () => {
  it.each<[string, Partial<SecretFile>]>([
    ['closed, wherever it lies', { path: '/home/ana/token', mode: 0o100600, uid: 1000, inMemory: false }],
    ['read-only for its owner', { path: '/home/ana/token', mode: 0o100400, uid: 1000, inMemory: false }],
    ['mounted by an orchestrator', {}],
    ['mounted by an orchestrator in a folder of its own', { path: '/run/secrets/bot/token' }],
    ['mounted below /var/run', { path: '/var/run/secrets/token' }],
  ])('is taken when it is %s', (_, changes) => {
    expect(tooOpen({ ...mounted, ...changes })).toBeNull();
  });

  it.each<[string, Partial<SecretFile>]>([
    ['on a disk', { inMemory: false }],
    ['somebody else’s', { uid: 1000 }],
    ['open to writing', { mode: 0o100466 }],
    ['in memory, but where anybody puts files', { path: '/tmp/run/secrets/token' }],
    ['in memory, beside the secrets', { path: '/run/secrets-of-mine/token' }],
  ])('is refused when it is open and %s', (_, changes) => {
    expect(tooOpen({ ...mounted, ...changes })).toMatch(/may be read by others \(mode 0\d+\); run: chmod 600 \//);
  });
});
