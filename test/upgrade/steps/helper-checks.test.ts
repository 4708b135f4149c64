import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Check, CommandCheck, DatabaseCheck, JournalCheck } from '../../../src/upgrade/checks/types.ts';
import { last, read } from '../../../src/upgrade/host/answer.ts';
import * as commands from '../../../src/upgrade/host/commands.ts';
import { helperParts, helpersOf } from '../../../src/upgrade/host/helper/index.ts';
import { policyPath, policyText } from '../../../src/upgrade/host/helper/policy.ts';
import type { Fleet } from '../../../src/upgrade/rollout/types.ts';
import type { Command, Host } from '../../../src/upgrade/ssh/types.ts';
import { fleetOf } from '../../support/rollouts.ts';
import { HelperTrial, node } from './helper-node.ts';
import { service } from './support.ts';

const common = { at: ['watch'], absent: 'bad', onBad: 'hold', within: 5_000 } as const;
const disk: CommandCheck = {
  ...common,
  kind: 'command',
  name: 'disk',
  command: ['/usr/local/bin/df-check', '{name}', '-a'],
};
const other: CommandCheck = { ...common, kind: 'command', name: 'other', command: ['/usr/local/bin/df-check', 'x'] };
const database: DatabaseCheck = {
  ...common,
  kind: 'database',
  name: 'db',
  key: 'DATABASE_URL',
  query: 'select 1',
  that: null,
};
const log: JournalCheck = {
  ...common,
  kind: 'journal',
  name: 'log',
  priority: 'err',
  over: 60_000,
  watch: null,
  bad: 1,
};
const checks: Check[] = [disk, database, log];
const limit = 30_000;

it('the policy of a node holds the programs and the keys of its checks, and nothing of the others', () => {
  const policy = policyText('trial', node, service, checks);
  const own = policy.split('\n').filter((line) => /^(?:check|key) /.test(line));
  expect(own).toEqual([
    'check disk /usr/local/bin/df-check',
    `check disk ${node}`,
    'check disk -a',
    'key DATABASE_URL',
  ]);
  expect(helperParts({ fleet: 'trial', node, service, checks, user: 'ops', signers: [] }).policy).toBe(policy);
});

it('a node whose helper lacks what a check wants is told apart by plan and doctor', () => {
  const host: Host = {
    name: node,
    address: 'a',
    port: 22,
    user: 'ops',
    keyFile: 'k',
    knownHostsFile: 'h',
    become: 'helper',
  };
  const wanted = (fleet: Fleet) => helpersOf(fleet, { [node]: host }, [])(node)?.policy;
  const fleet = { ...fleetOf(), name: 'trial' };
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
  expect(wanted({ ...fleet, checks })).toBe(sha256(policyText('trial', node, fleet.service, checks)));
  expect(wanted({ ...fleet, checks })).not.toBe(wanted(fleet));
});

// Every command is some seventy processes behind a login of its own; on a busy machine that adds up.
describe('a node whose helper takes orders', { timeout: 240_000 }, () => {
  let trial: HelperTrial;
  beforeAll(async () => {
    trial = await new HelperTrial().open();
    const text = trial.moved(policyText('trial', node, service, checks));
    writeFileSync(trial.node.path(`.${policyPath(service)}`), text, { mode: 0o644 });
    trial.node.write('usr/local/bin/df-check', '#!/bin/sh\necho "it is $1 $2"\nexit 3\n', 0o755);
    trial.node.write('bin/journalctl', '#!/bin/sh\necho \'{"PRIORITY":"3","MESSAGE":"x"}\'\n', 0o755);
  }, 240_000);
  afterAll(() => trial?.close());
  const ask = async (command: Command) => read(await trial.shell.run(node, command));

  it('answers what its policy allows, without any order, and changes nothing', async () => {
    const before = trial.node.snapshot();
    const ran = await ask(commands.runCheck(service, node, disk, limit));
    expect(ran).toMatchObject({ is: 'ok' });
    if (ran.is === 'ok')
      expect([last(ran.output, 'code'), ran.output.get('said')?.[0]]).toEqual(['3', `it is ${node} -a`]);
    const counted = await ask(commands.countEntries(service, log, limit));
    expect(counted.is === 'ok' && last(counted.output, 'entries')).toBe('1 1 0');
    const lent = await ask(commands.lendKey(service, database, limit));
    expect(lent.is === 'ok' && last(lent.output, 'value')).toBe('postgres://zw:s3cret@db/zw');
    expect(trial.node.snapshot()).toBe(before);
  });

  it('runs no program, with no words, that its policy does not have for that check', async () => {
    const refused = { is: 'refused', word: 'policy' };
    const words = (...command: string[]) => ask(commands.runCheck(service, node, { ...disk, command }, limit));
    expect(await words('/bin/sh', '-c', 'reboot')).toMatchObject(refused);
    expect(await words('/usr/local/bin/df-check', node)).toMatchObject(refused);
    expect(await words('/usr/local/bin/df-check', node, '-a', '-b')).toMatchObject(refused);
    expect(await ask(commands.runCheck(service, node, other, limit))).toMatchObject(refused);
    const command = commands.runCheck(service, node, disk, limit);
    const nameless = { ...command, args: command.args.filter((word) => !word.startsWith('check=')) };
    expect(await ask(nameless)).toMatchObject(refused);
    expect(await ask({ ...command, args: command.args.slice(0, command.args.indexOf('--')) })).toMatchObject(refused);
  });

  it('lends no other key', async () => {
    const lend = (key: string) => ask(commands.lendKey(service, { ...database, key }, limit));
    expect(await lend('OTHER_TOKEN')).toMatchObject({
      is: 'refused',
      word: 'policy',
      detail: expect.stringContaining('OTHER_TOKEN'),
    });
    expect(await lend('DATABASE')).toMatchObject({ is: 'refused', word: 'policy' });
    const command = commands.lendKey(service, database, limit);
    for (const wanted of ['', '.*', 'DATABASE_URL\\|OTHER'])
      expect(await ask({ ...command, args: [...command.args.slice(0, -1), `wanted=${wanted}`] })).toMatchObject({
        is: 'refused',
      });
  });
});
