import { randomUUID } from 'node:crypto';
import { WebClient } from '@slack/web-api';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startSlack } from '../../sandbox/slack/start.ts';
import { systemClock } from '../../src/app/clock.ts';
import { sealedBlocks } from '../../src/bot/sealed.ts';
import { sealer } from '../../src/trust/index.ts';
import { next, observed } from '../../src/upgrade/rollout/index.ts';
import type { NodeRun, Rollout } from '../../src/upgrade/rollout/types.ts';
import { isAsked } from '../support/parts.ts';
import { until } from '../support/product.ts';
import { drive, worldOf } from '../support/simulation.ts';
import { seals, startBot, type Trial, trial } from './support.ts';

type Slack = Awaited<ReturnType<typeof startSlack>>;
type Blocks = Parameters<typeof sealedBlocks>[0];

let slack: Slack;
let here: Trial;
let bot: Awaited<ReturnType<typeof startBot>>;
/** Somebody with the bot's token, who is not the bot. */
let thief: WebClient;
let logged: string[];
let rollout: Rollout;

const person = (id: string, more = {}) => ({ id, name: id.toLowerCase(), realName: id, ...more });
const label = 'Approve eu-west';

beforeEach(async () => {
  here = trial();
  logged = [];
  slack = await startSlack({
    people: [person('U0ROSA'), person('U0INES'), person('U0OTTO'), person('U0FAR', { teamId: 'T9' })],
    channel: { id: 'C0', name: 'upgrades' },
    team: { id: 'T0', name: 'Trial' },
    groups: [{ id: 'S0APPROVERS', handle: 'approvers', users: ['U0INES'] }],
  });
  bot = await startBot({
    ...here.context,
    newId: randomUUID,
    playsUpTo: 40,
    clock: systemClock(),
    sealer: seals,
    team: null,
    slack: { botToken: slack.botToken, appToken: slack.appToken, apiUrl: slack.apiUrl },
    log: pino({ level: 'warn' }, { write: (line: string) => void logged.push(line) }),
  });
  await bot.connected;
  thief = new WebClient(slack.botToken, { slackApiUrl: slack.apiUrl, retryConfig: { retries: 0 } });
  const shown = await slack.command('U0ROSA', '/zeitwork upgrade v2.0.0');
  const preview = await soon('the preview', () => shown.responses.at(-1));
  await slack.click('U0ROSA', preview.ts, 'Start');
  rollout = await soon('a rollout', () => [...here.control.rollouts.values()][0]);
  const world = worldOf(rollout);
  let at = { rollout, now: rollout.createdAt };
  for (let step = 0; step < 500 && !isAsked(at.rollout, 'eu-west'); step++) {
    at = drive(at.rollout, world, { from: at.now, limit: 1 });
  }
  rollout = at.rollout;
  await shows(rollout);
});

afterEach(async () => {
  await bot.close();
  await slack.close();
});

async function soon<T>(what: string, look: () => T | undefined | null | false): Promise<T> {
  let found: T | undefined | null | false;
  await until(
    what,
    () => {
      found = look();
      return Boolean(found);
    },
    { timeoutMs: 8_000, logs: () => logged.join('') },
  );
  if (!found) throw new Error(what);
  return found;
}

async function shows(next: Rollout): Promise<void> {
  here.control.rollouts.set(next.id, next);
  await bot.announcer.show(next);
}

const gate = () => slack.messages().find(({ text }) => text.includes('may *eu-west*')) ?? raise();
const raise = (): never => {
  throw new Error('there is no gate');
};
const decisions = () => (here.control.journals.get(rollout.id) ?? []).map(({ event }) => event.type);

/** What the thief writes into the channel. */
async function posted(blocks: Blocks, channel = 'C0'): Promise<string> {
  const { ts } = await thief.chat.postMessage({ channel, text: 'Lunch?', blocks });
  return ts ?? '';
}

/** What the thief makes of our own message. */
async function edited(blocks: Blocks): Promise<string> {
  const { ts } = gate();
  await thief.chat.update({ channel: 'C0', ts, text: 'Lunch?', blocks });
  return ts;
}

/** Presses it and expects that nothing came of it, that the person was told what to do, and that it was noted by name. */
async function nothing(user: string, ts: string, button = label): Promise<string> {
  logged.length = 0;
  here.control.notes.length = 0;
  const { responses } = await slack.click(user, ts, button, { confirm: true });
  const { text, visibleTo } = await soon('the answer', () => responses[0]);
  expect(visibleTo).toBe(user);
  expect(decisions()).toEqual([]);
  expect(logged.map((line) => JSON.parse(line))).toContainEqual(
    expect.objectContaining({ msg: 'refused', actor: user, reason: expect.any(String) }),
  );
  expect(here.control.notes).toMatchObject([{ type: 'denied', by: user, reason: expect.any(String) }]);
  return text;
}

const useTheNewest =
  /^Outdated or copied button, nothing was done: use the newest message \(<http.*\/archives\/C0\/p\d+\|open it>\)\.$/;

describe('a press counts only on our own message, as it stands', () => {
  it('and then it does', async () => {
    await slack.click('U0INES', gate().ts, label, { confirm: true });
    await soon('the approval', () => decisions().includes('approved'));
  });

  it('not a value that was copied onto a message which somebody posted with our token', async () => {
    expect(await nothing('U0INES', await posted(gate().blocks))).toMatch(useTheNewest);
  });

  it('not on an ephemeral of somebody else either', async () => {
    const { message_ts: ts = '' } = await thief.chat.postEphemeral({
      channel: 'C0',
      user: 'U0INES',
      text: 'Lunch?',
      blocks: gate().blocks,
    });
    expect(await nothing('U0INES', ts)).toMatch(useTheNewest);
  });

  it.each([
    ['without a seal', (value: object) => ({ ...value, s: undefined })],
    ['with the seal of another key', (value: object) => resealed(value, sealer('x'.repeat(32)))],
    ['of another fleet', (value: object) => resealed(value, seals, { fleet: 'staging', channel: 'C0' })],
    ['of another channel', (value: object) => resealed(value, seals, { fleet: 'production', channel: 'C9' })],
    ['for another gate', (value: object) => ({ ...value, g: 'approval/ap-south' })],
    ['of another revision', (value: object) => ({ ...value, v: 1 })],
    ['that is no value', () => 'what'],
  ])('not a value %s, even when our own message is edited to have it', async (_, forge) => {
    const [value] = valuesIn(gate().blocks);
    const blocks = withValue(gate().blocks, forge(value ?? {}));
    expect(await nothing('U0INES', await edited(blocks))).toMatch(useTheNewest);
  });

  it('not a button whose action was changed under a seal that is right', async () => {
    const renamed: Blocks = JSON.parse(JSON.stringify(gate().blocks).replace('zw:hold', 'zw:stop'));
    expect(await nothing('U0INES', await edited(renamed), 'Hold')).toMatch(useTheNewest);
  });

  it('not when what it is about has moved since: it says how things stand', async () => {
    const old = gate().blocks;
    await slack.click('U0OTTO', gate().ts, 'Hold', { confirm: true });
    await soon('the pause', () => decisions().includes('paused'));
    here.control.journals.clear();
    const paused = here.control.rollouts.get(rollout.id) ?? rollout;
    // Somebody retried or stopped meanwhile: the gate is not asked any more, and the old message is put back.
    const { phases } = paused;
    const unasked = phases.map((phase) =>
      phase.is === 'approval' ? { ...phase, state: { is: 'pending' as const } } : phase,
    );
    await shows({ ...paused, phases: unasked, revision: paused.revision + 1 });
    const ts = slack.messages().find(({ text }) => text.includes('Not asked for any more'))?.ts ?? '';
    await thief.chat.update({ channel: 'C0', ts, text: 'Lunch?', blocks: old });
    expect(await nothing('U0INES', ts)).toMatch(/^That is outdated, nothing was changed\. Now: v2\.0\.0 is paused/);
  });

  describe('not on the message of last week', () => {
    const week = 7 * 24 * 3_600_000;
    /** As a client shows it that was away since. */
    async function pressed(ts: string, old: Blocks): Promise<string> {
      await thief.chat.update({ channel: 'C0', ts, text: 'Lunch?', blocks: old });
      return nothing('U0INES', ts);
    }

    it('which nobody answered: the rollout is held since, and that is said', async () => {
      const { ts, blocks } = gate();
      const at = rollout.createdAt + week;
      const held = next(rollout, { type: 'ticked', at });
      expect(held.status.is).toBe('held');
      await shows({ ...held, revision: rollout.revision + 1 });
      expect(await pressed(ts, blocks)).toMatch(/^That is outdated, nothing was changed\. Now: v2\.0\.0 is held/);
      expect(here.control.rollouts.get(rollout.id)?.status.is).toBe('held');
    });

    it('of a rollout that was stopped, while another one asks for the same region: neither is approved', async () => {
      const { ts, blocks } = gate();
      const at = rollout.createdAt + week;
      await shows({ ...next(rollout, { type: 'stopped', at, by: 'U0OTTO' }), revision: rollout.revision + 1 });
      const other = { ...rollout, id: 'r-later', createdAt: at };
      await shows(other);
      expect(await pressed(ts, blocks)).toMatch(
        /^That is outdated, nothing was changed\. Now: ■ \*Stopped by <@U0OTTO>\*: 3 of 9 nodes on v2\.0\.0/,
      );
      expect(here.control.journals.get(other.id)).toBeUndefined();
    });
  });

  const changed = (name: string, change: Partial<NodeRun>): Rollout => {
    const node = rollout.nodes[name] ?? raise();
    return { ...rollout, revision: rollout.revision + 1, nodes: { ...rollout.nodes, [name]: { ...node, ...change } } };
  };
  const otherStart = () => {
    const proof = rollout.nodes['us-east-op-2']?.proof ?? raise();
    return changed('us-east-op-2', { proof: { ...proof, invocation: 'another' } });
  };

  it('not once a node is another one than it was when they were asked: it is asked anew, and then it counts', async () => {
    here.control.rollouts.set(rollout.id, otherStart());
    expect(await nothing('U0INES', gate().ts)).toMatch(
      /^Nothing was approved: the nodes are not as they were when you were asked \(another version, image or start, or up again: us-east-op-2\)\./,
    );
    await shows(otherStart());
    await slack.click('U0INES', gate().ts, label, { confirm: true });
    await soon('the approval', () => decisions().includes('approved'));
  });

  it('not once a node fell sick, and it is said which', async () => {
    here.control.rollouts.set(
      rollout.id,
      changed('us-east-op-2', { sick: { reason: 'refused', at: rollout.createdAt } }),
    );
    expect(await nothing('U0INES', gate().ts)).toMatch(/when you were asked \(not well now: us-east-op-2\)\./);
  });

  it('all the same after an answer that got lost: that proves nothing', async () => {
    const looks = rollout.looks['us-east'] ?? raise();
    const unclear = { ...looks, standing: { ...looks.standing, 'us-east-op-2': 'unclear' as const } };
    here.control.rollouts.set(rollout.id, { ...rollout, looks: { ...rollout.looks, 'us-east': unclear } });
    await slack.click('U0INES', gate().ts, label, { confirm: true });
    await soon('the approval', () => decisions().includes('approved'));
  });

  it('not in the moment in which it moves: what was said is compared again when it is written down', async () => {
    const on = observed(rollout);
    const said = { type: 'approved', at: rollout.createdAt, phase: 'approval/eu-west', by: 'U0INES', on } as const;
    expect(next(otherStart(), said)).toEqual(otherStart());
    expect(next(rollout, said)).not.toBe(rollout);
  });

  it('and the journal keeps what they said yes to, node by node', async () => {
    await slack.click('U0INES', gate().ts, label, { confirm: true });
    await soon('the approval', () => decisions().includes('approved'));
    const line = here.control.journals.get(rollout.id)?.find(({ event }) => event.type === 'approved')?.event;
    expect(line).toMatchObject({ on: { 'us-east-op-1': expect.stringMatching(/^done v2\.0\.0 b{12} i1 up$/) } });
  });

  it('not the plan of a preview that stands where everybody sees it', async () => {
    here.control.rollouts.clear();
    const shown = await slack.command('U0ROSA', '/zeitwork upgrade v2.0.0');
    const { blocks } = await soon('the preview', () => shown.responses.at(-1));
    expect(await nothing('U0ROSA', await posted(blocks), 'Start')).toMatch(/^Outdated or copied button/);
    expect(here.control.rollouts.size).toBe(0);
  });

  it('and answers to one person carry no decisions, only what to type', async () => {
    const { responses } = await slack.command('U0OTTO', '/zeitwork status');
    const answer = await soon('the status', () => responses.at(-1));
    expect(answer.text).toContain('Stop: /zeitwork stop');
    expect(answer.blocks.some(({ type }) => type === 'actions')).toBe(false);
  });
});

describe('only members of our own team', () => {
  it('may press, or ask: the team is that of the token, also when the settings name none', async () => {
    expect(await nothing('U0FAR', gate().ts)).toBe('This bot does not serve your workspace.');
    const { responses } = await slack.command('U0FAR', '/zeitwork status');
    expect((await soon('the answer', () => responses[0])).text).toBe('This bot does not serve your workspace.');
  });

  it('are answered when they mention the bot; a stranger is not', async () => {
    const count = () => slack.ephemerals('U0FAR').length;
    await slack.say('U0FAR', '@zeitwork lgtm');
    await soon('the note', () => logged.find((line) => line.includes('"what":"mention"') && line.includes('U0FAR')));
    expect(count()).toBe(0);
  });

  it('and whoever was deactivated, or left the group, a moment ago may not', async () => {
    // Asked for as a look, it is remembered who is in the group.
    here.context.access.roles.breakers = { users: [], groups: [] };
    await slack.command('U0INES', '/zeitwork whoami');
    await soon('who it is', () => slack.ephemerals('U0INES').find(({ text }) => text.startsWith('You are')));
    const group = slack.state.groups.find(({ id }) => id === 'S0APPROVERS');
    group?.users.splice(0);
    expect(await nothing('U0INES', gate().ts)).toMatch(/^You may not approve eu-west/);
  });
});

describe('a yes is written down once, of whoever may say it in that moment', () => {
  const approvers = () => slack.state.groups.find(({ id }) => id === 'S0APPROVERS')?.users ?? raise();
  const press = (user: string) => slack.click(user, gate().ts, label, { confirm: true });

  it('however often one press is delivered', async () => {
    const all = await Promise.all([press('U0INES'), press('U0INES'), press('U0INES')]);
    await soon('three answers', () => all.every(({ responses }) => responses.length > 0));
    expect(decisions()).toEqual(['approved']);
  });

  it('when two press at the same moment: the other one reads who was first', async () => {
    approvers().push('U0OTTO');
    const all = await Promise.all([press('U0INES'), press('U0OTTO')]);
    await soon('two answers', () => all.every(({ responses }) => responses.length > 0));
    expect(decisions()).toEqual(['approved']);
    const texts = all.map(({ responses }) => responses[0]?.text ?? '');
    expect(texts.filter((text) => /^eu-west is approved/.test(text))).toHaveLength(1);
    expect(texts.join('\n')).toMatch(/^eu-west was approved by <@U0(?:INES|OTTO)> at /m);
  });

  it('not of whoever asked for the rollout, although she is in the group', async () => {
    approvers().push('U0ROSA');
    expect(await nothing('U0ROSA', gate().ts)).toMatch(/^You asked for this rollout/);
  });

  const lookup = 'usergroups.users.list';
  it.each([
    ['does not answer', () => slack.faults.dropReplyOf(lookup, 20)],
    ['answers 500', () => slack.faults.failNext(lookup, 500, 20)],
    ['answers 500 about the person', () => slack.faults.failNext('users.info', 500, 20)],
  ])('not while Slack %s when it is asked who is in the group', async (_, fail) => {
    fail();
    expect(await nothing('U0INES', gate().ts)).toMatch(/^Slack did not say who you are, so nothing was done/);
  });
});

describe('approvers are those of the settings of now', () => {
  it('not those of the plan, nor of a plan that somebody rewrote', async () => {
    const theirs = { users: ['U0OTTO'], groups: [] };
    const phases = rollout.phases.map((phase) => (phase.is === 'approval' ? { ...phase, by: theirs } : phase));
    await shows({ ...rollout, phases, revision: rollout.revision + 1 });
    expect(gate().text).toContain('<!subteam^S0APPROVERS>');
    expect(await nothing('U0OTTO', gate().ts)).toMatch(/^You may not approve eu-west.*S0APPROVERS/);
  });

  it('nobody, for a region that is gone', async () => {
    here.context.fleet.regions.splice(1, 1);
    await shows({ ...rollout, revision: rollout.revision + 1 });
    expect(gate().text).toMatch(/^nobody \(no approvers are configured\): may \*eu-west\*/);
    expect(await nothing('U0INES', gate().ts)).toMatch(
      /^Nobody may approve eu-west: eu-west is not in the settings any more/,
    );
  });
});

function valuesIn(blocks: Blocks): object[] {
  return blocks.flatMap((block) =>
    'elements' in block && block.type === 'actions' && Array.isArray(block.elements)
      ? block.elements.map((each: object) => JSON.parse('value' in each ? String(each.value) : '{}'))
      : [],
  );
}

/** The first button of the message, with another value. */
function withValue(blocks: Blocks, value: object | string): Blocks {
  return blocks.map((block) => {
    if (block.type !== 'actions' || !('elements' in block) || !Array.isArray(block.elements)) return block;
    const [first, ...rest] = block.elements;
    return { ...block, elements: [{ ...first, value: JSON.stringify(value) }, ...rest] };
  });
}

/** The same button, sealed by another, or for another place. */
function resealed(value: object, by: typeof seals, place = { fleet: 'production', channel: 'C0' }): object {
  const element = {
    type: 'button' as const,
    action_id: 'zw:approve:approval/eu-west',
    text: { type: 'plain_text' as const, text: label },
    value: JSON.stringify(value),
  };
  const [sealed] = valuesIn(sealedBlocks([{ type: 'actions', elements: [element] }], by, place));
  return sealed ?? {};
}
