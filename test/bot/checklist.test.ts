import { describe, expect, it } from 'vitest';
import { asText, runCommand } from '../../src/bot/run.ts';
import { outdated, posts } from '../../src/bot/views/posts.ts';
import { asked, next, plan } from '../../src/upgrade/rollout/index.ts';
import type { Rollout } from '../../src/upgrade/rollout/types.ts';
import { inputOf, minutes, tuesday } from '../support/rollouts.ts';
import { drive, worldOf } from '../support/simulation.ts';
import { type Trial, trial, trialFleet } from './support.ts';

const ready = { text: 'All ready', check: 'healthy' };
const checklists = {
  before: [{ text: 'Notes read' }, { text: 'Rollback <rehearsed>' }, ready],
  during: [{ text: 'Dashboards' }],
  after: [{ text: 'Status page' }],
};
const fleet = { ...trialFleet({ bake: 0, pause: 0 }), checklists };

function sceneAt(until: (rollout: Rollout) => boolean, ticks: string[] = []): Trial {
  const start = plan(inputOf(fleet, { strategy: 'regions', requester: 'U0ROSA' }));
  const ticked = ticks.reduce(
    (rollout, item) => next(rollout, { type: 'item-ticked', at: tuesday, by: 'U0INES', item }),
    start,
  );
  const { rollout, now } = drive(ticked, worldOf(start), { from: tuesday, until, limit: 2_000 });
  const here = trial({ fleet });
  here.control.rollouts.set(rollout.id, rollout);
  here.clock.at = now + minutes(1);
  return here;
}
const all = ['before.1', 'before.2', 'during/eu-west.1', 'during/ap-south.1'];
const say = async ({ context }: Trial, actor: string, text: string) => asText(await runCommand(context, actor, text));
const now = ({ control }: Trial): Rollout => {
  const rollout = control.rollouts.get('r1');
  if (rollout === undefined) throw new Error('no rollout');
  return rollout;
};
const found = (rollout: Rollout, key: string) => posts(rollout).find((post) => post.key === key);
const buttons = (rollout: Rollout, key: string): string[] =>
  [...JSON.stringify(found(rollout, key)?.blocks ?? []).matchAll(/"action_id":"(zw:[^"]+)"/g)].map(([, id = '']) => id);
const isLooked = ({ looks }: Rollout) => Object.values(looks).every(({ at }) => at !== null);

describe('the checklist of a rollout', () => {
  it('shows ticks of people and of a machine in one list, each with its name and evidence', async () => {
    const here = sceneAt(isLooked, ['before.1', 'before.2']);
    expect(await say(here, 'U0LU', 'checklist')).toMatchInlineSnapshot(`
      "Before v2.0.0 begins: 3 of 3 ticked
      ☑ 1. Notes read: @U0INES at 2026-11-24 07:30 UTC
      ☑ 2. Rollback <rehearsed>: @U0INES at 2026-11-24 07:30 UTC
      ☑ 3. All ready: 9 of 9 at 2026-11-24 07:30 UTC
      Before eu-west: 0 of 1 ticked
      ☐ 4. Dashboards
      Before ap-south: 0 of 1 ticked
      ☐ 5. Dashboards
      After v2.0.0: 0 of 1 ticked
      ☐ 6. Status page"
    `);
    const { facts } = await runCommand(here.context, 'U0LU', 'checklist');
    expect(facts).toMatchObject({
      rollout: 'r1',
      items: [{ number: 1, by: 'U0INES', ticked: true }, {}, { by: 'healthy', says: '9 of 9' }, {}, {}, {}],
    });
  });

  it('is asked for in the thread, with a button for each item of a person', async () => {
    const here = sceneAt(() => true);
    expect(found(now(here), 'checklist.before')).toMatchObject({ place: { is: 'thread', broadcast: true } });
    expect(found(now(here), 'checklist.before')?.text).toMatchInlineSnapshot(`
      "*Before v2.0.0 begins*: 0 of 3 ticked; no node was restarted yet, and none is before all of it is ticked
      ☐ 1. Notes read
      ☐ 2. Rollback &lt;rehearsed&gt;
      ☐ 3. All ready: us-east, eu-west, ap-south not looked at yet (a machine ticks it)
      Tick 1: Notes read: /zeitwork tick 1
      Tick 2: Rollback <rehearsed>: /zeitwork tick 2"
    `);
    expect(buttons(now(here), 'checklist.before')).toEqual(['zw:tick:before.1', 'zw:tick:before.2']);
    expect(await say(here, 'U0OTTO', 'tick 1')).toBe('Ticked: Notes read. 1 of 3 of this list are ticked');
    expect(now(here).ticks).toEqual({ 'before.1': { by: 'U0OTTO', at: here.clock.at } });
    expect(buttons(now(here), 'checklist.before')).toEqual(['zw:tick:before.2']);
    expect(await say(here, 'U0INES', 'tick 1')).toMatch(/^@U0OTTO ticked it at .*\. Now: /);
    expect(await say(here, 'U0INES', 'untick 1')).toBe(
      'Not ticked any more: Notes read. 0 of 3 of this list are ticked',
    );
    expect(await say(here, 'U0INES', 'untick 1')).toMatch(/^It is not ticked\. Now: /);
  });

  it('keeps what was asked for, with who ticked it, once it has begun', () => {
    const here = sceneAt(({ startedAt }) => startedAt !== null, all);
    expect(found(now(here), 'checklist.before')).toBeUndefined();
    const [end] = outdated(now(here), ['checklist.before']);
    expect(end?.text).toBe('→ It is not asked for any more: what it was asked for has begun.');
  });

  it('tells of a list that is over what it was begun on, whatever looks find later', async () => {
    const own = { ...trialFleet({ bake: 0, pause: 0 }), checklists: { before: [ready], during: [], after: [] } };
    const here = trial({ fleet: own });
    const start = plan(inputOf(own, { strategy: 'regions', requester: 'U0ROSA' }));
    await here.control.store.create(start);
    const until = ({ startedAt }: Rollout) => startedAt !== null;
    const { rollout, events, now: at } = drive(start, worldOf(start), { from: tuesday, until, limit: 2_000 });
    for (const event of events) await here.control.record('r1', event);
    const attempt = (rollout.looks['us-east']?.count ?? 0) + 1;
    await here.control.record('r1', { type: 'watched', at, run: 1, region: 'us-east', attempt, seen: {} });
    expect(await say(here, 'U0LU', 'checklist')).toMatch(
      /^Before v2\.0\.0 begins: 1 of 1 ticked\n☑ 1\. All ready: 9 of 9 at /,
    );
    const { facts } = await runCommand(here.context, 'U0LU', 'checklist');
    expect(facts).toMatchObject({ items: [{ ticked: true, by: 'healthy', says: '9 of 9' }] });
  });

  it('is asked for at each approval, and at the end', async () => {
    const gate = sceneAt((rollout) => asked(rollout).length > 0, ['before.1', 'before.2']);
    expect(found(now(gate), 'checklist.during/eu-west')?.text).toMatch(
      /^\*Before eu-west\*: 0 of 1 ticked; 3 of 3 healthy in eu-west/,
    );
    expect(found(now(gate), 'checklist.during/ap-south')).toBeUndefined();
    expect(await say(gate, 'U0OTTO', 'tick 6')).toMatch(/^Status page cannot be ticked or taken back now/);
    const rollout = { ...now(gate), status: { is: 'done', at: gate.clock.at } as const };
    gate.control.rollouts.set('r1', rollout);
    expect(buttons(rollout, 'checklist.after')).toEqual(['zw:tick:after.1']);
    expect(await say(gate, 'U0OTTO', 'tick 6')).toBe('Ticked: Status page. 1 of 1 of this list are ticked');
  });

  it('wants a name, and somebody who may', async () => {
    const here = sceneAt(() => true);
    for (const actor of ['U0LU', 'U0GIL', 'cli:root'])
      expect((await runCommand(here.context, actor, 'tick 1')).outcome, actor).toBe('denied');
    expect(await say(here, 'U0OTTO', 'tick 3')).toMatch(/^All ready is ticked by a machine/);
    expect(await say(here, 'U0OTTO', 'tick 9')).toMatch(/^There is no item 9: they are 1 to 6/);
    expect(now(here).ticks).toBeUndefined();
  });

  it('is told by why, on the live message and in a plan', async () => {
    const here = sceneAt(() => false);
    expect(await say(here, 'U0LU', 'why')).toContain(
      'checklist: not ticked on the checklist: Notes read, Rollback <rehearsed>. Opened by whoever ticks it',
    );
    expect(found(now(here), 'main')?.text).toContain('Checklist, before v2.0.0 begins: ');
    const preview = await say(trial({ fleet }), 'U0ROSA', 'upgrade v2.0.0 --dry-run');
    expect(preview).toContain(
      'Checklist: 3 to be ticked before the first node, 1 before each part that is approved, 1 asked for at the end',
    );
  });
});
