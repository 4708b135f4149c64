import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/migrating/index.ts';
import { here, type Machine } from '../../src/running/index.ts';
import { migrateWith, nameOf, numberOf } from '../../src/upgrade/actions/migrate.ts';
import type { ActionResult } from '../../src/upgrade/actions/types.ts';
import { actionOf, fenceOf, next, todo, unbegunAction } from '../../src/upgrade/rollout/index.ts';
import type { ActionPhase, Event, Gate, Migration, Rollout } from '../../src/upgrade/rollout/types.ts';
import { type MigrationsWorld, migrationsWorld } from '../support/migrations.ts';
import { type Postgres, startPostgres } from '../support/postgres.ts';
import { minutes, planned, tuesday } from '../support/rollouts.ts';
import { intentOf } from '../support/simulation.ts';

const id = 'action/migrate';
const maxAge = 24 * 3_600_000;
let postgres: Postgres;
let dir: string;
let worlds = 0;

beforeAll(async () => {
  postgres = await startPostgres();
  dir = mkdtempSync(join(tmpdir(), 'zeitwork-migrating-'));
});
afterAll(async () => {
  await postgres.stop();
  rmSync(dir, { recursive: true, force: true });
});

function world(changes: Parameters<typeof migrationsWorld>[3] = {}): MigrationsWorld {
  worlds += 1;
  return migrationsWorld(join(dir, String(worlds)), postgres, `trial_${worlds}`, changes);
}

function rolloutOf({ commit }: MigrationsWorld, changes: Partial<Migration> = {}): Rollout {
  const phase: ActionPhase = {
    ...{ id, title: 'the migration', state: { is: 'pending' } },
    ...{ is: 'action', action: 'migrate', subject: 'fleet', region: 'us-east', undo: 'refuse' },
    ...{ limit: minutes(15), expected: minutes(1), work: unbegunAction(tuesday) },
  };
  const change: Migration = { is: 'migrate', when: 'before', from: 1, to: 2, commit, ...changes };
  return { ...planned({ retryDelay: 0 }), phases: [phase], nodes: {}, change };
}

/** A worker that goes on with it until nothing is due, or so many tries were made. */
class Night {
  rollout: Rollout;
  now = tuesday;
  gates: Gate[] = [];

  constructor(rollout: Rollout) {
    this.rollout = rollout;
  }

  /** One try, from its intent to its report; null: nothing is due. */
  async try(database: Database): Promise<ActionResult | null> {
    const due = todo(this.rollout, this.now).find(({ node }) => node === id);
    if (due === undefined) return null;
    this.now += 1;
    this.rollout = next(this.rollout, intentOf(due, this.now) as Event);
    const phase = actionOf(this.rollout, id) as ActionPhase;
    const result = await migrateWith(database, { maxAge })({
      ...{ rollout: this.rollout, phase, fence: fenceOf(this.rollout, phase) },
      ...{ clock: { now: () => Date.now(), monotonic: () => 0, sleep: async () => undefined } },
      ...{ signal: new AbortController().signal, gates: async () => this.gates },
    });
    this.report(result);
    return result;
  }

  report(result: ActionResult): void {
    this.now += 1;
    const { attempt } = (actionOf(this.rollout, id) as ActionPhase).work;
    const told = { at: this.now, run: this.rollout.run, phase: id, action: 'migrate', attempt } as const;
    this.rollout = next(
      this.rollout,
      result.is === 'gated'
        ? { type: 'action-gated', ...told, gates: result.gates, unchanged: result.unchanged }
        : { type: 'action-reported', ...told, report: result },
    );
    const { state } = (actionOf(this.rollout, id) as ActionPhase).work;
    if ('notBefore' in state) this.now = Math.max(this.now, state.notBefore);
  }

  async toItsEnd(database: Database): Promise<this> {
    for (let tries = 0; tries < 200; tries += 1) {
      if ((await this.try(database)) === null) return this;
      await new Promise((done) => setTimeout(done, 50));
    }
    throw new Error('it does not come to an end');
  }

  get state() {
    return (actionOf(this.rollout, id) as ActionPhase).work.state;
  }
}

describe('a migration on its host', () => {
  it('is run once, and done when the schema is seen to be the one that was planned', async () => {
    const here = world();
    const night = await new Night(rolloutOf(here)).toItsEnd(here.database());
    expect(night.state.is).toBe('done');
    expect(night.rollout.status.is).toBe('done');
    expect(here.sql('select max(version) from schema_migrations')).toBe('2');
    expect(here.runs()).toBe(1);
  });

  it('that somebody made already is done, and nothing is run', async () => {
    const here = world();
    here.sql('insert into schema_migrations values (2)');
    const night = await new Night(rolloutOf(here)).toItsEnd(here.database());
    expect([night.state.is, here.runs()]).toEqual(['done', 0]);
  });

  it.each([
    ['the schema is another one than planned', { from: 5, to: 6 }, {}, 'the schema is 1, and this was planned for 5'],
    ['the tag was moved', { commit: 'f'.repeat(40) }, {}, 'was moved'],
    ['there is no file with the address', {}, { env: '/nowhere/migrate.env' }, 'There is no /nowhere/migrate.env'],
    ['the last backup is too old', {}, { backup: { command: ['echo', '1600000000'], maxAge } }, 'old, and may be'],
  ])('is not begun when %s: nothing was changed, and it can be tried again', async (_name, change, settings, why) => {
    const here = world(settings as Parameters<typeof world>[0]);
    const night = await new Night(rolloutOf(here, change)).toItsEnd(here.database());
    expect(night.state).toMatchObject({ is: 'failed', reason: expect.stringContaining(why) });
    expect(here.runs()).toBe(0);
  });

  it('goes by a person who answers for the backup, where one did', async () => {
    const here = world({ backup: { command: null, maxAge } });
    const refused = await new Night(rolloutOf(here)).toItsEnd(here.database());
    expect(refused.state.is).toBe('failed');
    const said = rolloutOf(here, { attested: { by: 'U1', at: tuesday } });
    expect((await new Night(said).toItsEnd(here.database())).state.is).toBe('done');
  });

  it('is not begun while a gate is shut, and is when it opens', async () => {
    const here = world();
    const night = new Night(rolloutOf(here));
    night.gates = [{ name: 'freeze', reason: 'audit', owner: 'U1', opensAt: null }];
    await night.try(here.database());
    expect([night.state.is, here.runs()]).toEqual(['waiting', 0]);
    night.gates = [];
    expect((await night.toItsEnd(here.database())).state.is).toBe('done');
  });

  it('that breaks half-way is for people, with its last lines and without its secrets', async () => {
    const broken = join(dir, 'broken');
    writeFileSync(broken, '');
    const here = world({ variables: `BREAKS=${broken}\n` });
    const night = await new Night(rolloutOf(here)).toItsEnd(here.database());
    expect(night.state).toMatchObject({ is: 'stuck' });
    const reason = night.state.is === 'stuck' ? night.state.reason : '';
    expect(reason).toContain('it ended with 3, and the schema is 1');
    expect(reason).toContain('column nodes.region does not exist');
    expect(JSON.stringify(night.rollout)).not.toContain('odd@signs');
    expect(night.rollout.status.is).toBe('held');
    // What a person lets try again is run once more, and no more than that.
    rmSync(broken);
    night.rollout = next(night.rollout, { type: 'retried', at: night.now, by: 'U1', epoch: tuesday + 5 });
    expect((await night.toItsEnd(here.database())).state.is).toBe('done');
    expect(here.runs()).toBe(2);
  });

  it('that takes too long is ended by its limit, and is for people', async () => {
    const here = world({ variables: 'SLOW=30\n', limit: 1_000 });
    const night = await new Night(rolloutOf(here)).toItsEnd(here.database());
    expect(night.state).toMatchObject({ is: 'stuck', reason: expect.stringContaining('not over after 1 s') });
    expect(here.sql('select max(version) from schema_migrations')).toBe('1');
  });

  it('of which two are asked for at once runs once: the older one begins nothing', async () => {
    const here = world({ variables: 'SLOW=1\n' });
    const [first, second] = [rolloutOf(here), { ...rolloutOf(here), id: 'r2', epoch: tuesday + 1 }];
    const [one, other] = [new Night(first), new Night(second)];
    await other.try(here.database());
    await one.toItsEnd(here.database());
    expect(one.state).toMatchObject({ is: 'failed', reason: expect.stringContaining('newer run') });
    expect((await other.toItsEnd(here.database())).state.is).toBe('done');
    expect(here.runs()).toBe(1);
  });

  it('is not begun beside another one that runs still, though that is older', async () => {
    const here = world({ variables: 'SLOW=3\n' });
    await new Night(rolloutOf(here)).try(here.database());
    const newer = new Night({ ...rolloutOf(here), id: 'r2', epoch: tuesday + 1 });
    await newer.toItsEnd(here.database());
    expect(newer.state).toMatchObject({ is: 'failed', reason: expect.stringContaining('runs there still') });
    expect(here.runs()).toBe(1);
  });

  it('is begun by nobody any more of whose try a later one was seen', async () => {
    const here = world();
    const rollout = rolloutOf(here);
    const of = { name: nameOf(rollout), number: numberOf(rollout, 1) };
    const signal = new AbortController().signal;
    const database = here.database();
    const source = await database.resolve('v2.0.0', signal);
    await database.fence(numberOf(rollout, 2), signal);
    await expect(database.start(of, source, 'before', signal)).rejects.toThrow('newer run');
    expect(here.runs()).toBe(0);
  });

  /** At every command that a worker sends, before it arrives and after it was done. */
  const instants = Array.from({ length: 20 }, (_, at) => ({ at: Math.floor(at / 2) + 1, after: at % 2 === 1 }));

  it.each(instants)(
    'whose worker dies at command $at (done: $after) has one effect, one log, and no second start',
    async (when) => {
      const own = world({ variables: 'SLOW=0.3\n' });
      let sent = 0;
      const dies: Machine = {
        ...here,
        async run(command, signal) {
          sent += 1;
          if (sent === when.at && !when.after) return new Promise(() => undefined);
          const outcome = await here.run(command, signal);
          return sent === when.at ? new Promise(() => undefined) : outcome;
        },
      };
      const night = new Night(rolloutOf(own));
      const dead = own.database(dies);
      for (let tries = 0; tries < 60 && sent < when.at; tries += 1) {
        const due = night.try(dead);
        const ended = await Promise.race([due, new Promise((done) => setTimeout(() => done('dead'), 2_500))]);
        if (ended === 'dead' || ended === null) break;
        await new Promise((done) => setTimeout(done, 30));
      }
      // Nobody heard of that try: another worker takes it up with the next number.
      const { begun, attempt } = (actionOf(night.rollout, id) as ActionPhase).work;
      if (begun === attempt && night.state.is === 'working')
        night.report({ is: 'unknown', reason: 'its worker fell silent' });
      await night.toItsEnd(own.database());
      expect(night.state.is).toBe('done');
      expect(own.runs()).toBe(1);
      expect(own.sql('select count(*) from schema_migrations where version = 2')).toBe('1');
      expect(readdirSync(join(own.own, 'logs'))).toHaveLength(1);
    },
  );
});
