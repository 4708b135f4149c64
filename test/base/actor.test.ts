import { expect, it } from 'vitest';
import { isLocal, localActor } from '../../src/base/actor.ts';

it('knows who sits at this machine from who writes in the chat, whatever the login', () => {
  expect(localActor('U0ROSA')).toBe('cli:U0ROSA');
  expect(isLocal(localActor('U0ROSA'))).toBe(true);
  expect(isLocal('U0ROSA')).toBe(false);
});
