import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Refused } from '../../../src/base/errors.ts';
import { noChanges } from '../../../src/upgrade/environment/index.ts';
import { packFacts, packMarkdown, packOf } from '../../../src/upgrade/report/index.ts';
import { framesOf } from '../../../src/upgrade/report/lines.ts';
import { triesOf } from '../../../src/upgrade/report/steps.ts';
import { md } from '../../../src/upgrade/report/text.ts';
import { asked } from '../../../src/upgrade/rollout/index.ts';
import type { Event, Rollout } from '../../../src/upgrade/rollout/types.ts';
import { journalOf } from '../../support/journal.ts';
import { approve } from '../../support/parts.ts';
import { hours, minutes, newImage, oldImage, planned, tuesday } from '../../support/rollouts.ts';
import { badNight, begin, goOn, goodNight, journalIn, restartNight, say, watchedNight } from './nights.ts';

/** `npx vitest run --project unit test/upgrade/report/pack.test.ts -u` writes them anew. */
const golden = (name: string, text: string) =>
  expect(text).toMatchFileSnapshot(resolve(import.meta.dirname, `../../golden/report/${name}`));
const names = { U0ROSA: 'rosa', U0INES: 'ines' };

describe('the report of a night', () => {
  const good = packOf(journalIn(goodNight()));
  const bad = packOf(journalIn(badNight()));

  it('is the same file for the same journal: all went well', async () => {
    await golden('good-night.md', packMarkdown(good, names));
    await golden('good-night.json', `${JSON.stringify(packFacts(good), null, 1)}\n`);
  });

  it('is the same file for the same journal: a failure, a no, and all of it back', async () => {
    await golden('bad-night.md', packMarkdown(bad, names));
  });

  it('is the same file for the same journal: watched once it was done, with what got worse and what that came to', async () => {
    const { planned: start, events } = watchedNight();
    await golden('watched-night.md', packMarkdown(packOf(journalOf(start, events)), names));
    const early = packOf(journalIn(watchedNight(minutes(140)))).afterwards;
    expect(early).toMatchObject({ is: 'under way', to: null, worse: [{ times: 1 }, { times: 1, to: null }] });
    expect(good.afterwards).toBeNull();
  });

  it('has what each node ran before and runs now, as it was proven', () => {
    expect(
      good.nodes.map(({ before, after }) => [before?.sha256, after.is === 'unknown' ? null : after.sha256]),
    ).toEqual(Array(9).fill([oldImage, newImage]));
    expect(good.nodes.map(({ after, restarts }) => `${after.is} ${restarts}`)).toEqual(Array(9).fill('proven 1'));
    const back = bad.nodes.filter(({ region }) => region === 'us-east');
    expect(back.map(({ state, after }) => [state, after.is === 'proven' ? after.sha256 : after.is])).toEqual(
      Array(3).fill(['rolled-back', oldImage]),
    );
    // There and back, and again.
    expect(back.map(({ restarts }) => restarts)).toEqual([2, 4, 2]);
    expect(bad.nodes.slice(3).map(({ after }) => after.is)).toEqual(Array(6).fill('unchanged'));
  });

  it('names who asked, who said yes and who said no, each with the line that proves it', () => {
    const said = bad.decisions.map(({ by, what }) => `${by} ${what}`);
    expect(said).toEqual([
      'U0ROSA asked for v2.0.0 (regions)',
      'U0ROSA had it tried again',
      'U0INES declined eu-west: errors | rise',
      'U0ROSA asked to bring back everything',
    ]);
    const lines = journalIn(badNight());
    for (const { line, by } of bad.decisions)
      expect(lines.find(({ revision }) => revision === line)?.event).toMatchObject({ by });
    expect(good.questions.map(({ title, is, given }) => [title, is, given.map(({ by }) => by)])).toEqual([
      ['eu-west', 'approved', ['U0INES']],
      ['ap-south', 'approved', ['U0INES']],
    ]);
    expect(bad.questions).toMatchObject([{ is: 'not asked any more', declined: { by: 'U0INES' } }]);
  });

  it('says how the watches went, and which journal proves all of it', () => {
    expect(good.watches.map(({ title, is, for: wanted }) => `${title} ${is} ${wanted}`)).toEqual([
      'us-east watched 600000',
      'eu-west watched 600000',
    ]);
    const lines = journalIn(goodNight());
    expect(good.chain).toMatchObject({ lines: lines.length, hash: lines.at(-1)?.hash, unsigned: 0 });
    expect(Object.values(good.chain.keys).reduce((sum, many) => sum + many, 0)).toBe(lines.length);
  });

  it('has no instant that only a program can read', () => {
    const numbers: number[] = [];
    JSON.stringify(packFacts(bad), (_, value) => {
      if (typeof value === 'number') numbers.push(value);
      return value;
    });
    expect(Math.max(...numbers)).toBeLessThan(hours(24 * 365));
    expect(JSON.stringify(packFacts(bad))).not.toContain('1970-');
  });

  it('of a restart tells of a restart: nothing is switched, and no archive was brought', () => {
    const { told, world } = restartNight();
    const pack = packOf(journalIn(goOn(told, world, (rollout) => asked(rollout).length > 0)));
    expect(packFacts(pack)).toMatchObject({ change: { is: 'restart' }, recovery: false });
    const text = packMarkdown(pack, names);
    expect(text).toMatch(/^# zeitwork-operator restart of v1\.0\.0 on /);
    expect(text).toContain('asked for a restart of v1.0.0 (regions)');
    expect(text).toContain('us-east-op-1 is restarted');
    expect(text).not.toMatch(/switched|[Aa]rchive|signed by nobody/);
  });

  it('says who ticked what, also what is ticked once all is over, and what nobody did', () => {
    const after = [{ text: 'Page' }, { text: 'Wiki' }];
    const checklists = { before: [{ text: 'Notes' }], during: [{ text: 'Graphs' }], after };
    const start = begin({ bake: minutes(10) });
    const listed = { ...start.told.planned, checklists };
    const tick = (item: string) => (at: number) => ({ type: 'item-ticked', at, by: 'U0INES', item }) as const;
    const isAsked = (rollout: Rollout) => asked(rollout).length > 0;
    const first = goOn({ ...start.told, planned: listed, rollout: listed }, start.world);
    let told = goOn(say(first, tick('before.1')), start.world, isAsked);
    for (const region of ['eu-west', 'ap-south']) {
      const ticked = say(told, tick(`during/${region}.1`));
      const given = say(ticked, (at) => approve(region, 'U0INES', at));
      told = goOn(given, start.world, (rollout) => region === 'eu-west' && isAsked(rollout));
    }
    expect(told.rollout.status.is).toBe('done');
    told = say(told, tick('after.1'));
    const { checklist } = packOf(journalIn(told));
    expect(checklist.map(({ part, text, ticked, by }) => [part, text, ticked, by])).toEqual([
      [null, 'Notes', true, 'U0INES'],
      ['eu-west', 'Graphs', true, 'U0INES'],
      ['ap-south', 'Graphs', true, 'U0INES'],
      [null, 'Page', true, 'U0INES'],
      [null, 'Wiki', false, null],
    ]);
    expect(packMarkdown(packOf(journalIn(told)), names)).toContain('| 5 | at the end | Wiki | NOT TICKED | - | - |');
  });

  it('calls neither watched nor approved what was stopped before', () => {
    const { told, world } = begin({ bake: minutes(10) });
    const stop = (at: number) => ({ type: 'stopped', at, by: 'U0ROSA' }) as const;
    const isWatched = ({ phases }: Rollout) => phases.some(({ is, state }) => is === 'watch' && state.is === 'active');
    expect(packOf(journalIn(say(goOn(told, world, isWatched), stop))).watches).toMatchObject([{ is: 'broken off' }]);
    const other = begin({ bake: minutes(10) });
    const phases = other.told.planned.phases.map((each) => (each.is === 'approval' ? { ...each, needed: 2 } : each));
    const two = { ...other.told.planned, phases };
    const isAsked = (rollout: Rollout) => asked(rollout).length > 0;
    const waits = goOn({ ...other.told, planned: two, rollout: two }, other.world, isAsked);
    const half = say(waits, (at) => approve('eu-west', 'U0INES', at));
    const { questions } = packOf(journalIn(say(half, stop)));
    expect(questions).toMatchObject([{ is: 'not asked any more', given: [{ by: 'U0INES' }] }]);
  });

  it('of a change of the environment file names its keys, and no release that would have been brought', () => {
    const before = planned();
    const wanted = { ...noChanges, set: { MAX_CONNECTIONS: '200' } };
    const change = { is: 'config', wanted, files: {} } as const;
    const text = packMarkdown(packOf(journalOf({ ...before, change }, [])));
    expect(text).toMatch(/^# zeitwork-operator change of MAX\\_CONNECTIONS on .*0 of 9 nodes changed and proven/);
    expect(text).toContain('asked for a change of MAX\\_CONNECTIONS (');
    expect(text).not.toMatch(/switched|[Aa]rchive|signed by nobody/);
  });

  it('cannot be made of what nobody signed', () => {
    const [first, ...rest] = journalIn(goodNight());
    const unsigned = { type: 'created', at: tuesday, by: 'U0ROSA' } as const;
    expect(() => packOf(first === undefined ? [] : [{ ...first, event: unsigned }, ...rest])).toThrow(Refused);
  });
});

describe('a notice in the report', () => {
  const wanted = hours(48);
  const startAt = tuesday + hours(60);
  const told = (audience: string, at: number) =>
    ({ audience, kind: 'scheduled', startAt, begins: startAt, at }) as const;
  const with_ = (startedAt: number | null, ...all: ReturnType<typeof told>[]): Rollout => ({
    ...planned(),
    startAt,
    startedAt,
    notice: { wanted, audiences: ['channel', 'status page'], told: all },
  });
  const begun = tuesday + hours(60);
  it.each([
    ['kept for both', with_(begun, told('channel', tuesday), told('status page', tuesday + hours(12))), [true, true]],
    [
      'one minute short',
      with_(begun, told('channel', tuesday), told('status page', tuesday + hours(12) + minutes(1))),
      [true, false],
    ],
    ['one was never told', with_(begun, told('channel', tuesday)), [true, false]],
    ['nothing was begun', with_(null, told('channel', tuesday)), [null, null]],
  ])('%s', (_, rollout, kept) => {
    const { notice } = packOf(journalOf(rollout, []));
    expect(notice?.audiences.map((each) => each.kept)).toEqual(kept);
  });
});

describe('the tries of a step', () => {
  const begun = (at: number, attempt: number): Event => ({
    type: 'begun',
    at,
    run: 1,
    node: 'us-east-op-1',
    step: 'stage',
    attempt,
  });
  const reported = (at: number, attempt: number, report: Extract<Event, { type: 'reported' }>['report']): Event => ({
    ...{ type: 'reported', at, run: 1, node: 'us-east-op-1', step: 'stage', attempt, report },
  });
  const cut = { is: 'failed', reason: 'cut short', retry: true, facts: {} } as const;
  const done = { is: 'succeeded', facts: {} } as const;
  it.each([
    ['one that succeeds', [begun(1, 1), reported(5, 1, done)], ['1-5 succeeded']],
    [
      'a second one',
      [begun(1, 1), reported(5, 1, cut), begun(9, 2), reported(11, 2, done)],
      ['1-5 failed cut short', '9-11 succeeded'],
    ],
    [
      'one whose worker was lost',
      [begun(1, 1), begun(7, 1), begun(8, 2), reported(9, 2, done)],
      ['1-7 lost', '8-9 succeeded'],
    ],
    ['one that is under way', [begun(1, 1)], []],
  ])('%s', (_, events, told) => {
    const start = planned();
    const frames = [
      ...framesOf(
        journalOf(
          start,
          events.map((event) => ({ ...event, at: tuesday + event.at })),
        ),
      ),
    ];
    const shown = triesOf(frames).map(
      ({ from, to, is, reason }) => `${from - tuesday}-${to - tuesday} ${is}${reason === null ? '' : ` ${reason}`}`,
    );
    expect(shown).toEqual(told);
  });
});

describe('what a host said, in Markdown', () => {
  it.each([
    ['a | b', 'a \\| b'],
    ['<script>alert(1)</script>', '&lt;script\\>alert(1)&lt;/script\\>'],
    ['[click](https://evil.example)', '\\[click\\](https:\u200b//evil.example)'],
    ['`code` **bold**\n# title', '\\`code\\` \\*\\*bold\\*\\* # title'],
    ['\u001b[2Jgone \u202eevil', 'gone evil'],
    ['@here', '@\u200bhere'],
  ])('%j is text and nothing else', (said, shown) => expect(md(said)).toBe(shown));
});
