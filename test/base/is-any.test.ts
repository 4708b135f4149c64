import { expect, it } from 'vitest';
import { isAny } from '../../src/base/is-any.ts';

it('knows a name among others, takes nothing for none of them, and lets no name be misspelt', () => {
  const state = 'ready' as 'ready' | 'staging' | 'done';
  expect(isAny(state, 'staging', 'ready')).toBe(true);
  expect(isAny(state, 'staging', 'done')).toBe(false);
  expect(isAny<string>(undefined, 'ready')).toBe(false);
  // @ts-expect-error the compiler refuses what it cannot be
  expect(isAny(state, 'redy')).toBe(false);
});
