import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { freePort, generateKey, type Sshd, startSshd } from './sshd.ts';

const page = readFileSync(resolve(import.meta.dirname, '../../docs/draining.md'), 'utf8');

/** What docs/draining.md tells people to write, by its language. */
export function written(language: 'haproxy' | 'sh' | 'yaml'): string {
  const [, text] = new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(page) ?? [];
  if (text === undefined) throw new Error(`docs/draining.md has no block of ${language}`);
  return text;
}

/** Puts what is true here into the place of an example; it must be there. */
function instead(text: string, example: string | RegExp, ours: string): string {
  const changed = text.replace(example, ours);
  if (changed === text) throw new Error(`the example does not hold ${example}`);
  return changed;
}

export interface Balancer {
  /** Where clients ask. */
  url: string;
  /** What a node needs to reach the balancer's machine: its own key, and the balancer's host key. */
  keyFileOf(node: string): string;
  knownHostsFile: string;
  /** As it is written in the settings. */
  traffic: Record<'drain' | 'undrain', string[]>;
  /** What HAProxy says of each of its servers. */
  servers(): Promise<Record<string, string>>;
  stop(): Promise<void>;
}

interface Server {
  name: string;
  healthUrl: string;
}

/** A real HAProxy and the SSH server of its machine, set up as docs/draining.md says. */
export async function startBalancer(servers: Server[]): Promise<Balancer> {
  const dir = mkdtempSync(join(tmpdir(), 'zeitwork-haproxy-'));
  const socket = join(dir, 'zeitwork.sock');
  const program = join(dir, 'zeitwork-traffic');
  writeFileSync(program, instead(written('sh'), '/run/haproxy/zeitwork.sock', socket), { mode: 0o755 });
  const keyFileOf = (node: string) => join(dir, node);
  const authorized = servers.map(
    ({ name }) => `restrict,command="${program} ${name}" ${generateKey(keyFileOf(name), 'ed25519')}`,
  );
  const sshd = await startSshd({ authorized });
  const port = await freePort();
  const haproxy = startHaproxy(dir, configFor(servers, socket, port));
  return {
    url: `http://127.0.0.1:${port}`,
    keyFileOf,
    knownHostsFile: sshd.knownHostsFile,
    traffic: trafficFor(sshd),
    servers: async () => statesIn(await ask(socket, 'show stat')),
    async stop() {
      const gone = once(haproxy, 'exit');
      haproxy.kill('SIGKILL');
      await gone;
      await sshd.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Nothing is tried twice: a client sees whatever goes wrong with a node. */
const around = (port: number) => `defaults
    mode http
    timeout connect 2s
    timeout client 5m
    timeout server 5m
    retries 0

frontend clients
    bind 127.0.0.1:${port}
    http-response set-header X-Node %s
    default_backend operators

`;

function configFor(servers: Server[], socket: string, port: number): string {
  let text = instead(written('haproxy'), '/run/haproxy/zeitwork.sock user zeitwork', socket);
  text = instead(text, 'inter 2s', 'inter 200ms');
  for (const { name, healthUrl } of servers) {
    text = instead(text, new RegExp(`server ${name} \\S+`), `server ${name} ${new URL(healthUrl).host}`);
  }
  return instead(text, /^(?=backend )/m, around(port));
}

function startHaproxy(dir: string, config: string): ChildProcess {
  const file = join(dir, 'haproxy.cfg');
  writeFileSync(file, config);
  const binary = existsSync('/usr/sbin/haproxy') ? '/usr/sbin/haproxy' : 'haproxy';
  execFileSync(binary, ['-c', '-q', '-f', file]);
  return spawn(binary, ['-db', '-f', file], { stdio: 'ignore' });
}

/** One command for the runtime API. */
async function ask(socket: string, command: string): Promise<string> {
  const connection = connect(socket).setEncoding('utf8');
  let said = '';
  connection.on('data', (text: string) => {
    said += text;
  });
  connection.end(`${command}\n`);
  await once(connection, 'close');
  return said;
}

function statesIn(stat: string): Record<string, string> {
  const rows = stat.split('\n').map((line) => line.split(','));
  const ours = rows.filter(([backend, name]) => backend === 'operators' && name !== 'BACKEND');
  return Object.fromEntries(ours.map((row) => [row[1], row[17] ?? '']));
}

function trafficFor(sshd: Sshd): Balancer['traffic'] {
  const wordsOf = (name: 'drain' | 'undrain') => {
    const [, words = ''] = new RegExp(`^ *${name}: \\[(.*)\\]$`, 'm').exec(written('yaml')) ?? [];
    const here = instead(words, 'zeitwork@lb-1.example.com', `-p, "${sshd.port}", ${userInfo().username}@127.0.0.1`);
    return here.split(', ').map((word) => word.replaceAll('"', ''));
  };
  return { drain: wordsOf('drain'), undrain: wordsOf('undrain') };
}

export interface Answer {
  node: string;
  /** null when the client got no whole answer. */
  code: number | null;
  /** Epoch ms. */
  begun: number;
  ended: number;
}

export interface Clients {
  answers(): Answer[];
  stop(): Promise<void>;
}

/** Asks without a pause: some quick questions, and some whose answer takes eight seconds, so that a stop would cut them off. */
export function startClients(url: string): Clients {
  const answers: Answer[] = [];
  const agent = new Agent({ keepAlive: true });
  let isOver = false;
  const client = async (wait: number) => {
    while (!isOver) {
      answers.push(await request(`${url}/api/v1/instances?wait=${wait}`, agent));
      // Without a breath, refused questions would keep this process busy.
      await new Promise((done) => setTimeout(done, 5));
    }
  };
  const all = [...Array(4).fill(0), ...Array(3).fill(8_000)].map(client);
  return {
    answers: () => [...answers],
    async stop() {
      isOver = true;
      await Promise.all(all);
      agent.destroy();
    },
  };
}

export function request(url: string, agent?: Agent): Promise<Answer> {
  const begun = Date.now();
  return new Promise((resolve) => {
    const lost = () => resolve({ node: '', code: null, begun, ended: Date.now() });
    get(url, { agent }, (response) => {
      response.resume();
      response.on('error', lost);
      response.on('end', () => {
        const node = String(response.headers['x-node'] ?? '');
        resolve({ node, code: response.statusCode ?? null, begun, ended: Date.now() });
      });
    }).on('error', lost);
  });
}
