import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ChannelMessage } from '../../sandbox/slack/types.ts';
import { next } from '../../src/upgrade/rollout/index.ts';
import type { Rollout } from '../../src/upgrade/rollout/types.ts';
import { isAsked } from '../support/parts.ts';
import { drive, type World, worldOf } from '../support/simulation.ts';
import { inSlack, type OneBot, type Slack, typeIn, until } from './in-slack.ts';
import { type Trial, trial } from './support.ts';

let slack: Slack;
let here: Trial;
let bot: OneBot;
let close: () => Promise<void>;

beforeEach(async () => {
  here = trial();
  ({ slack, bot, close } = await inSlack(here));
});

afterEach(() => close());

const type = (user: string, text: string): Promise<ChannelMessage> => typeIn(slack, user, text);

async function started(more = ''): Promise<Rollout> {
  const preview = await type('U0ROSA', `upgrade v2.0.0 ${more}`);
  await slack.click('U0ROSA', preview.ts, 'Start');
  return until('a rollout', () => [...here.control.rollouts.values()][0]);
}

/** Drives on and shows after every event, as the publisher would. */
async function driven(rollout: Rollout, fits: (rollout: Rollout) => boolean, bad: string[] = []): Promise<Rollout> {
  const world = worldOf(rollout);
  for (const node of bad) world.bad.add(node);
  let at = { rollout, now: rollout.createdAt };
  for (let step = 0; step < 500 && !fits(at.rollout); step++) at = drive(at.rollout, world, { from: at.now, limit: 1 });
  here.control.rollouts.set(rollout.id, at.rollout);
  await bot.announcer.show(at.rollout);
  return at.rollout;
}

/** To the end, in pieces: Slack's stand-in lives in this process, and must be heard in between. */
async function played(rollout: Rollout, world: World, from: number, end: Rollout['status']['is']) {
  let at = { rollout, now: from };
  for (let step = 0; at.rollout.status.is !== end; step++) {
    if (step > 100) throw new Error(`it never came to ${end}`);
    at = drive(at.rollout, world, { from: at.now, limit: 5 });
    await new Promise(setImmediate);
  }
  return at;
}

const asked = (rollout: Rollout) => isAsked(rollout, 'eu-west');
const main = () => slack.messages().find(({ threadTs }) => threadTs === null) ?? raise();
const thread = () => slack.thread(main().ts).filter(({ threadTs }) => threadTs !== null);
const raise = (): never => {
  throw new Error('there is no message');
};

describe('the bot in Slack', () => {
  it('goes from a command over a preview to a rollout', async () => {
    const preview = await type('U0ROSA', 'upgrade v2.0.0');
    expect(preview.visibleTo).toBe('U0ROSA');
    expect(preview.text).toMatch(/^Plan: zeitwork-operator to v2\.0\.0/);
    const outcome = await slack.click('U0ROSA', preview.ts, 'Start');
    expect((await until('the answer', () => outcome.responses[0])).text).toMatch(/under way/);
    expect(here.control.rollouts.size).toBe(1);
    expect(slack.warnings).toEqual([]);
  });

  it.each([2, 3])('acts once on what is delivered %i times', async (times) => {
    slack.faults.duplicateDeliveries(times);
    const rollout = await started();
    await driven(rollout, asked);
    const gate = await until('the gate', () => thread().find(({ text }) => text.includes('may *eu-west*')));
    await slack.click('U0INES', gate.ts, 'Approve eu-west', { confirm: true });
    await until('the approval', () =>
      here.control.journals.get(rollout.id)?.some(({ event }) => event.type === 'approved'),
    );
    await until('an answer to each press', () => slack.ephemerals('U0INES').length >= 1);
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(here.control.rollouts.size).toBe(1);
    expect(here.control.journals.get(rollout.id)).toHaveLength(1);
    expect(slack.ephemerals('U0INES').filter(({ text }) => /approved/.test(text))).toHaveLength(1);
  });

  it('refuses guests', async () => {
    expect((await type('U0GIL', 'status')).text).toBe('Guests may not do that.');
  });

  it('keeps one live message with its details in the thread', async () => {
    const rollout = await started();
    await bot.announcer.show(rollout);
    await driven(rollout, asked);
    expect(main().text).toContain('Waiting for approval of *eu-west*');
    expect(slack.messages().filter(({ threadTs }) => threadTs === null)).toHaveLength(1);
    expect(thread().filter(({ text }) => text.startsWith('✓ *us-east-op-'))).toHaveLength(3);
    expect(thread().find(({ text }) => text.includes('may *eu-west*'))?.broadcast).toBe(true);
    expect(slack.dms('U0ROSA').map(({ text }) => text)).toEqual([expect.stringContaining('waits for its approvers')]);
    expect(slack.warnings).toEqual([]);
  });

  it('leads from each direct message to the post that it is about', async () => {
    await driven(await started(), asked);
    const gate = thread().find(({ text }) => text.includes('may *eu-west*')) ?? raise();
    const to = ({ ts }: ChannelMessage) => `/archives/C0/p${ts.replace('.', '')}|`;
    for (const user of ['U0INES', 'U0ROSA']) {
      const [message, ...more] = slack.dms(user);
      expect(more).toEqual([]);
      expect(message?.text).toContain(to(gate));
      expect(JSON.stringify(message?.blocks)).toContain(to(gate));
    }
  });

  it('leads from the direct message of a hold to its rollout', async () => {
    await driven(await started(), ({ status }) => status.is === 'held', ['us-east-op-1']);
    const [message, ...more] = slack.dms('U0ROSA');
    expect(more).toEqual([]);
    expect(message?.text).toMatch(/\bheld\b/);
    expect(message?.text).toContain(`/archives/C0/p${main().ts.replace('.', '')}|`);
  });

  it('sends nothing when nothing changed', async () => {
    const rollout = await driven(await started(), asked);
    const before = slack.calls.length;
    await bot.announcer.show({ ...rollout, revision: rollout.revision + 1 });
    expect(slack.calls.length).toBe(before);
  });

  it('posts once although the answer to the posting was lost', async () => {
    const rollout = await started();
    slack.faults.dropReplyOf('chat.postMessage');
    await expect(bot.announcer.show(rollout)).rejects.toThrow();
    await bot.announcer.show(rollout);
    await bot.announcer.show(rollout);
    expect(slack.messages().filter(({ threadTs }) => threadTs === null)).toHaveLength(1);
    expect(here.control.marks.get(rollout.id)?.main?.ts).toBe(main().ts);
  });

  it('closes a question although the answer to its posting was lost, and nobody says that the store forgot it', async () => {
    const rollout = await started();
    await bot.announcer.show(rollout);
    const world = worldOf(rollout);
    const open = drive(rollout, world, { from: rollout.createdAt, until: asked });
    await bot.announcer.show({ ...open.rollout, phases: rollout.phases });
    slack.faults.dropReplyOf('chat.postMessage');
    await expect(bot.announcer.show(open.rollout)).rejects.toThrow();
    const question = () => thread().find(({ text }) => text.includes('may *eu-west*')) ?? raise();
    const before = question().text;
    const over = next(open.rollout, { type: 'approved', phase: 'approval/eu-west', by: 'U0INES', at: open.now });
    here.control.rollouts.set(rollout.id, over);
    await bot.announcer.show(over);
    expect(question().text).toMatch(/\n✓ \*eu-west\* approved by <@U0INES>/);
    expect(question().text.split('\n').slice(0, 6)).toEqual(before.split('\n').slice(0, 6));
    expect(question().blocks.some(({ type }) => type === 'actions')).toBe(false);
  });

  it('says how long Slack asks it to wait, and shows the last state afterwards', async () => {
    const rollout = await started();
    slack.faults.rateLimitNext('chat.postMessage', 7);
    await expect(bot.announcer.show(rollout)).rejects.toMatchObject({ retryAfter: 7 });
    await bot.announcer.show(rollout);
    expect(main().text).toContain('prepared');
  });

  it('acts once on a press whose acknowledgement was lost with the connection: it comes again, over another one', async () => {
    const rollout = await driven(await started(), asked);
    const gate = thread().find(({ text }) => text.includes('may *eu-west*')) ?? raise();
    const before = slack.envelopes();
    slack.faults.loseNextAck();
    await slack.click('U0INES', gate.ts, 'Approve eu-west', { confirm: true });
    await until('the second delivery', () => slack.envelopes() >= before + 2, 15_000);
    await until('the approval', () => here.control.journals.get(rollout.id)?.length);
    await until('another connection', () => slack.connections() === 1, 15_000);
    expect((await type('U0OTTO', 'whoami')).text).toMatch(/You are <@U0OTTO>/);
    expect(here.control.journals.get(rollout.id)?.map(({ event }) => event.type)).toEqual(['approved']);
    expect(slack.ephemerals('U0INES').filter(({ text }) => /approved/.test(text))).toHaveLength(1);
  });

  it('leaves the last state on the screen, although an edit before it was carried out after it', async () => {
    const rollout = await started();
    await bot.announcer.show(rollout);
    const world = worldOf(rollout);
    const half = drive(rollout, world, { from: rollout.createdAt, limit: 8 });
    const gate = drive(half.rollout, world, { from: half.now, until: asked });
    here.control.rollouts.set(rollout.id, gate.rollout);
    const arrives = slack.faults.holdNext('chat.update');
    const late = bot.announcer.show(half.rollout);
    await expect(late).rejects.toThrow();
    await bot.announcer.show(gate.rollout);
    expect(main().text).toContain('Waiting for approval of *eu-west*');
    const edits = slack.calls.filter(({ method }) => method === 'chat.update').length;
    arrives();
    await until('the late edit', () => slack.calls.filter(({ method }) => method === 'chat.update').length > edits);
    await bot.announcer.repair();
    expect(main().text).toContain('Waiting for approval of *eu-west*');
  }, 30_000);

  it('says it in plain text when Slack refuses the blocks', async () => {
    const rollout = await started();
    slack.faults.refuseBlocks('header', 'section');
    await bot.announcer.show(rollout);
    expect(main().blocks).toEqual([]);
    expect(main().text).toContain('Pause: /zeitwork pause');
    await slack.command('U0OTTO', '/zeitwork status');
    await until('the answer', () => slack.ephemerals('U0OTTO').find(({ text }) => text.includes('v2.0.0: prepared')));
  });

  it('keeps what a failure said once it is decided: its buttons go, and who decided is put below, once', async () => {
    const rollout = await driven(
      await started(),
      ({ status, nodes }) => status.is === 'held' && nodes['us-east-op-1']?.state.is === 'rolled-back',
      ['us-east-op-1'],
    );
    const failure = await until('the failure', () =>
      thread().find(({ text }) => text.startsWith('✗ *us-east-op-1 failed*')),
    );
    expect(failure.broadcast).toBe(true);
    await slack.click('U0ROSA', failure.ts, 'Retry', { confirm: true });
    const after = await until('the retry', () =>
      [here.control.rollouts.get(rollout.id)].find((each) => each?.run === 2),
    );
    await bot.announcer.show(after);
    await bot.announcer.show({ ...after, revision: after.revision + 1 });
    const over = thread().find(({ ts }) => ts === failure.ts);
    expect(over?.text).toMatch(/^✗ \*us-east-op-1 failed\*.*\n→ Tried again by <@U0ROSA> at [^\n]+$/s);
    expect(over?.text.match(/→/g)).toHaveLength(1);
    expect(JSON.stringify(over?.blocks)).toMatch(/us-east-op-1 failed.*Tried again by/);
    expect(over?.blocks.some(({ type: kind }) => kind === 'actions')).toBe(false);
  });

  it('does not go on saying that all is proven once it is rolled back, and keeps who wanted that and what was said', async () => {
    const begun = await started('--nodes 1');
    const world = worldOf(begun);
    let at = await played(begun, world, begun.createdAt, 'done');
    const show = async (rollout: Rollout) => {
      here.control.rollouts.set(rollout.id, rollout);
      await bot.announcer.show({ ...rollout, revision: at.rollout.revision + 1 });
    };
    await show(at.rollout);
    const proven = /^✓ \*v2\.0\.0 is on its one node\*, proven\./;
    const ends = () => [...thread(), ...slack.dms('U0ROSA')].filter(({ text }) => proven.test(text));
    expect(ends()).toHaveLength(2);
    const scope = { is: 'all' } as const;
    const back = next(at.rollout, { type: 'rollback-asked', at: at.now, by: 'U0OTTO', scope, epoch: at.now });
    const closes = (end: ChannelMessage) => {
      expect(end.text).toMatch(
        /\n→ Rollback asked for by <@U0OTTO> at [^\n]*: now run 2, see the live message above\./,
      );
      expect(JSON.stringify(end.blocks)).toContain('Rollback asked for by <@U0OTTO>');
      expect(end.blocks.some(({ type: kind }) => kind === 'actions')).toBe(false);
    };
    at = { ...at, rollout: { ...back, revision: at.rollout.revision + 2 } };
    await show(at.rollout);
    expect(ends()).toHaveLength(2);
    ends().forEach(closes);
    at = await played(at.rollout, world, at.now, 'rolled-back');
    await show(at.rollout);
    expect(ends()).toHaveLength(2);
    ends().forEach(closes);
    const over = /^↩ \*Rolled back \(everything\)\*: 0 of 1 node still on v2\.0\.0/;
    expect([...thread(), ...slack.dms('U0ROSA')].filter(({ text }) => over.test(text))).toHaveLength(2);
    expect(main().text.split('\n')[0]).toBe('zeitwork-operator v2.0.0: rolled back');
  });

  it('says so when its rollout vanished from the store, and answers a late click with what the nodes run', async () => {
    await driven(await started(), asked);
    const gate = await until('the gate', () => thread().find(({ text }) => text.includes('may *eu-west*')));
    here.control.rollouts.clear();
    here.control.marks.clear();
    const outcome = await slack.click('U0INES', gate.ts, 'Approve eu-west', { confirm: true });
    expect((await until('the answer', () => outcome.responses[0])).text).toMatch(
      /not known any more.*eu-west\*: 3 on/s,
    );
    await bot.announcer.repair();
    for (const message of [main(), ...thread()]) {
      expect(message.text).toMatch(/^‼ \*This rollout is no longer known to the store\*/);
      expect(message.blocks.some(({ type: kind }) => kind === 'actions')).toBe(false);
    }
  });

  it('shows in its home what runs, the windows and what ran before', async () => {
    await started();
    await slack.openHome('U0OTTO');
    const home = await until('the home', () => slack.state.homes.get('U0OTTO'));
    const drawn = JSON.stringify(home.blocks);
    expect(drawn).toContain('zeitwork-operator v2.0.0: prepared');
    expect(drawn).toContain('open all the time');
    // Nothing is decided there.
    expect(drawn).not.toContain('"zw:');
    await slack.openHome('U0GIL');
    expect(JSON.stringify((await until('a home', () => slack.state.homes.get('U0GIL'))).blocks)).toContain(
      'Guests may not',
    );
  });

  it('shows each person in their home what waits for them, and nobody else', async () => {
    await driven(await started(), asked);
    await slack.openHome('U0INES');
    await slack.openHome('U0ROSA');
    const drawn = async (user: string) =>
      JSON.stringify((await until('a home', () => slack.state.homes.get(user))).blocks);
    expect(await drawn('U0INES')).toContain('*eu-west waits for you*');
    expect(await drawn('U0ROSA')).not.toContain('waits for you');
  });

  it('comes back by itself after the connection was cut, and after Slack was away', async () => {
    slack.faults.disconnectSockets('cut');
    await until('a new connection', () => slack.connections() === 1, 15_000);
    expect((await type('U0ROSA', 'whoami')).text).toMatch(/You are <@U0ROSA>/);
    slack.faults.disconnectSockets('refresh_requested');
    await new Promise((resolve) => setTimeout(resolve, 300));
    await until('another one', () => slack.connections() === 1, 15_000);
    expect((await type('U0ROSA', 'whoami')).text).toMatch(/You are <@U0ROSA>/);
  });
});
