import { describe, expect, it } from 'vitest';
import { readClick } from '../../src/bot/actions/click.ts';
import { asShownNow } from '../../src/bot/as-shown.ts';
import { perform } from '../../src/bot/commands/index.ts';
import { runCommand } from '../../src/bot/run.ts';
import { posts } from '../../src/bot/views/posts.ts';
import type { DatabaseTold } from '../../src/jobs/types.ts';
import {
  asked,
  followsOn,
  isOpen,
  next,
  plan,
  unbegunAction,
  withApproversOf,
} from '../../src/upgrade/rollout/index.ts';
import type { ActionPhase, Fleet, Rollout } from '../../src/upgrade/rollout/types.ts';
import { fleetOf, inputOf, minutes, surveyOf, tuesday } from '../support/rollouts.ts';
import { drive, worldOf } from '../support/simulation.ts';
import { press, run } from './acting.ts';
import { trial } from './support.ts';

const rows = [
  { operator: '1.0.x', agent: null, schema: { min: 1, max: 2 }, from: null, before: null, after: null },
  { operator: '2.0.x', agent: null, schema: { min: 2, max: 3 }, from: null, before: 2, after: 3 },
];
const fleet: Fleet = {
  ...fleetOf(),
  compatibility: rows,
  database: {
    ...{ region: 'eu-west', approvers: { users: ['U-db'], groups: [] }, needed: 1 },
    ...{ limit: minutes(15), maxAge: 24 * minutes(60), attest: true },
  },
};
const told = { schema: 1, commit: 'c'.repeat(40), backedUpAt: tuesday - minutes(180), lines: ['1 applied'] };

/** Rosa asks. */
function botFor(of: Fleet, told: DatabaseTold | null) {
  const here = trial({ fleet: of });
  here.control.migrations = told;
  let asked = '';
  return {
    here,
    say: async (text: string) => {
      asked = text;
      return run(here, 'U0ROSA', text);
    },
    async start(): Promise<Rollout> {
      await press(here, 'U0ROSA', await runCommand(here.context, 'U0ROSA', asked), /^Migrate to/);
      const [rollout] = here.control.rollouts.values();
      if (rollout === undefined) throw new Error('not started');
      return rollout;
    },
  };
}

describe('migrate', () => {
  it('status tells the schema, the backup, and what the command says', async () => {
    const bot = botFor(fleet, told);
    const text = await bot.say('migrate status v2.0.0');
    expect(text).toContain('Schema 1');
    expect(text).toContain('1 applied');
  });

  it('before a version is a plan for the approvers of the database, says what cannot come back, and touches no node', async () => {
    const bot = botFor(fleet, told);
    const text = await bot.say('migrate before v2.0.0');
    expect(text).toContain('schema 1 → 2');
    expect(text).toContain('Migrate to 2');
    const rollout = await bot.start();
    expect(rollout.nodes).toEqual({});
    expect(rollout.phases.map(({ id }) => id)).toEqual(['approval/database', 'action/migrate']);
    const [approval] = withApproversOf(fleet, rollout).phases;
    expect(approval?.is === 'approval' && approval.by.users).toEqual(['U-db']);
    const gone = withApproversOf({ regions: fleet.regions }, rollout).phases[0];
    expect(gone?.is === 'approval' && gone.by.users).toEqual([]);
  });

  it.each([
    [
      'a running version does not work with the new schema',
      'after v2.0.0',
      {},
      'schema 3 is not among those that v1.0.0',
    ],
    ['the schema is there already', 'before v2.0.0', { schema: 2 }, 'the schema is 2 already'],
    ['the schema is beyond it', 'before v2.0.0', { schema: 4 }, 'never brought back'],
    [
      'the backup is too old',
      'before v2.0.0',
      { backedUpAt: tuesday - 48 * minutes(60) },
      'the last backup is 48 h old',
    ],
    ['nobody can tell of a backup', 'before v2.0.0', { backedUpAt: null }, 'add --attest'],
    ['no row says which schema it makes', 'before v1.0.0', {}, 'does not say which schema'],
  ])('is refused where %s', async (_name, what, seen, why) => {
    expect(await botFor(fleet, { ...told, ...seen }).say(`migrate ${what}`)).toContain(why);
  });

  it('goes by a person who answers for the backup, by their name', async () => {
    const bot = botFor(fleet, { ...told, backedUpAt: null });
    expect(await bot.say('migrate before v2.0.0 --attest')).toContain('answers for the backup');
    expect((await bot.start()).change).toMatchObject({ attested: { by: 'U0ROSA' } });
    const strict = { ...fleet, database: { ...fleet.database, attest: false } } as Fleet;
    expect(await botFor(strict, told).say('migrate before v2.0.0 --attest')).toContain("take nobody's word");
  });

  it('is shown through all that may become of it, and leads nowhere back', async () => {
    const bot = botFor(fleet, told);
    await bot.say('migrate before v2.0.0');
    const planned = await bot.start();
    const words = (rollout: Rollout) => JSON.stringify(posts(rollout));
    expect(words(planned)).toContain('was not begun');
    const first = drive(planned, worldOf(planned), { from: tuesday });
    expect(asked(first.rollout).map(({ id }) => id)).toEqual(['approval/database']);
    expect(words(first.rollout)).toContain('the database');
    const yes = { type: 'approved', at: first.now + 1, phase: 'approval/database', by: 'U-db' } as const;
    const approved = next(first.rollout, yes);
    const world = worldOf(approved);
    world.actsFor = 2;
    const half = drive(approved, world, { from: first.now + 2, until: () => world.acts.length > 0 });
    expect(words(half.rollout)).toContain('is under way');
    const end = drive(half.rollout, world, { from: half.now });
    expect(end.rollout.status.is).toBe('done');
    expect(words(end.rollout)).toContain('the schema is 2');
    const back = { type: 'rollback-asked', at: end.now, by: 'U1', scope: { is: 'all' }, epoch: end.now } as const;
    expect(next(end.rollout, back)).toBe(end.rollout);
    const bad = worldOf(approved);
    bad.badActs.set('action/migrate', 'half');
    const stuck = drive(approved, bad, { from: first.now + 2 }).rollout;
    expect(isOpen(stuck)).toBe(true);
    expect(words(stuck)).toContain('needs a person');
  });

  describe('what comes next, by a button on the last message', () => {
    const all = plan(inputOf(fleetOf(), { id: 'u1' }));
    const { rollout: done } = drive(all, worldOf(all), { from: tuesday });
    const labels = (rollout: Rollout) =>
      posts(rollout)
        .flatMap(({ blocks }) => blocks.flatMap((block) => (block.type === 'actions' ? block.elements : [])))
        .flatMap((each) => ('text' in each && each.text ? [each.text.text] : []));

    it('is the migration after an upgrade that every node has', async () => {
      const here = trial({ fleet });
      here.control.rollouts.set('u1', done);
      expect(done.status.is).toBe('done');
      const shown = await asShownNow(here.context, done);
      expect(labels(shown)).toContain('Migrate to 3…');
      expect(JSON.stringify(posts(shown))).toContain('migrate after v2.0.0');
      expect(
        readClick('zw:migrate-after:v2.0.0', JSON.stringify({ r: 'u1', g: 'v2.0.0', v: 0 }))?.command,
      ).toMatchObject({
        verb: 'migrate',
        act: { is: 'after', version: 'v2.0.0' },
      });
    });

    it('is nothing while a node runs something else, without a database, or where the row says so', () => {
      const [one] = Object.values(done.nodes);
      const rest = Object.fromEntries(Object.entries(done.nodes).filter(([name]) => name !== one?.name));
      expect(followsOn(fleet, { ...done, nodes: rest })).toBe(null);
      const { database: _, ...none } = fleet;
      expect(followsOn(none, done)).toBe(null);
      expect(followsOn({ ...fleet, compatibility: rows.map((row) => ({ ...row, after: null })) }, done)).toBe(null);
      expect(
        followsOn(fleet, { ...done, status: { is: 'stopped', at: tuesday, by: 'U1', reason: null } as never }),
      ).toBe(null);
    });

    it('is a restart of every node after that migration, and not after the one before', () => {
      const change = { is: 'migrate', from: 2, to: 3, commit: 'c'.repeat(40) } as const;
      const after = { ...done, change: { ...change, when: 'after' as const } };
      expect(followsOn(fleet, after)).toEqual({ is: 'restart', service: null });
      expect(labels({ ...after, follows: { is: 'restart', service: null } })).toContain('Restart all nodes…');
      expect(followsOn(fleet, { ...done, change: { ...change, when: 'before' } })).toBe(null);
      expect(readClick('zw:restart-next', JSON.stringify({ r: 'u1', g: 'operator', v: 0 }))?.command).toMatchObject({
        service: 'operator',
        verb: 'restart',
      });
      expect(readClick('zw:restart-next', JSON.stringify({ r: 'u1', g: '', v: 0 }))?.command).toMatchObject({
        verb: 'restart',
        dryRun: false,
      });
    });
  });

  it.each([
    ['told by the database', { is: 'told', what: 3 } as const],
    ['known from the last migration, since nobody tells it now', { is: 'unknown', reason: 'silence' } as const],
  ])(
    'after a version: a rollback to what the schema excludes is refused with the reason, by command and button (%s)',
    async (_name, schema) => {
      const here = trial({ fleet, looks: surveyOf(fleet).map((seen) => ({ ...seen, inventory: { schema } })) });
      const upgrade = plan(inputOf(fleetOf(), { id: 'u1', regions: ['us-east'] }));
      const { rollout: done } = drive(upgrade, worldOf(upgrade), { from: tuesday });
      expect(done.status.is).toBe('done');
      here.control.rollouts.set('u1', done);
      const phase: ActionPhase = {
        ...{ id: 'action/migrate', title: 'the migration', state: { is: 'done', since: 0, at: tuesday } },
        ...{
          is: 'action',
          action: 'migrate',
          subject: 'fleet',
          region: 'us-east',
          undo: 'refuse',
          limit: 1,
          expected: 1,
        },
        work: { ...unbegunAction(0), state: { is: 'done', at: tuesday }, touched: true, facts: { schema: 3 } },
      };
      const change = { is: 'migrate', when: 'after', from: 2, to: 3, commit: 'c'.repeat(40) } as const;
      const after = { createdAt: done.createdAt + 1, startedAt: tuesday, phases: [phase], nodes: {}, change };
      here.control.rollouts.set('m1', { ...done, id: 'm1', ...after });
      const why = /works with schema 1 to 2, and it is 3: that was the point of no return/;
      expect(await run(here, 'U0ROSA', 'rollback all')).toMatch(why);
      const pressed = await perform(
        here.context,
        { actor: 'U0ROSA', rollout: 'u1' },
        { verb: 'rollback', target: 'all', dryRun: false },
      ).catch(String);
      expect(String(pressed)).toMatch(why);
      expect(here.control.rollouts.get('u1')?.status.is).toBe('done');
    },
  );
});
