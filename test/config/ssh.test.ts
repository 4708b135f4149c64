import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Settings } from '../../src/config/index.ts';
import { complaints, edited, folder, load } from './settings.ts';

/** Loads with `ssh: { <keys> }` and, beside the settings, an ssh_config file. */
function withSsh(keys: string, sshConfig = '', yaml = edited('{ user: ops }', `{ ${keys} }`)): Settings {
  const where = folder();
  writeFileSync(join(where, 'ssh_config'), sshConfig);
  return load(yaml, {}, where);
}

function complaintsWithSsh(keys: string, sshConfig: string): string[] {
  const where = folder();
  writeFileSync(join(where, 'ssh_config'), sshConfig);
  return complaints(edited('{ user: ops }', `{ ${keys} }`), {}, where);
}

describe('the way to a node', () => {
  it('takes the keys of the node, then those of all nodes', () => {
    const yaml = edited('{ user: ops }', '{ user: ops, port: 2200, key: keys/all, knownHosts: /etc/known }').replace(
      'address: 10.0.0.1',
      'address: 10.0.0.1, user: root, port: 22, key: ~/mine',
    );
    const { hosts } = load(yaml);
    expect(hosts['op-1']).toMatchObject({
      user: 'root',
      port: 22,
      keyFile: '/home/ana/mine',
      knownHostsFile: '/etc/known',
    });
    expect(hosts['op-2']).toMatchObject({
      user: 'ops',
      port: 2200,
      keyFile: expect.stringMatching(/^\/.*\/keys\/all$/),
    });
  });

  it('leads through the jump host of all nodes, unless the node says otherwise', () => {
    const jumps =
      'jumpHosts: { outer: { address: o.example.com }, inner: { address: 10.9.9.9, user: hop, jump: outer } }';
    const yaml = edited('{ user: ops }', `{ user: ops, jump: inner, ${jumps} }`)
      .replace('address: 10.0.0.2', 'address: 10.0.0.2, jump: outer')
      .replace('address: 10.0.0.3', 'address: 10.0.0.3, jump: null');
    const { hosts } = load(yaml);
    expect(hosts['op-1']?.jump).toMatchObject({
      name: 'inner',
      address: '10.9.9.9',
      user: 'hop',
      jump: { name: 'outer', user: 'ops' },
    });
    expect(hosts['op-2']?.jump).toMatchObject({ name: 'outer', address: 'o.example.com' });
    expect(hosts['op-2']?.jump).not.toHaveProperty('jump');
    expect(hosts['op-3']).not.toHaveProperty('jump');
  });

  it.each([
    [
      'a jump host that is not described',
      'jump: x',
      '4: ssh.jump: "x" is not a jump host; describe it under ssh.jumpHosts',
    ],
    [
      'a word that every object knows',
      'jump: constructor',
      '4: ssh.jump: "constructor" is not a jump host; describe it under ssh.jumpHosts',
    ],
    [
      'a jump host behind one that is not described',
      'jump: a, jumpHosts: { a: { address: a, jump: b } }',
      '4: ssh.jumpHosts.a.jump: "b" is not a jump host; describe it under ssh.jumpHosts',
    ],
    [
      'jump hosts in a circle',
      'jump: a, jumpHosts: { a: { address: a, jump: b }, b: { address: b, jump: a } }',
      '4: ssh.jumpHosts.b.jump: "a" leads through itself; end the chain with jump: null',
    ],
  ])('is refused through %s, once for all nodes', (_, keys, line) => {
    expect(complaints(edited('{ user: ops }', `{ user: ops, ${keys} }`))).toEqual([`zeitwork.yaml:${line}`]);
  });
});

describe('an ssh_config file', () => {
  const config = `
Host op-1
  HostName 10.7.7.1
  User deploy
  Port 2201
  IdentityFile ~/.ssh/first
  IdentityFile ~/.ssh/second
  UserKnownHostsFile known_hosts
  ProxyJump gate
Host gate
  HostName gate.example.com
  User gatekeeper
Host op-*
  User everyone
`;

  it('fills in what the settings leave open', () => {
    const yaml = edited('{ user: ops }', '{ config: ssh_config }').replace(', address: 10.0.0.1', '');
    const { hosts, healthUrls } = withSsh('', config, yaml);
    expect(hosts['op-1']).toEqual({
      name: 'op-1',
      address: '10.7.7.1',
      become: 'sudo',
      port: 2201,
      user: 'deploy',
      keyFile: '/home/ana/.ssh/first',
      knownHostsFile: expect.stringMatching(/^\/.*\/known_hosts$/),
      jump: {
        name: 'gate',
        address: 'gate.example.com',
        port: 22,
        user: 'gatekeeper',
        keyFile: '/home/ana/.ssh/id_ed25519',
        knownHostsFile: '/home/ana/.ssh/known_hosts',
      },
    });
    expect(hosts['op-2']).toMatchObject({ address: '10.0.0.2', user: 'everyone' });
    expect(healthUrls['op-1']).toBe('http://10.7.7.1:8080/health');
  });

  it('gives way to keys of the settings', () => {
    const { hosts } = withSsh('config: ssh_config, user: ops, port: 22, key: /k, jump: null', config);
    expect(hosts['op-1']).toMatchObject({ address: '10.0.0.1', user: 'ops', port: 22, keyFile: '/k' });
    expect(hosts['op-1']).not.toHaveProperty('jump');
  });

  it('may chain jumps, the last of which is next to the node', () => {
    const { hosts } = withSsh('config: ssh_config, user: ops', 'Host op-1\n  ProxyJump a@first:2222,ssh://b@second\n');
    expect(hosts['op-1']?.jump).toMatchObject({
      name: 'second',
      port: 22,
      user: 'b',
      jump: { name: 'first', port: 2222, user: 'a' },
    });
  });

  it('may turn a jump off', () => {
    const { hosts } = withSsh(
      'config: ssh_config, user: ops',
      'Host op-1\n  ProxyJump none\nHost op-*\n  ProxyJump gate\n',
    );
    expect(hosts['op-1']).not.toHaveProperty('jump');
    expect(hosts['op-2']?.jump?.name).toBe('gate');
  });

  it.each([
    [
      'a chain that leads back',
      'Host op-*\n  ProxyJump gate\nHost gate\n  ProxyJump gate\n',
      /^zeitwork\.yaml:10: regions\[0\]\.nodes\[0\]\.jump: ProxyJump "gate" \(ssh\.config\) leads nowhere/,
    ],
    ['an Include', 'Include other\n', /ssh\.config: .*ssh_config uses Include, which is not followed/],
  ])('is refused with %s', (_, text, message) => {
    expect(complaintsWithSsh('config: ssh_config, user: ops', text)[0]).toMatch(message);
  });

  it('never runs the program of a Match', () => {
    const where = folder();
    writeFileSync(join(where, 'ssh_config'), `Match exec "touch ${where}/ran"\n  User evil\n`);
    const { hosts } = load(edited('{ user: ops }', '{ config: ssh_config, user: ops }'), {}, where);
    expect(hosts['op-1']?.user).toBe('ops');
    expect(() => load('', {}, join(where, 'ran'))).toThrow(/ENOENT/);
  });
});
