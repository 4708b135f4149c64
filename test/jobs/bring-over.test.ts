import { beforeEach, describe, expect, it } from 'vitest';
import { bringOver, createStore, type RolloutStore } from '../../src/jobs/index.ts';
import { lift } from '../../src/upgrade/rollout/index.ts';
import type { Rollout } from '../../src/upgrade/rollout/types.ts';
import { belief, flawsIn } from '../support/belief.ts';
import { golden1, type StoredFirst } from '../support/golden.ts';
import { isAsked } from '../support/parts.ts';
import { former, writeFormer, writeFormerEpoch, writeStored } from './fixtures/former-layout.ts';
import { effects, eventually, production, quickRollout, silent } from './fixtures/parts.ts';
import { done, makeRig, never } from './fixtures/rig.ts';

const rig = makeRig();
const main = { ts: '1.2', channel: 'C1', content: 'x' };
const over: Partial<Rollout> = { status: { is: 'stopped', by: 'U1', at: 1 } };

const redis = () => rig.redis.handle.caller;
const formerKeys = async () => (await redis().keys('{zw}:*')).sort();
const move = (fleet = production) => bringOver(redis(), fleet, silent);
/** As the former version wrote it, read by this one. */
const lifted = (rollout: Rollout): Rollout => ({
  ...lift({ format: 1, rollout: former(rollout) }),
  unsigned: true,
});
let store: RolloutStore;
beforeEach(() => {
  store = createStore(redis(), production, belief());
});

describe('what the version before stored', () => {
  it('is found where it belongs now, whole, and no longer where it was', async () => {
    const [old, open] = [quickRollout('r1', { ...over, createdAt: 1 }), quickRollout('r2', { revision: 7 })];
    await writeFormer(redis(), old, { main });
    await writeFormer(redis(), open, { main: { ...main, ts: '3.4' } });
    const epoch = Date.now() + 60_000;
    await writeFormerEpoch(redis(), production, epoch);
    await move();
    expect(await formerKeys()).toEqual([]);
    expect(await store.latest(10)).toEqual([lifted(open), lifted(old)]);
    expect([await store.open(), await store.openIds()]).toEqual([lifted(open), ['r2']]);
    expect((await store.journal('r1')).map(({ event }) => event.type)).toEqual(['created']);
    expect([await store.posted('r1'), await store.posted('r2')]).toEqual([{ main }, { main: { ...main, ts: '3.4' } }]);
    expect(await store.nextEpoch(Date.now())).toBe(epoch + 2);
    expect(await store.unpainted()).toEqual(['r2']);
    await expect(store.save({ ...open, revision: 8 }, { type: 'ticked', at: 9 })).rejects.toThrow(/adopt r2/);
    const { unsigned: _, ...rest } = lifted(open);
    expect(await store.adopt('r2', 'U1', 9)).toEqual({ ...rest, revision: 8 });
    expect(await store.load('r2')).toEqual({ ...rest, revision: 8 });
    expect(flawsIn('r2', await store.journal('r2'))).toEqual([]);
    await expect(store.create(quickRollout('r3'))).rejects.toThrow(/r2.*holds the fleet/);
  });

  it('is moved once: a second time changes nothing, also what was written since', async () => {
    await writeFormer(redis(), quickRollout('r1'));
    await writeFormerEpoch(redis(), production, 5);
    await Promise.all([move(), move(), move()]);
    const epoch = await store.nextEpoch(Date.now());
    await writeFormerEpoch(redis(), production, 5);
    await store.painted('r1', 1);
    await move();
    expect(await store.nextEpoch(epoch)).toBe(epoch + 2);
    expect((await store.latest(10)).map(({ id }) => id)).toEqual(['r1']);
    expect(await store.unpainted()).toEqual([]);
  });

  it('of another fleet stays for that fleet', async () => {
    await writeFormer(redis(), quickRollout('r1'));
    await writeFormer(redis(), quickRollout('s1', { fleet: 'staging' }));
    await writeFormerEpoch(redis(), 'staging', 5);
    await move();
    expect(await formerKeys()).toEqual([
      '{zw}:changed',
      '{zw}:epoch:staging',
      '{zw}:fleet:staging',
      '{zw}:holder:staging',
      '{zw}:journal:s1',
      '{zw}:open',
      '{zw}:rollout:s1',
    ]);
    await move('staging');
    expect(await formerKeys()).toEqual([]);
    expect((await createStore(redis(), 'staging', belief()).open())?.id).toBe('s1');
    expect((await store.open())?.id).toBe('r1');
  });

  it('stays where it is, and is told, when another rollout holds the fleet by now', async () => {
    await store.create(quickRollout('r2'));
    await writeFormer(redis(), quickRollout('r1'));
    await writeFormer(redis(), quickRollout('r0', { ...over, createdAt: 1 }));
    const told: object[] = [];
    await bringOver(redis(), production, { ...silent, error: (fields) => void told.push(fields) });
    expect(told).toEqual([{ fleet: production, rollout: 'r1' }]);
    expect((await store.open())?.id).toBe('r2');
    expect(await store.load('r1')).toBeNull();
    expect((await store.latest(10)).map(({ id }) => id)).toEqual(['r2', 'r0']);
    await store.save({ ...quickRollout('r2', over), revision: 2 }, { type: 'stopped', at: 2, by: 'U1' });
    await move();
    expect((await store.open())?.id).toBe('r1');
    expect(await formerKeys()).toEqual([]);
  });

  it('goes on where it was once somebody has looked and adopted it, and not before', async () => {
    await writeFormer(redis(), quickRollout('r1'));
    const worker = await rig.worker({ sweep: never });
    await worker.sweep();
    expect(await effects(redis())).toEqual([]);
    expect(await store.load('r1')).toMatchObject({ unsigned: true, revision: 1 });
    await rig.control().adopt('r1', 'U1');
    await eventually(() => store.load('r1'), done);
  });

  it('at a gate, is finished by this version: adopted, approved, and no node that was done is touched again', async () => {
    const [, gate] = golden1().find(([name]) => name === 'at the gate of the second region') ?? [];
    if (gate === undefined) throw new Error('there is no such rollout');
    const { body, events } = ofNow(gate);
    await writeStored(redis(), body, [{ type: 'created', at: body.createdAt }, ...events]);
    await rig.worker({ regions: ['us-east', 'eu-west', 'ap-south'] });
    const { adopt, record, store: stored } = rig.control();
    await adopt('r1', 'U1');
    for (const region of ['eu-west', 'ap-south']) {
      await eventually(
        () => stored.load('r1'),
        (rollout) => rollout !== null && isAsked(rollout, region),
      );
      await record('r1', { type: 'approved', at: Date.now(), phase: `approval/${region}`, by: `U-${region}` });
    }
    const end = await eventually(() => stored.load('r1'), done);
    expect(Object.values(end?.nodes ?? {}).map(({ state }) => state.is)).toEqual(Array(9).fill('done'));
    const names = ['eu-west', 'ap-south'].flatMap((region) => [1, 2, 3].map((count) => `${region}-op-${count}`));
    expect(await effects(redis())).toEqual(names.flatMap((name) => [`restart ${name}`, `switch ${name}`]));
    const journal = await store.journal('r1');
    expect(journal.slice(0, events.length + 1).every(({ key }) => key === undefined)).toBe(true);
    expect(flawsIn('r1', journal)).toEqual([]);
  });
});

/** As if it had been stored just now, and with watches that a test has the time for. */
function ofNow({ stored, journal, now }: StoredFirst) {
  const moved = Date.now() - now;
  const anew = (_key: string, value: unknown) =>
    typeof value === 'number' && value > Date.UTC(2020, 0) ? value + moved : value;
  const body: Former = JSON.parse(JSON.stringify(stored.rollout), anew);
  const events: StoredFirst['journal'] = JSON.parse(JSON.stringify(journal), anew);
  const policy = { ...body.policy, pause: 0, watch: 100, retryDelay: 50 };
  return { body: { ...body, policy, batches: body.batches.map((batch) => ({ ...batch, bake: 300 })) }, events };
}

type Former = Rollout & { batches: { bake: number }[] };
