import { describe, expect, it } from 'vitest';
import { load, shortest as yaml } from './settings.ts';

const two = (more = '', first = '') =>
  load(`${yaml}services:
  agent: { name: zeitwork-node-agent, health: "http://{address}:8082/health", after: [operator]${more} }
  operator: { name: zeitwork-operator, health: "http://{name}.example:8080/health"${first} }
`);
const traffic = 'traffic: { drain: [/b, out, "{name}"], undrain: [/b, in, "{name}"] }';

describe('several services', () => {
  it('have nodes, regions, addresses and access of their own, in order of work', () => {
    const { fleet, hosts, healthUrls } = two();
    const one = load(yaml);
    const [name = ''] = Object.keys(one.hosts);
    const [region] = one.fleet.regions;
    expect(fleet.services?.map(({ key }) => key)).toEqual(['operator', 'agent']);
    expect(fleet.service).toBe(fleet.services?.[0]?.service);
    expect(fleet.regions.map((each) => each.name)).toEqual([
      ...one.fleet.regions.map((each) => `${each.name}/operator`),
      ...one.fleet.regions.map((each) => `${each.name}/agent`),
    ]);
    expect(fleet.regions[0]).toMatchObject({ calendar: region?.calendar, approvers: region?.approvers });
    expect(hosts[`${name}/agent`]).toEqual({ ...one.hosts[name], name: `${name}/agent` });
    expect(healthUrls[`${name}/agent`]).toBe(`http://${one.hosts[name]?.address}:8082/health`);
    expect(healthUrls[`${name}/operator`]).toBe(`http://${name}.example:8080/health`);
    expect(Object.keys(hosts)).not.toContain(name);
  });

  it('fill in what follows from a name', () => {
    expect(two().fleet.services?.[1]).toMatchObject({
      blinds: [],
      service: {
        unit: 'zeitwork-node-agent',
        binary: '/usr/local/bin/zeitwork-node-agent',
        envFile: '/etc/zeitwork/node-agent.env',
        archiveMember: 'build/zeitwork-node-agent',
      },
    });
  });

  it('that blind another one take it out of service by its commands, and come before it', () => {
    const { fleet } = two(`, ${traffic}`, ', blinds: [agent]');
    expect(fleet.services?.[0]).toMatchObject({
      blinds: ['agent'],
      service: { traffic: { drain: ['/b', 'out', '{name}'] } },
    });
  });

  it.each([
    [
      ', unit: zeitwork-operator',
      '',
      /services\.agent\.unit|services\.operator\.unit: "zeitwork-operator" is that of agent, too/,
    ],
    [', blinds: [lb]', '', /services\.agent\.blinds\[0\]: "lb" is no service; write agent or operator/],
    ['', ', after: [agent]', /services: wait for each other/],
    ['', ', blinds: [agent]', /services\.operator\.blinds: nothing takes agent out of service/],
    [`, blinds: [operator]`, `, ${traffic}`, /services: wait for each other/],
    ['', ', after: [operator]', /services\.operator\.after\[0\]: is this service itself/],
  ])('are refused with %j%j', (agent, operator, why) => {
    expect(() => two(agent, operator)).toThrow(why);
  });

  it('stand instead of one', () => {
    const services = 'services: { operator: { name: zeitwork-operator, health: "http://{address}/health" } }\n';
    expect(() => load(`${yaml}service: { name: zeitwork-operator }\n${services}`)).toThrow(
      /service: is for a fleet of one service/,
    );
    expect(() => load(`${yaml}health: "http://{address}:8080/health"\n${services}`)).toThrow(
      /health: is for a fleet of one/,
    );
    expect(() => load(`${yaml}services: {}\n`)).toThrow(/services: is empty/);
    expect(() => load(`${yaml}services: { "1": { name: a, health: "http://{address}/" } }\n`)).toThrow(
      /services\.1: .*is not the name of a service/,
    );
  });
});
