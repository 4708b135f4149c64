import { describe, expect, it } from 'vitest';
import { lackingOf, readHaproxy } from '../../../src/upgrade/balancer/haproxy.ts';
import { readNginx, rewritten } from '../../../src/upgrade/balancer/nginx.ts';
import { misfit, otherThan, tooFew } from '../../../src/upgrade/balancer/pool.ts';
import { readTold } from '../../../src/upgrade/balancer/told.ts';
import type { Pool, Server, Wanted } from '../../../src/upgrade/balancer/types.ts';

const server = (
  name: string,
  gets: Server['gets'],
  well: Server['well'] = 'yes',
  port: number | null = null,
): Server => ({
  ...{ name, gets, well, port, requests: 0 },
});
const forward: Wanted = {
  in: ['g1', 'g2'],
  out: ['b1', 'b2'],
  rest: 'drained',
  need: 2,
  fromMaintenance: true,
  ports: {},
};
const back: Wanted = {
  in: ['b1', 'b2'],
  out: ['g1', 'g2'],
  rest: 'drained',
  need: 1,
  fromMaintenance: false,
  ports: {},
};
const blue = (gets: Server['gets'] = 'traffic') => [server('b1', gets), server('b2', gets)];
const set = (name: string, state: string) => `set server operators/${name} state ${state}`;

describe('what HAProxy is told next', () => {
  it.each<[string, Pool, Wanted, unknown]>([
    [
      'out of maintenance to be checked first',
      [...blue(), server('g1', 'maintenance', 'not yet'), server('g2', 'maintenance', 'not yet')],
      forward,
      { is: 'commands', commands: [set('g1', 'drain'), set('g2', 'drain')], must: [] },
    ],
    [
      'in once a check has passed',
      [...blue(), server('g1', 'nothing'), server('g2', 'nothing', 'not yet')],
      forward,
      { is: 'commands', commands: [set('g1', 'ready')], must: [] },
    ],
    [
      'nothing while one is not checked',
      [...blue(), server('g1', 'traffic'), server('g2', 'nothing', 'not yet')],
      forward,
      { is: 'waiting', reason: '1 of 2 serve: g2 is out, not checked yet' },
    ],
    [
      'nothing while one is sick',
      [...blue(), server('g1', 'traffic'), server('g2', 'traffic', 'no')],
      forward,
      { is: 'waiting', reason: '1 of 2 serve: g2 is in, not healthy' },
    ],
    [
      'the old ones out when all new ones serve',
      [...blue(), server('g1', 'traffic'), server('g2', 'traffic')],
      forward,
      { is: 'commands', commands: [set('b1', 'drain'), set('b2', 'drain')], must: ['g1', 'g2'] },
    ],
    [
      'only those that are still in',
      [server('b1', 'nothing'), server('b2', 'traffic'), server('g1', 'traffic'), server('g2', 'traffic')],
      forward,
      { is: 'commands', commands: [set('b2', 'drain')], must: ['g1', 'g2'] },
    ],
    [
      'nothing when it is so',
      [...blue('nothing'), server('g1', 'traffic'), server('g2', 'traffic')],
      forward,
      { is: 'nothing' },
    ],
    [
      'maintenance where nobody is to ask any more',
      [...blue('nothing'), server('g1', 'traffic'), server('g2', 'traffic')],
      { ...forward, rest: 'maintenance' },
      { is: 'commands', commands: [set('b1', 'maint'), set('b2', 'maint')], must: ['g1', 'g2'] },
    ],
    [
      'back at once, who is known to be sick as well',
      [server('b1', 'nothing'), server('b2', 'nothing', 'no'), server('g1', 'traffic'), server('g2', 'traffic')],
      back,
      { is: 'commands', commands: [set('b1', 'ready'), set('b2', 'ready')], must: [] },
    ],
    [
      'back with as many as must serve',
      [server('b1', 'traffic'), server('b2', 'traffic', 'no'), server('g1', 'traffic'), server('g2', 'traffic')],
      back,
      { is: 'commands', commands: [set('g1', 'drain'), set('g2', 'drain')], must: ['b1'] },
    ],
    [
      'back without whom somebody put into maintenance',
      [
        server('b1', 'traffic'),
        server('b2', 'maintenance', 'not yet'),
        server('g1', 'traffic'),
        server('g2', 'nothing'),
      ],
      back,
      { is: 'commands', commands: [set('g1', 'drain')], must: ['b1'] },
    ],
    [
      'never with too few',
      [
        server('b1', 'traffic', 'no'),
        server('b2', 'maintenance', 'not yet'),
        server('g1', 'traffic'),
        server('g2', 'traffic'),
      ],
      back,
      { is: 'waiting', reason: '0 of 1 serve: b1 is in, not healthy, b2 is in maintenance, not checked yet' },
    ],
    [
      'nothing where one is not there',
      blue(),
      forward,
      { is: 'impossible', reason: 'the balancer has no server g1, g2' },
    ],
  ])('%s', (_, pool, wanted, lacking) => {
    expect(lackingOf('operators', pool, wanted)).toEqual(lacking);
  });
});

it('whoever is in their place is known by the port, where the balancer tells', () => {
  const pool = [...blue(), server('g1', 'traffic', 'yes', 8080), server('g2', 'traffic')];
  expect(misfit(pool, { ...forward, ports: { g1: 8081, g2: 8081 } })).toBe(
    'on the balancer g1 leads to port 8080, not 8081',
  );
  expect(misfit(pool, { ...forward, ports: { g1: 8080 } })).toBe(null);
});

it('a pool is other than it was left', () => {
  const left = [...blue('nothing'), server('g1', 'traffic'), server('g2', 'traffic')];
  expect(otherThan(left, forward)).toBe(null);
  expect(otherThan([...blue(), server('g1', 'maintenance'), server('g2', 'traffic')], forward)).toBe(
    'g1 gets no traffic, b1 gets traffic, b2 gets traffic',
  );
  expect(tooFew(left, forward)).toBe(null);
});

describe('HAProxy 2.6 says', () => {
  const titles =
    '# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr srv_agent_addr srv_agent_port';
  const row = (name: string, is: number, admin: number) =>
    `3 operators 1 ${name} 127.0.0.1 ${is} ${admin} 1 1 1 15 3 3 6 0 0 0 - 19081 - 0 0 - - 0`;
  const heads = '# pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,dresp,ereq,econ,eresp,wretr,wredis,status';
  const stat = (name: string, status: string) => `operators,${name},1,0,2,0,,0,0,0,,0,,0,0,0,0,${status}`;
  it.each([
    ['UP', 2, 0, 'traffic', 'yes'],
    ['UP 1/3', 2, 0, 'traffic', 'not yet'],
    ['DOWN', 0, 0, 'traffic', 'no'],
    ['DOWN', 0, 8, 'nothing', 'no'],
    ['DRAIN', 2, 8, 'nothing', 'yes'],
    ['DRAIN', 2, 12, 'nothing', 'yes'],
    ['DRAIN 1/2', 2, 12, 'nothing', 'not yet'],
    ['MAINT', 0, 5, 'maintenance', 'not yet'],
    ['MAINT', 0, 1, 'maintenance', 'not yet'],
    ['no check', 2, 0, 'traffic', 'unasked'],
  ] as const)('%s (%d, %d)', (status, is, admin, gets, well) => {
    expect(readHaproxy('operators', ['1', titles, row('a1', is, admin)], [heads, stat('a1', status)])).toEqual([
      { name: 'a1', gets, well, port: 19081, requests: 3 },
    ]);
  });
  it.each([
    ['nothing', [], []],
    ["Can't find backend.", ["Can't find backend."], [heads]],
    ['of another backend', [titles, row('a1', 2, 0).replace('operators', 'others')], [heads]],
    ['half', [titles, row('a1', 2, 0)], [heads]],
    ['torn', [titles, row('a1', 2, 0).slice(0, 24)], [heads, stat('a1', 'UP')]],
  ])('%s, and nobody takes it for a pool', (_, states, said) => {
    expect(readHaproxy('operators', states, said)).toBe(null);
  });
});

describe("nginx's file", () => {
  const text = `upstream operators {
    # server 1.1.1.1:80; # old
    zone operators 64k;
    server 10.0.1.11:8080 weight=3 max_fails=2; # b1
\tserver 10.0.1.12:8080; # b2, the small one
    server 10.0.1.11:8081 down; # g1
    server 10.0.1.12:8081   down  weight=3;# g2
    server 10.0.1.13:8081 backup;
}
`;
  it('is read by its lines', () => {
    expect(readNginx(text)?.map(({ name, gets, port }) => [name, gets, port])).toEqual([
      ['b1', 'traffic', 8080],
      ['b2', 'traffic', 8080],
      ['g1', 'nothing', 8081],
      ['g2', 'nothing', 8081],
    ]);
  });
  it('is changed in those lines alone, and comes back as it was', () => {
    const switched = rewritten(text, forward);
    expect(readNginx(switched)?.map(({ gets }) => gets)).toEqual(['nothing', 'nothing', 'traffic', 'traffic']);
    const changed = text.split('\n').flatMap((line, at) => (line === switched.split('\n')[at] ? [] : [at]));
    expect(changed).toEqual([3, 4, 5, 6]);
    expect(switched.split('\n')[3]).toBe('    server 10.0.1.11:8080 weight=3 max_fails=2 down; # b1');
    expect(switched.split('\n')[5]).toBe('    server 10.0.1.11:8081; # g1');
    expect(readNginx(rewritten(switched, back))).toEqual(readNginx(text));
    expect(rewritten(switched, forward)).toBe(switched);
  });
  it.each([
    ['', ''],
    ['no names', 'server 1.1.1.1;'],
    ['one twice', 'server 1.1.1.1; # a\nserver 1.1.1.2; # a'],
  ])('%s is none', (_, found) => {
    expect(readNginx(found)).toBe(null);
  });
});

it.each([
  [
    ['op-1 in', 'op-2 out down', ''],
    [server('op-1', 'traffic', 'unasked'), server('op-2', 'nothing', 'no')],
  ],
  [['op-1 in', 'warning: slow'], null],
  [['op-1 in', 'op-1 out'], null],
  [[], null],
])('a program that says %j', (lines, pool) => {
  expect(readTold(lines)).toEqual(pool === null ? null : pool.map((each) => ({ ...each, requests: null })));
});
