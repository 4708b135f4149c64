import pino from 'pino';
import { expect, it } from 'vitest';
import { createAnnouncer } from '../../src/bot/announcer.ts';
import type { Chat, Content } from '../../src/bot/chat.ts';
import { nobody } from '../../src/bot/views/people.ts';
import { planned, tuesday } from '../support/rollouts.ts';
import { drive, worldOf } from '../support/simulation.ts';
import { seals, trial } from './support.ts';

/** Messages by their key, as they stand last. */
function chatOf(): Chat & { standing: Map<string, Content> } {
  const standing = new Map<string, Content>();
  return {
    standing,
    post: async ({ mark, content }) => {
      standing.set(mark?.key ?? '', content);
      return `${standing.size}.1`;
    },
    edit: async (_at, { mark, content }) => {
      standing.set(mark.key, content);
      return true;
    },
    direct: async (user) => `D-${user}`,
    find: async () => null,
    read: async () => null,
    ours: async () => [],
  };
}

it('draws what was learned since of a state that is no newer, also while it is being drawn', async () => {
  const start = planned({ pause: 0 });
  const { rollout } = drive(start, worldOf(start), { from: tuesday });
  expect(rollout.status.is).toBe('done');
  const chat = chatOf();
  const { context, control } = trial();
  const { show } = createAnnouncer({
    chat,
    store: control.store,
    channel: 'C0',
    people: async () => nobody,
    link: () => null,
    sealer: seals,
    painted: new Map(),
    log: pino({ level: 'silent' }),
    clock: { now: context.clock.now, sleep: async () => undefined },
  });
  const buttons = () => JSON.stringify([...chat.standing.values()].map(({ blocks }) => blocks));
  await show(rollout);
  expect(buttons()).toContain('zw:rollback:all');
  // The same revision: only another rollout was begun.
  await Promise.all([show(rollout), show({ ...rollout, superseded: true })]);
  expect(buttons()).not.toContain('zw:rollback:all');
  // What is older than what is being drawn is not drawn over it.
  await Promise.all([show({ ...rollout, superseded: true }), show({ ...rollout, revision: rollout.revision - 1 })]);
  expect(buttons()).not.toContain('zw:rollback:all');
});
