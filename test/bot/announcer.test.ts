import pino from 'pino';
import { expect, it } from 'vitest';
import { createAnnouncer } from '../../src/bot/announcer.ts';
import type { Chat, Content } from '../../src/bot/chat.ts';
import { nobody, type People } from '../../src/bot/views/people.ts';
import type { Rollout } from '../../src/upgrade/rollout/types.ts';
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

function announcerOn(chat: Chat, people: () => Promise<People>) {
  const { context, control } = trial();
  return createAnnouncer({
    ...{ chat, people, store: control.store, channel: 'C0', sealer: seals, painted: new Map() },
    link: () => null,
    log: pino({ level: 'silent' }),
    clock: { now: context.clock.now, sleep: async () => undefined },
  });
}

it('draws what was learned since of a state that is no newer, also while it is being drawn', async () => {
  const start = planned({ pause: 0 });
  const { rollout } = drive(start, worldOf(start), { from: tuesday });
  expect(rollout.status.is).toBe('done');
  const chat = chatOf();
  const { show } = announcerOn(chat, async () => nobody);
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

it('draws anew when anything that a message is made of is another, and edits nothing when nothing is', async () => {
  const start = planned({ pause: 0 });
  const { rollout } = drive(start, worldOf(start), { from: tuesday, until: (now) => now.status.is === 'held' });
  const chat = chatOf();
  let edits = 0;
  let onCall: string[] = [];
  const counting: Chat = {
    ...chat,
    edit: (at, message) => {
      edits += 1;
      return chat.edit(at, message);
    },
  };
  const { show } = announcerOn(counting, async () => ({ ...nobody, onCall: { users: onCall, groups: [] } }));
  const said = () => JSON.stringify([...chat.standing]);
  const held: Rollout = {
    ...rollout,
    status: { is: 'held', reason: 'the disk is full', node: null, at: tuesday, pending: null },
  };
  await show(held);
  await show(held);
  const before = edits;
  await show(structuredClone(held));
  expect(edits).toBe(before);
  await show({ ...held, status: { ...held.status, reason: 'the lamp is broken' } as Rollout['status'] });
  expect(said()).toContain('the lamp is broken');
  onCall = ['U0NEW'];
  await show({
    ...held,
    revision: held.revision + 1,
    status: { ...held.status, at: tuesday + 1 } as Rollout['status'],
  });
  expect(said()).toContain('U0NEW');
});
