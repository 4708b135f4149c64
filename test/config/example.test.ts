import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { isMap, isScalar, parseDocument, visit } from 'yaml';
import { z } from 'zod';
import { loadSettings } from '../../src/config/index.ts';
import { schema } from '../../src/config/schema.ts';
import { folder, load } from './settings.ts';

const file = resolve(import.meta.dirname, '../../zeitwork.example.yaml');
const example = readFileSync(file, 'utf8');
const env = { HOME: '/home/ana' };

/** Keys that stand only in a comment, because they exclude another one or need a file. */
const commented = [
  'services',
  'services.name',
  'services.health',
  'services.after',
  'services.blinds',
  'releases.url',
  'ssh.config',
  'keys',
  'keys.bot',
  'keys.worker',
  'stopFile',
  'drift.at',
  'aftercare.watch',
  'aftercare.stable',
  'service.traffic',
  'alerts',
  'metrics',
  'metrics.listen',
  'proven',
  ...['fleet', 'journal', 'keys', 'keys.bot', 'keys.worker', 'for', 'within', 'atLeast', 'otherwise'].map(
    (key) => `proven.${key}`,
  ),
  'hosts',
  'hosts.address',
  'build',
  ...['on', 'repository', 'command', 'network', 'signedBy', 'signedBy.name', 'signedBy.key', 'limit', 'memory'].map(
    (key) => `build.${key}`,
  ),
  'database',
  ...[
    'on',
    'env',
    'folder',
    'prepare',
    'status',
    'before',
    'after',
    'query',
    'version',
    'backup',
    'backup.command',
  ].map((key) => `database.${key}`),
  ...['backup.maxAge', 'backup.attest', 'region', 'approvers', 'approvers.groups', 'needed', 'limit'].map(
    (key) => `database.${key}`,
  ),
  'compatibility',
  ...['operator', 'agent', 'schema', 'from', 'before', 'after'].map((key) => `compatibility.${key}`),
  'checklists',
  ...['before', 'during', 'after'].flatMap((list) =>
    ['', '.text', '.by', '.check'].map((key) => `checklists.${list}${key}`),
  ),
  'inventory',
  ...['agent', 'schema'].flatMap((what) => ['', '.get', '.select'].map((key) => `inventory.${what}${key}`)),
  'config',
  ...['secret', 'values', 'files', 'changes'].map((key) => `config.${key}`),
  ...['version', 'set', 'unset', 'rename', 'ensure'].map((key) => `config.changes.${key}`),
  'checks',
  ...[
    'name',
    'get',
    'status',
    'at',
    'absent',
    'then',
    'within',
    'that',
    'metrics',
    'rate',
    'per',
    'over',
    'watch',
    'bad',
    'compare',
  ].map((key) => `checks.${key}`),
  ...['journal', 'database', 'query', 'command'].map((key) => `checks.${key}`),
  'notices',
  'notices.webhook',
  ...['name', 'url'].map((key) => `notices.webhook.${key}`),
  ...['alertmanager', 'matchers', 'url'].map((key) => `alerts.${key}`),
  ...['drain', 'undrain', 'limit'].map((key) => `service.traffic.${key}`),
  'service.slots',
  ...['port', 'unit', 'binary', 'envFile', 'set', 'server', 'warm'].map((key) => `service.slots.${key}`),
  'regions.balancer',
  ...[
    'kind',
    'hosts',
    'probe',
    'drain',
    'backend',
    'socket',
    'stateFile',
    'config',
    'file',
    'pidFile',
    'show',
    'apply',
  ].map((key) => `regions.balancer.${key}`),
];

/** Keys that appear without a default: they are required, or stand for nothing when they are left out. */
const withoutDefault = /^(fleet|channel|team|releases|ssh\.(user|jump)$|ssh\.jumpHosts\.|regions|freezes|roles|people)/;

/** `regions.nodes.name`: lists and names of blocks leave no trace. */
function keysOf(type: unknown, at: string[] = []): string[] {
  if (type instanceof z.ZodObject) {
    return Object.entries(type.shape).flatMap(([key, inner]) => [
      [...at, key].join('.'),
      ...keysOf(inner, [...at, key]),
    ]);
  }
  if (type instanceof z.ZodArray) return keysOf(type.element, at);
  if (type instanceof z.ZodRecord) return keysOf(type.valueType, at);
  if (type instanceof z.ZodOptional || type instanceof z.ZodNullable) return keysOf(type.unwrap(), at);
  if (type instanceof z.ZodPipe) return keysOf(type.out, at);
  return [];
}

/** Every key of the example, in the same form, with the text of its line. */
function written(): { key: string; line: string }[] {
  const document = parseDocument(example);
  const lines = example.split('\n');
  const found: { key: string; line: string }[] = [];
  visit(document, {
    Pair(_, pair, ancestors) {
      if (!isScalar(pair.key) || !pair.key.range) return;
      const keys = ancestors.flatMap((each) => ('key' in each && isScalar(each.key) ? [String(each.key.value)] : []));
      const line = lines[example.slice(0, pair.key.range[0]).split('\n').length - 1] ?? '';
      const key = [...keys, String(pair.key.value)].filter((each) => each !== 'bastion').join('.');
      if (!isMap(pair.value) || key !== 'ssh.jumpHosts') found.push({ key, line });
      else found.push({ key, line: '' });
    },
  });
  return found;
}

it('the example can be loaded', () => {
  const settings = loadSettings(file, env);
  expect(settings.fleet.regions.map((region) => region.name)).toEqual(['us-east', 'eu-west', 'ap-south']);
  expect(Object.keys(settings.hosts)).toHaveLength(9);
});

it('the example shows every key that there is', () => {
  const shown = written().map(({ key }) => key);
  const ways = ['port', 'key', 'knownHosts', 'jump'];
  const access = [...ways.map((key) => `ssh.jumpHosts.${key}`), ...['user', ...ways].map((key) => `hosts.${key}`)];
  const again = ['reason', 'author', 'zone', 'from', 'to'].map((key) => `regions.freezes.${key}`);
  // Written like the windows of a region.
  const hours = ['days', 'from', 'to', 'weeks'].map((key) => `policy.waking.${key}`);
  const own = ['unit', 'binary', 'owner', 'mode', 'envFile', 'versionArgs', 'traffic', 'archiveMember'];
  const ofTraffic = ['drain', 'undrain', 'limit'].map((key) => `traffic.${key}`);
  // Those of `service`, written once.
  const ofSlots = ['port', 'unit', 'binary', 'envFile', 'set', 'server', 'warm'].map((key) => `slots.${key}`);
  const ofServices = [...own, ...ofTraffic, 'slots', ...ofSlots].map((key) => `services.${key}`);
  const told = [
    ...commented,
    ...ofServices,
    ...access,
    ...again,
    ...hours,
    'database.approvers.users',
    'roles.breakers.groups',
    'roles.stoppers.users',
    'roles.onCall.users',
    'roles.escalation.users',
  ];
  expect(keysOf(schema).filter((key) => !shown.includes(key) && !told.includes(key))).toEqual([]);
  for (const key of commented)
    expect(example).toMatch(new RegExp(`^ *# +(?:- )?${key.split('.').at(-1)}:(?: |$)`, 'm'));
});

it('the example can do without each line that is marked as default', () => {
  const where = folder();
  const without = example
    .split('\n')
    .filter((line) => !line.endsWith('# default'))
    .join('\n');
  const full = load(example, env, where);
  expect(load(without, env, where)).toEqual({ ...full, file: join(where, 'zeitwork.yaml') });
});

it('the example marks every key that has a default', () => {
  const marked = written().filter(({ line }) => line.endsWith('# default'));
  const leaves = written().filter(({ key }) => !written().some((other) => other.key.startsWith(`${key}.`)));
  const unmarked = leaves.filter(({ line, key }) => !line.endsWith('# default') && !withoutDefault.test(key));
  expect(unmarked.map(({ key }) => key)).toEqual([]);
  expect(marked.length).toBeGreaterThan(30);
});
