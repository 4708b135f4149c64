import { describe, expect, it } from 'vitest';
import { hour, minute } from '../../src/base/duration.ts';
import { load, shortest } from './settings.ts';

const hosts = 'hosts: { build: { address: 10.0.9.5 }, db: { address: 10.0.9.6 } }\n';
const build = 'build: { on: build, repository: "git@example.com:zeitwork.git", command: [make, build] }\n';
const rows = `compatibility:
  - { operator: 1.x, schema: [1, 2] }
  - { operator: 2.x, schema: [2, 3], before: 2, after: 3 }
`;
const commands = 'env: /etc/zeitwork/migrate.env, before: [make, up], query: [psql, -XAtq], version: "select 1"';
const database = (more = ', after: [make, post]', on = 'db') =>
  `database: { on: ${on}, ${commands}${more}, backup: { command: [last-backup] }, approvers: { users: [U9] } }\n`;

describe('database', () => {
  it('has a host of its own, and approvers of its own', () => {
    const settings = load(`${shortest}${hosts}${build}${rows}${database()}`);
    expect(settings.database).toMatchObject({
      ...{ host: { name: 'db', address: '10.0.9.6' }, env: '/etc/zeitwork/migrate.env', folder: '.' },
      ...{ after: ['make', 'post'], limit: 15 * minute, backup: { command: ['last-backup'], maxAge: 24 * hour } },
    });
    expect(settings.fleet.database).toMatchObject({ region: 'eu-west', approvers: { users: ['U9'] }, attest: false });
    expect(load(shortest).database).toBe(null);
  });

  it.each([
    [
      'a host that is not described',
      `${hosts}${build}${rows}${database(', after: [make, post]', 'elsewhere')}`,
      /database\.on: "elsewhere" is no host/,
    ],
    [
      'a region that there is not',
      `${hosts}${build}${rows}${database(', after: [make, post], region: mars')}`,
      /database\.region: "mars" is no region; write eu-west/,
    ],
    [
      'nothing that says where the source is',
      `${hosts}${rows}${database()}`,
      /database: takes the source from build\.repository/,
    ],
    ['no schemas', `${hosts}${build}${database()}`, /database: goes by the schemas in compatibility/],
    ['a schema that nothing makes', `${hosts}${build}${rows}${database('')}`, /database: has no after/],
    ['a relative file', `${hosts}${build}${rows}${database().replace('/etc/zeitwork/', '')}`, /database\.env/],
  ])('is refused with %s', (_name, text, why) => {
    expect(() => load(`${shortest}${text}`)).toThrow(why);
  });
});
