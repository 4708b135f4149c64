import { comingIn, impossible, misfit, serving, stateOf, tooFew } from './pool.ts';
import type { Lacking, Pool, Server, Wanted } from './types.ts';

/** Bits of `srv_admin_state` (HAProxy's management guide, "show servers state"): out by whoever, and drained by whoever. */
const maintenance = 0x23;
const drained = 0x18;
const running = 2;

/**
 * The servers of a backend, from the answers to `show servers state BACKEND` and `show stat`: the first alone tells whether one that is down
 * is drained, the second whether a check has passed since it came back ("DRAIN 1/2": not yet), and what is under way.
 * @returns null when there is no such backend, or what was said is something else
 */
export function readHaproxy(backend: string, states: string[], stat: string[]): Pool | null {
  const titles = states
    .find((line) => line.startsWith('# '))
    ?.slice(2)
    .split(' ');
  const heads = stat
    .find((line) => line.startsWith('# '))
    ?.slice(2)
    .split(',');
  if (titles === undefined || heads === undefined) return null;
  const rows = states.map((line) => line.split(' ')).filter((row) => row[titles.indexOf('be_name')] === backend);
  const told = stat.map((line) => line.split(',')).filter((row) => row[heads.indexOf('pxname')] === backend);
  if (rows.length === 0) return null;
  const pool = rows.map((row): Server | null => {
    const of = (title: string): string => row[titles.indexOf(title)] ?? '';
    const name = of('srv_name');
    const line = told.find((each) => each[heads.indexOf('svname')] === name);
    const [admin, is] = [Number(of('srv_admin_state')), Number(of('srv_op_state'))];
    if (row.length < titles.length || line === undefined || !Number.isInteger(admin) || !Number.isInteger(is))
      return null;
    const under = (head: string): string => line[heads.indexOf(head)] ?? '';
    const gets = (admin & maintenance) !== 0 ? 'maintenance' : (admin & drained) !== 0 ? 'nothing' : 'traffic';
    return {
      name,
      gets,
      well: wellOf(under('status'), is, gets),
      port: Number(of('srv_port')) || null,
      requests: Number(under('scur') || 0) + Number(under('qcur') || 0),
    };
  });
  return pool.every((server) => server !== null) ? pool : null;
}

function wellOf(status: string, is: number, gets: Server['gets']): Server['well'] {
  if (gets === 'maintenance') return 'not yet';
  if (status === 'no check') return 'unasked';
  if (is !== running) return 'no';
  return status.includes('/') ? 'not yet' : 'yes';
}

/**
 * What to say to HAProxy next. `state ready` makes a server that was never asked UP before any check (haproxy#51): one that comes out of
 * maintenance is drained first, which has it checked, and let in once a check has passed. Nobody is taken out before enough of those who are in
 * are seen UP.
 */
export function lackingOf(backend: string, pool: Pool, wanted: Wanted): Lacking {
  const wrong = misfit(pool, wanted);
  if (wrong !== null) return impossible(wrong);
  const set = (name: string, state: 'ready' | 'drain' | 'maint') => `set server ${backend}/${name} state ${state}`;
  const coming = comingIn(pool, wanted).filter(({ gets }) => gets !== 'traffic');
  const ins = coming.flatMap(({ name, gets, well }) => {
    if (gets === 'maintenance') return [set(name, 'drain')];
    return well === 'not yet' ? [] : [set(name, 'ready')];
  });
  if (ins.length > 0) return { is: 'commands', commands: ins, must: [] };
  const few = tooFew(pool, wanted);
  if (few !== null) return { is: 'waiting', reason: few };
  const left = pool.filter(
    ({ name, gets }) => wanted.out.includes(name) && (gets === 'traffic' || isToRest(gets, wanted)),
  );
  if (left.length > 0) {
    const state = wanted.rest === 'drained' ? 'drain' : 'maint';
    return { is: 'commands', commands: left.map(({ name }) => set(name, state)), must: serving(pool, wanted) };
  }
  return coming.length === 0 ? { is: 'nothing' } : { is: 'waiting', reason: coming.map(stateOf).join(', ') };
}

const isToRest = (gets: Server['gets'], { rest }: Wanted): boolean => rest === 'maintenance' && gets === 'nothing';
