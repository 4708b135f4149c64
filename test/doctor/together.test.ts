import { describe, expect, it } from 'vitest';
import { type NodeLook, tellNodes } from '../../src/doctor/together.ts';
import type { Host } from '../../src/upgrade/ssh/types.ts';

const jump: Host = {
  name: 'bastion',
  address: '198.51.100.1',
  port: 2222,
  user: 'jump',
  keyFile: '/keys/jump',
  knownHostsFile: '/keys/known_hosts',
};
const names = ['op-1', 'op-2', 'op-3'];
const hosts: Record<string, Host> = Object.fromEntries(
  names.map((name, index) => [
    name,
    { ...jump, name, address: `10.0.0.${index + 1}`, port: 22, user: 'ops', keyFile: '/keys/id' },
  ]),
);
const healthUrls = Object.fromEntries(names.map((name) => [name, `http://${name}:8080/health`]));
const around = { hosts, healthUrls, unit: 'zeitwork-operator' };

const look = (node: string, ...problems: string[]): NodeLook => ({ node, problems, portrait: 'v1.0.0, healthy' });
const all = (...problems: string[]) => names.map((name) => look(name, ...problems));
const told = (looks: NodeLook[], changes: Partial<typeof around> = {}) =>
  tellNodes(looks, { ...around, ...changes }).map(({ is, subject, text }) => `${is} ${subject}: ${text}`);
const every = 'wrong 3 nodes: op-1, op-2, op-3: ';

describe('what was found on the nodes', () => {
  it('is a line for each while they differ, in their order', () => {
    expect(
      told([look('op-1'), look('op-2', 'the unit is failed/failed', 'health: connection refused'), look('op-3')]),
    ).toEqual([
      'right op-1: v1.0.0, healthy',
      'wrong op-2: the unit is failed/failed; run there: `sudo systemctl restart zeitwork-operator`; health: connection refused; try it by hand: `curl -i http://op-2:8080/health`',
      'right op-3: v1.0.0, healthy',
    ]);
  });

  it('is one line for what they share, and one for what is left', () => {
    const shared = 'the key file /keys/id cannot be read: it does not exist';
    expect(
      told([look('op-1', shared), look('op-2', shared, 'health: answers 404, 404'), look('op-3', shared)]),
    ).toEqual([
      `${every}the key file /keys/id does not exist; make one with \`ssh-keygen -t ed25519 -N '' -f /keys/id\` and put its .pub on the nodes, or correct ssh.key`,
      'wrong op-2: health: answers 404, 404; try it by hand: `curl -i http://op-2:8080/health`',
    ]);
  });

  it.each([
    [
      'permission denied (public key)',
      'permission denied (public key); `for host in 10.0.0.1 10.0.0.2 10.0.0.3; do ssh-copy-id -i /keys/id.pub ops@$host; done`',
    ],
    [
      'install flock, sha256sum on it',
      'install flock, sha256sum; run there: `sudo apt-get install util-linux coreutils`',
    ],
    [
      'the known_hosts file /keys/known hosts cannot be read: it does not exist',
      "there is no /keys/known hosts; `ssh-keyscan 10.0.0.1 10.0.0.2 10.0.0.3 >> '/keys/known hosts'`, then compare with `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on each",
    ],
    ['connection refused', 'connection refused; try it by hand: `ssh -i /keys/id ops@10.0.0.1 true`'],
    ['there is no unit x: see service.unit', 'there is no unit x: see service.unit'],
  ])('says once how to mend "%s"', (problem, sentence) => {
    expect(told(all(problem))).toEqual([every + sentence]);
  });

  it('takes numbers that differ for the same trouble', () => {
    const looks = names.map((name, index) =>
      look(name, `its clock is 8${index}.${index} s behind: switch it on there`),
    );
    expect(told(looks)).toEqual([
      `${every}clocks are behind, the first by 80.0 s: switch time synchronisation on; run there: \`sudo timedatectl set-ntp true\``,
    ]);
  });

  it('speaks of the host that it is about: the jump host, or the node through it', () => {
    const behind = Object.fromEntries(names.map((name) => [name, { ...jump, ...hosts[name], jump }]));
    const unknown = (name: string) =>
      `host key unknown: ${name} (x:22) shows SHA256:abc and /keys/known_hosts has no line for it; compare it on the node, then add it`;
    expect(told(all(`jump host bastion: ${unknown('bastion')}`), { hosts: behind })).toEqual([
      expect.stringContaining(
        'jump host bastion: host key unknown: /keys/known_hosts has no line for it; `ssh-keyscan -p 2222 198.51.100.1 >> /keys/known_hosts`',
      ),
    ]);
    expect(
      told(
        names.map((name) => look(name, unknown(name))),
        { hosts: behind },
      ),
    ).toEqual([
      expect.stringContaining(
        '`ssh -p 2222 jump@198.51.100.1 ssh-keyscan 10.0.0.1 10.0.0.2 10.0.0.3 >> /keys/known_hosts`',
      ),
    ]);
    expect(told(all('permission denied (public key)'), { hosts: behind })).toEqual([
      expect.stringContaining('ssh-copy-id -i /keys/id.pub -o ProxyJump=jump@198.51.100.1:2222 ops@$host'),
    ]);
  });
});
