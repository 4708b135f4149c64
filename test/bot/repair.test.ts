import { LogLevel, WebClient } from '@slack/web-api';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startSlack } from '../../sandbox/slack/start.ts';
import type { ChannelMessage } from '../../sandbox/slack/types.ts';
import { createAlarm } from '../../src/bot/alarm.ts';
import { createAnnouncer } from '../../src/bot/announcer.ts';
import { slackChat } from '../../src/bot/chat.ts';
import { type Mark, readMark, verdictOn } from '../../src/bot/marks.ts';
import { createRepair } from '../../src/bot/repair.ts';
import { nobody } from '../../src/bot/views/people.ts';
import { next } from '../../src/upgrade/rollout/index.ts';
import type { Rollout } from '../../src/upgrade/rollout/types.ts';
import { isAsked } from '../support/parts.ts';
import { planned } from '../support/rollouts.ts';
import { drive, type World, worldOf } from '../support/simulation.ts';
import { seals, type Trial, trial } from './support.ts';

let slack: Awaited<ReturnType<typeof startSlack>>;
let here: Trial;
let show: (rollout: Rollout) => Promise<void>;
let repair: () => Promise<void>;
let client: WebClient;
const clock = { at: 0, now: () => Date.now() + clock.at };

beforeEach(async () => {
  here = trial();
  clock.at = 0;
  slack = await startSlack({
    people: ['U0ROSA', 'U-us-east', 'U-eu-west', 'U-ap-south'].map((id) => ({ id, name: id, realName: id })),
    channel: { id: 'C0', name: 'upgrades' },
    team: { id: 'T0', name: 'Trial' },
    groups: [],
  });
  const options = {
    slackApiUrl: slack.apiUrl,
    logLevel: LogLevel.ERROR,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
  };
  client = new WebClient(slack.botToken, options);
  const { store } = here.control;
  const log = pino({ level: 'warn' }, { write: (line: string) => void here.logged.push(line) });
  const parts = { chat: slackChat(client), store, channel: 'C0', log };
  const painted = new Map<string, number>();
  ({ show } = createAnnouncer({
    painted,
    ...parts,
    people: async () => nobody,
    link: () => null,
    sealer: seals,
    clock: { now: clock.now, sleep: async () => undefined },
  }));
  repair = createRepair({ ...parts, show, painted, fleet: 'production', clock });
});
afterEach(() => slack.close());

describe('an alarm', () => {
  it.each(['ledger', 'r1'])('about %s stays as it was said: no rollout paints it', async (about) => {
    await shown(planned({}, { id: 'r1' }));
    const { alarm, outrun } = createAlarm({ chat: slackChat(client), channel: 'C0', log: pino({ level: 'silent' }) });
    await alarm(about, 'line 3 was changed');
    await alarm(about, 'line 3 was changed');
    await outrun(about);
    const said = () => slack.messages().filter(({ text }) => /line 3 was changed|newer version/.test(text));
    const before = structuredClone(said());
    expect(before).toHaveLength(2);
    for (let pass = 0; pass < 3; pass++) await repair();
    expect(said()).toEqual(before);
  });
});

const asked = (rollout: Rollout) => isAsked(rollout, 'eu-west');
const firstDone = ({ nodes }: Rollout) => nodes['us-east-op-1']?.state.is === 'done';

/** Goes on until `fits`, is stored and shown there. */
async function shown(rollout: Rollout, fits: (rollout: Rollout) => boolean = () => true): Promise<Rollout> {
  let at = { rollout, now: rollout.createdAt };
  for (let step = 0; step < 500 && !fits(at.rollout); step += 1) {
    at = drive(at.rollout, world, { from: at.now, limit: 1 });
  }
  here.control.rollouts.set(rollout.id, at.rollout);
  await show(at.rollout);
  return at.rollout;
}
/** The nodes of one test: what was done to them stays. */
let world: World;
function fresh(): Rollout {
  const rollout = planned({}, { id: 'r1', strategy: 'regions', requester: 'U0ROSA' });
  world = worldOf(rollout);
  return rollout;
}

const raise = (): never => {
  throw new Error('there is no message');
};
const everything = (): ChannelMessage[] => {
  const roots = slack.messages().filter(({ threadTs }) => threadTs === null);
  return roots.flatMap(({ ts }) => slack.thread(ts));
};
const main = (): ChannelMessage => everything()[0] ?? raise();
const words = ({ blocks }: ChannelMessage) => JSON.stringify(blocks);
const hasButtons = ({ blocks }: ChannelMessage) => blocks.some(({ type }) => type === 'actions');
const isMarked = ({ text, blocks }: ChannelMessage) => text.startsWith('‼') && JSON.stringify(blocks[0]).includes('‼');
const edits = () => slack.calls.filter(({ method }) => method === 'chat.update').length;
const emptyRedis = () => {
  here.control.rollouts.clear();
  here.control.marks.clear();
};
/** What an older file of Redis holds: the rollout, and where its messages stood. */
const snapshot = (rollout: Rollout) => ({ rollout, marks: { ...here.control.marks.get(rollout.id) } });
const putBack = ({ rollout, marks }: ReturnType<typeof snapshot>) => {
  here.control.rollouts.set(rollout.id, rollout);
  here.control.marks.set(rollout.id, marks);
};

describe('a painted message', () => {
  it('carries the fleet and the revision that it shows', async () => {
    const rollout = await shown(fresh(), firstDone);
    const marks = everything().map(({ metadata }) => readMark(metadata));
    expect(marks[0]).toEqual({ fleet: 'production', rollout: 'r1', key: 'main', revision: rollout.revision });
    expect(new Set(marks.map((mark) => mark?.revision))).toEqual(new Set([rollout.revision]));
  });

  it('is left alone as long as the store knows what it shows', async () => {
    const rollout = await shown(await shown(fresh(), firstDone), asked);
    here.control.rollouts.set('r1', { ...rollout, revision: rollout.revision + 5 });
    const before = edits();
    await repair();
    expect(edits()).toBe(before);
    expect(here.logged).toEqual([]);
  });
});

describe('the journal of a rollout', () => {
  const heads = () => everything().filter(({ text }) => text.startsWith('The journal stood at'));

  it('is written down in the thread when an approval is asked for and at the end, and never rewritten', async () => {
    here.control.head = { revision: 41, hash: 'a1'.repeat(32), at: 0 };
    const rollout = await shown(fresh(), asked);
    expect(heads().map(({ text }) => text)).toEqual([
      'The journal stood at line 41, `a1a1a1a1a1a1a1a1`. Whether that still holds: `zeitwork audit r1 --head 41:a1a1a1a1a1a1a1a1`',
    ]);
    here.control.head = { revision: 42, hash: 'b2'.repeat(32), at: 0 };
    await show(rollout);
    expect(heads()).toHaveLength(1);
    const stopped = next(rollout, { type: 'stopped', at: rollout.createdAt, by: 'U0ROSA' });
    await shown({ ...stopped, revision: rollout.revision + 1 });
    expect(heads().map(({ text }) => /line \d+/.exec(text)?.[0])).toEqual(['line 41', 'line 42']);
  });
});

describe('when Redis was emptied', () => {
  it('the channel says so, in every message and above what it said, without buttons', async () => {
    await shown(fresh(), asked);
    const said = main().text;
    expect(everything().filter(hasButtons).length).toBeGreaterThan(1);
    emptyRedis();
    await repair();
    expect(everything().length).toBeGreaterThan(4);
    expect(everything().filter((message) => !isMarked(message))).toEqual([]);
    expect(everything().filter(hasButtons)).toEqual([]);
    expect(main().text).toMatch(
      /^‼ \*This rollout is no longer known to the store\* \(Redis was emptied or put back\)/,
    );
    expect(main().text.split('\n').slice(1).join('\n')).toBe(said);
    expect(words(main())).toContain('us-east');
    expect(slack.warnings).toEqual([]);
  });

  it('it is said once: a second look edits nothing, also after a restart, and the log has one line', async () => {
    await shown(fresh(), asked);
    emptyRedis();
    await repair();
    const before = edits();
    await repair();
    await createRepair({
      painted: new Map(),
      ...{ chat: slackChat(client), store: here.control.store, show, channel: 'C0', fleet: 'production', clock },
      log: here.context.log,
    })();
    expect(edits()).toBe(before);
    expect(here.logged.map((line) => JSON.parse(line))).toMatchObject([{ rollout: 'r1', known: 0, level: 50 }]);
  });

  it('a message is taken up again when the store knows it again', async () => {
    const rollout = await shown(fresh(), asked);
    const before = snapshot(rollout);
    emptyRedis();
    await repair();
    putBack(before);
    await repair();
    expect(everything().filter(isMarked)).toEqual([]);
    expect(hasButtons(main())).toBe(true);
  });

  it('and again later when Slack asked to wait in the middle of that', async () => {
    const before = snapshot(await shown(fresh(), asked));
    emptyRedis();
    await repair();
    putBack(before);
    slack.faults.rateLimitNext('chat.update', 5);
    await repair();
    expect(everything().some(isMarked)).toBe(true);
    clock.at = 6_000;
    await repair();
    expect(everything().filter(isMarked)).toEqual([]);
  });

  it('messages of 0.1.0, which carry no revision, say so too', async () => {
    const metadata = { event_type: 'zeitwork_post', event_payload: { rollout: 'r0', key: 'main' } };
    await client.chat.postMessage({ channel: 'C0', text: 'v1.9.0: running', metadata });
    await repair();
    expect(main().text).toMatch(/^‼ .*no longer known[^\n]*\nv1\.9\.0: running$/);
    expect(main().blocks).toEqual([]);
  });

  it('messages of another fleet, and of others, stay as they are', async () => {
    const payload: Mark = { fleet: 'staging', rollout: 's1', key: 'main', revision: 4 };
    const metadata = { event_type: 'zeitwork_post', event_payload: { ...payload } };
    await client.chat.postMessage({ channel: 'C0', text: 'another fleet', metadata });
    await client.chat.postMessage({ channel: 'C0', text: 'no mark' });
    await repair();
    expect(everything().map(({ text }) => text)).toEqual(['another fleet', 'no mark']);
    expect(here.logged).toEqual([]);
  });
});

describe('when Redis was put back', () => {
  it('what shows more than the store knows says so, until the rollout goes on', async () => {
    const early = await shown(fresh(), firstDone);
    const before = snapshot(early);
    const late = await shown(early, asked);
    putBack(before);
    await repair();
    expect(main().text).toContain(
      `*The store was put back to before this message* (revision ${early.revision}, painted ${late.revision})`,
    );
    expect(hasButtons(main())).toBe(false);
    const own = everything().find(({ metadata }) => readMark(metadata)?.key.startsWith('node.us-east-op-1'));
    expect(own && isMarked(own)).toBe(false);
    const gate = everything().find(({ text }) => text.includes('may *eu-west*'));
    expect(gate && isMarked(gate) && !hasButtons(gate)).toBe(true);
    const count = edits();
    await show(early);
    await repair();
    expect(edits()).toBe(count);
    const next = drive(early, world, { from: Date.now(), limit: 12 }).rollout;
    here.control.rollouts.set('r1', next);
    await show(next);
    await repair();
    expect(isMarked(main())).toBe(false);
    expect(hasButtons(main())).toBe(true);
    expect(readMark(main().metadata)).toMatchObject({ revision: next.revision });
  });

  it('a message is painted again although the store believes that it stands there like that', async () => {
    const early = await shown(fresh(), firstDone);
    const before = snapshot(early);
    const late = await shown(early, asked);
    const after = snapshot(late);
    putBack(before);
    await repair();
    putBack(after);
    await repair();
    expect(everything().filter(isMarked)).toEqual([]);
    expect(readMark(main().metadata)?.revision).toBe(late.revision);
  });

  it('replies are painted again although the rollout went on before anybody looked', async () => {
    const rollout = await shown(fresh(), firstDone);
    const before = snapshot(rollout);
    emptyRedis();
    await repair();
    putBack(before);
    await shown({ ...rollout, revision: rollout.revision + 1 }, asked);
    expect(isMarked(main())).toBe(false);
    expect(everything().filter(isMarked)).toHaveLength(1);
    await repair();
    expect(everything().filter(isMarked)).toEqual([]);
  });

  it('and then emptied, the line is replaced, not doubled', async () => {
    const early = await shown(fresh(), firstDone);
    const before = snapshot(early);
    await shown(early, asked);
    putBack(before);
    await repair();
    emptyRedis();
    await repair();
    expect(main().text.match(/‼/g)).toHaveLength(1);
    expect(words(main()).match(/‼/g)).toHaveLength(1);
    expect(main().text).toMatch(/no longer known to the store/);
  });
});

describe('looking for such messages', () => {
  it('waits as long as Slack asks, and goes on where it ended', async () => {
    await shown(fresh(), asked);
    emptyRedis();
    slack.faults.rateLimitNext('conversations.replies', 30);
    await repair();
    expect(isMarked(main())).toBe(false);
    const calls = slack.calls.length;
    clock.at = 29_000;
    await repair();
    expect(slack.calls.length).toBe(calls);
    clock.at = 31_000;
    await repair();
    expect(everything().filter((message) => !isMarked(message))).toEqual([]);
  });

  it('says nothing while the store does not answer', async () => {
    await shown(fresh(), asked);
    here.control.store.load = () => Promise.reject(new Error('ECONNREFUSED'));
    const before = edits();
    await repair();
    expect(edits()).toBe(before);
    expect(here.logged.join()).toContain('ECONNREFUSED');
  });

  it('does not keep the announcer from painting when it fails', async () => {
    slack.faults.down(true);
    await repair();
    slack.faults.down(false);
    await shown(fresh(), firstDone);
    expect(main().text).toContain('us-east');
  });
});

it.each([
  ['is current', { revision: 4 }, 4, 'leave'],
  ['is behind', { revision: 4 }, 9, 'leave'],
  ['is ahead', { revision: 4 }, 3, 'mark'],
  ['is unknown', { revision: 4 }, 0, 'mark'],
  ['was unknown and still is', { revision: 4, stale: 0 }, 0, 'leave'],
  ['was ahead and still is', { revision: 4, stale: 3 }, 3, 'leave'],
  ['was ahead and is unknown now', { revision: 4, stale: 3 }, 0, 'mark'],
  ['was unknown and is known again', { revision: 4, stale: 0 }, 2, 'repaint'],
  ['was ahead and has gone on', { revision: 42, stale: 31 }, 32, 'repaint'],
] as const)('a message that %s: %o with %d in the store', (_what, mark, known, verdict) => {
  expect(verdictOn({ fleet: 'f', rollout: 'r', key: 'k', ...mark }, known)).toBe(verdict);
});

it.each([
  ['although the rollout has gone on past what it shows', { revision: 70 }, 90, 'mark'],
  ['and is marked already', { revision: 70, stale: 50 }, 90, 'leave'],
] as const)('a message that the store does not have is found out, %s', (_what, mark, known, verdict) => {
  expect(verdictOn({ fleet: 'f', rollout: 'r', key: 'k', ...mark }, known, { isOurs: false })).toBe(verdict);
});
