import { describe, expect, it } from 'vitest';
import { load, shortest as yaml } from './settings.ts';

const hosts = 'hosts: { lb-1: { address: 10.0.9.7, user: ops } }\n';
const withBalancer = (text: string, before = hosts) =>
  load(`${before}${yaml.replace(/^( +)nodes:/m, (all, space) => `${space}balancer: ${text}\n${all}`)}`);

describe('a balancer', () => {
  it.each([
    [
      '{ kind: haproxy, hosts: [lb-1], backend: operators, probe: "http://10.0.9.7/health" }',
      {
        ...{ kind: 'haproxy', hosts: ['lb-1'], backend: 'operators', socket: '/run/haproxy/admin.sock' },
        ...{
          stateFile: '/var/lib/haproxy/state',
          config: '/etc/haproxy/haproxy.cfg',
          probe: 'http://10.0.9.7/health',
          drain: 60_000,
        },
      },
    ],
    [
      '{ kind: nginx, hosts: [lb-1], file: /etc/nginx/operators.conf, probe: "http://10.0.9.7/health", drain: 5s }',
      {
        kind: 'nginx',
        file: '/etc/nginx/operators.conf',
        config: '/etc/nginx/nginx.conf',
        pidFile: '/run/nginx.pid',
        drain: 5_000,
      },
    ],
    [
      '{ kind: command, hosts: [lb-1], show: [/bin/pool], apply: [/bin/pool, "{in}", "{out}"], probe: "http://10.0.9.7/health" }',
      { kind: 'command', show: ['/bin/pool'], apply: ['/bin/pool', '{in}', '{out}'] },
    ],
  ])('of %j has what it needs', (text, wanted) => {
    const { balancers, balancerHosts, fleet } = withBalancer(text);
    const region = fleet.regions.find(({ balanced }) => balanced)?.name ?? '';
    expect(balancers[region]).toMatchObject(wanted);
    expect(balancerHosts['lb-1']).toMatchObject({ address: '10.0.9.7' });
  });

  it.each([
    [
      '{ kind: haproxy, hosts: [lb-1], probe: "http://x/" }',
      hosts,
      /balancer\.backend: is missing; a balancer of kind haproxy wants it/,
    ],
    [
      '{ kind: nginx, hosts: [lb-1], file: /x, backend: y, probe: "http://x/" }',
      hosts,
      /balancer\.backend: is no key of a balancer of kind nginx/,
    ],
    [
      '{ kind: haproxy, hosts: [lb-2], backend: y, probe: "http://x/" }',
      hosts,
      /balancer\.hosts\[?.*"lb-2" is no host; describe it under hosts/,
    ],
    [
      '{ kind: haproxy, hosts: [lb-1], backend: "a b", probe: "http://x/" }',
      hosts,
      /balancer\.backend: "a b" is not a backend/,
    ],
  ])('%j is refused', (text, before, why) => {
    expect(() => withBalancer(text, before)).toThrow(why);
  });

  it('none is none', () => {
    expect(load(yaml)).toMatchObject({ balancers: {}, balancerHosts: {} });
  });
});

describe('slots', () => {
  const slots = (text: string, more = '') => load(`${yaml}${more}service: { slots: ${text} }\n`);

  it('lie beside the first place', () => {
    expect(slots('{ port: 8081, set: { PORT: 8081 } }').fleet.service.slots).toEqual({
      ...{ port: 8081, unit: 'zeitwork-operator-green', binary: '/usr/local/bin/zeitwork-operator-green' },
      ...{
        envFile: '/etc/zeitwork/operator-green.env',
        set: { PORT: '8081' },
        server: '{name}-green',
        warm: 3_600_000,
      },
    });
    expect(load(yaml).fleet.service).not.toHaveProperty('slots');
  });

  it('are for a fleet of one service', () => {
    const services =
      'services: { operator: { name: zeitwork-operator, health: "http://{address}/health", slots: { port: 8081 } } }\n';
    expect(() => load(`${yaml}${services}`)).toThrow(/services\.operator\.slots: unknown key/);
  });

  it.each([
    ['{ port: 8081, set: { PORT: "80\\"81" } }', /set\.PORT: .* is not a value/],
    ['{ port: 8081, server: green }', /server: "green" is not the name of a server/],
  ])('%j is refused', (text, why) => {
    expect(() => slots(text)).toThrow(why);
  });
});
