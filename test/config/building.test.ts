import { describe, expect, it } from 'vitest';
import { minute } from '../../src/base/duration.ts';
import { load, shortest as yaml } from './settings.ts';

const built = (text: string, hosts = 'hosts: { build: { address: 10.0.9.5, user: builder } }\n') =>
  load(
    `${yaml}${hosts}build: { on: build, repository: "git@example.com:zeitwork.git", command: [make, build]${text} }\n`,
  );

describe('build', () => {
  it('has a host of its own, with the defaults of all others', () => {
    const { build, hosts } = built('');
    expect(build).toMatchObject({
      host: { name: 'build', address: '10.0.9.5', user: 'builder', port: 22 },
      ...{ network: false, signedBy: null, limit: 20 * minute, memory: 4 * 1024 ** 3 },
    });
    expect(Object.keys(hosts)).not.toContain('build');
    expect(load(yaml).build).toBe(null);
  });

  it('on local is on the machine of the worker', () => {
    const text = `${yaml}build: { on: local, repository: /srv/zeitwork.git, command: [make], memory: 512M }\n`;
    expect(load(text).build).toMatchObject({ host: null, memory: 512 * 1024 ** 2 });
  });

  it.each([
    ['', '', /build\.on: "build" is no host; write local, or describe it under hosts/],
    [
      'hosts: { local: { address: 10.0.9.5 }, build: { address: 10.0.9.5 } }\n',
      '',
      /hosts\.local: is what a worker calls its own machine/,
    ],
    [
      'hosts: { op-1: { address: 10.0.9.5 }, build: { address: 10.0.9.5 } }\n',
      '',
      /hosts\.op-1: is the name of a node/,
    ],
    ['hosts: { build: { address: 10.0.9.5 } }\n', ', memory: much', /build\.memory: "much" is not an amount of memory/],
  ])('is refused with %j%j', (hosts, text, why) => {
    expect(() => built(text, hosts)).toThrow(why);
  });

  it.each(['https://user:hunter2@example.com/x.git', 'ext::sh -c id', '-u /tmp/x', '--upload-pack=id', 'git@host:-x'])(
    'takes nothing for a repository that makes git do something else: %s',
    (repository) => {
      const text = `${yaml}build: { on: local, repository: ${JSON.stringify(repository)}, command: [make] }\n`;
      expect(() => load(text)).toThrow(/build\.repository/);
    },
  );
});
