import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2, { type Connection } from 'ssh2';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createShell } from '../../../src/upgrade/ssh/shell.ts';
import { generateKey } from '../../support/sshd.ts';

/** Ways for a server to open something towards whoever logged in to it: what was never asked for is refused. */
const back: Record<string, (node: Connection, done: (error: Error | undefined) => void) => void> = {
  'a port': (node, done) => node.forwardOut('127.0.0.1', 22, '127.0.0.1', 22, done),
  'a socket': (node, done) => node.openssh_forwardOutStreamLocal('/run/agent', done),
  'a screen': (node, done) => node.x11('127.0.0.1', 6000, done),
};

/** The node is ours to write here: it asks for all that a server can ask for, and writes down what it was given. */
describe('a node that was taken over', () => {
  const folder = mkdtempSync(join(tmpdir(), 'zeitwork-reach-'));
  const keyFile = join(folder, 'own');
  const given: string[] = [];
  const refused: Record<string, boolean> = {};
  const toAgent: string[] = [];
  const agent = createServer(() => void toAgent.push('connected')).listen(join(folder, 'agent'));
  const own = generateKey(keyFile, 'ed25519');
  const hostKey = generateKey(join(folder, 'host'), 'ed25519');
  const server = new ssh2.Server({ hostKeys: [readFileSync(join(folder, 'host'))] }, (node) => {
    node.on('error', () => undefined);
    node.on('authentication', (login) => {
      given.push(login.method === 'publickey' ? `key ${login.key.data.toString('base64')}` : login.method);
      if (login.method === 'publickey') login.accept();
      else login.reject(['publickey']);
    });
    node.on('request', (_accept, reject, name) => {
      given.push(`forwarding: ${name}`);
      reject?.();
    });
    node.on('session', (accept) => {
      const session = accept();
      session.on('auth-agent', () => void given.push('agent'));
      session.on('x11', () => void given.push('screen'));
      session.on('env', (_accept, _reject, { key }) => void given.push(`variable ${key}`));
      session.on('pty', () => void given.push('terminal'));
      session.on('exec', async (run) => {
        const channel = run();
        for (const [what, open] of Object.entries(back))
          refused[what] = await new Promise((resolve) => open(node, (error) => resolve(error !== undefined)));
        channel.exit(0);
        channel.end();
      });
    });
  });

  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    vi.stubEnv('SSH_AUTH_SOCK', join(folder, 'agent'));
    vi.stubEnv('DISPLAY', ':0');
  });
  afterAll(() => {
    vi.unstubAllEnvs();
    server.close();
    agent.close();
    rmSync(folder, { recursive: true });
  });

  it('is given no agent and no forwarding, and nothing that it opens towards us is opened', async () => {
    const { port } = server.address() as { port: number };
    const knownHostsFile = join(folder, 'known_hosts');
    writeFileSync(knownHostsFile, `[127.0.0.1]:${port} ${hostKey}\n`);
    const host = { name: 'n', user: 'ops', address: '127.0.0.1', port, keyFile, knownHostsFile };
    const shell = createShell({ n: host });
    const outcome = await shell.run('n', { name: 'try', script: 'echo in', args: [], sudo: false, timeoutMs: 5_000 });
    await shell.close();
    expect(outcome).toMatchObject({ is: 'exited', code: 0 });
    // Asked for once with the key alone, and once with its signature.
    expect([...new Set(given)]).toEqual([`key ${own.split(' ')[1]}`]);
    expect(refused).toEqual({ 'a port': true, 'a socket': true, 'a screen': true });
    expect(toAgent).toEqual([]);
  });
});
