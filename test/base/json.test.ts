import { expect, it } from 'vitest';
import { objectIn } from '../../src/base/json.ts';

it('finds an object in what somebody sent, and nothing in anything else', () => {
  expect(objectIn(JSON.parse('{"status":"healthy"}'))).toEqual({ status: 'healthy' });
  for (const other of [null, undefined, 'healthy', 7, [{ status: 'healthy' }]]) expect(objectIn(other)).toBeNull();
});
