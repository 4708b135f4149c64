import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, get, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Balancer } from '../../src/upgrade/balancer/index.ts';
import type { Command, Host, Outcome, Shell } from '../../src/upgrade/ssh/types.ts';
import { freePort, startSshd } from './sshd.ts';

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

/** Who stands in a pool. */
export interface Place {
  name: string;
  port: number;
}

/** Something that answers like a node's service. */
export interface Backend extends Place {
  version: string;
  isWell: boolean;
  /** Answers that take so long, ms, where `/slow` is asked. */
  slow: number;
  close(): Promise<void>;
}

export async function startBackend(name: string, version: string): Promise<Backend> {
  const backend = { name, version, isWell: true, slow: 0 };
  const server: HttpServer = createServer((request, response) => {
    const answer = () => {
      response.writeHead(backend.isWell ? 200 : 503, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ status: backend.isWell ? 'healthy' : 'starting', version: backend.version, name }));
    };
    if (request.url === '/slow') setTimeout(answer, backend.slow);
    else answer();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(backend, {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  });
}

/** This machine as that of a balancer: the real scripts, with what they remember below a folder. */
export function balancerShell(folder: string): Pick<Shell, 'run'> & { commands: Command[]; cut: RegExp | null } {
  const root = '/var/lib/zeitwork-upgrades';
  const shell = {
    commands: [] as Command[],
    /** Kills the script where its text first matches. */
    cut: null as RegExp | null,
    run(_host: string, command: Command): Promise<Outcome> {
      shell.commands.push(command);
      const text = command.script.replaceAll(root, `${folder}${root}`);
      const child = spawn('sh', ['-s', '--', ...command.args], { env: { PATH: process.env.PATH, LC_ALL: 'C' } });
      let [stdout, stderr] = ['', ''];
      child.stdout.on('data', (chunk: Buffer) => {
        stdout += chunk.toString();
      });
      child.stderr.on('data', (chunk: Buffer) => {
        stderr += chunk.toString();
      });
      child.stdin.on('error', () => {});
      child.stdin.end(shell.cut === null ? text : text.replace(shell.cut, (all) => `kill -KILL $$; ${all}`));
      return new Promise((resolve) => {
        child.on('close', (code, signal) =>
          resolve(
            signal === null
              ? { is: 'exited', code: code ?? 255, stdout, stderr }
              : { is: 'lost', reason: `killed by ${signal}`, stdout, stderr },
          ),
        );
      });
    },
  };
  mkdirSync(join(folder, 'var/lib'), { recursive: true });
  return shell;
}

export interface RealBalancer {
  balancer: Balancer;
  url: string;
  folder: string;
  /** As somebody would by hand. */
  reload(): Promise<void>;
  stop(): Promise<void>;
}

interface Pair {
  blue: Place[];
  green: Place[];
}

/** HAProxy with the green servers in maintenance, as docs/blue-green.md has them. */
export async function startRealHaproxy(
  { blue, green }: Pair,
  saves = true,
): Promise<RealBalancer & { say(command: string): string }> {
  const folder = mkdtempSync(join(tmpdir(), 'zw-haproxy-'));
  const [socket, stateFile, config, port] = [
    join(folder, 'h.sock'),
    join(folder, 'state'),
    join(folder, 'haproxy.cfg'),
    await freePort(),
  ];
  writeFileSync(stateFile, '');
  const line = ({ name, port: at }: Place, disabled: string) => `    server ${name} 127.0.0.1:${at}${disabled}`;
  writeFileSync(
    config,
    `global
    stats socket ${socket} mode 600 level admin
    server-state-file ${stateFile}
    hard-stop-after 20s
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout check 5s
    retries 0
    ${saves ? 'load-server-state-from-file global' : ''}
frontend clients
    bind 127.0.0.1:${port}
    default_backend operators
backend operators
    option httpchk GET /health
    default-server check inter 200ms fall 2 rise 2
${[...blue.map((each) => line(each, '')), ...green.map((each) => line(each, ' disabled'))].join('\n')}
`,
  );
  const child = spawn('/usr/sbin/haproxy', ['-W', '-db', '-f', config], { stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}`;
  const say = (command: string) =>
    execFileSync('socat', ['-t', '5', '-', `UNIX-CONNECT:${socket}`], { input: `${command}\n`, encoding: 'utf8' });
  await answers(`${url}/health`);
  return {
    balancer: {
      ...{
        kind: 'haproxy',
        hosts: ['lb-1'],
        backend: 'operators',
        socket,
        stateFile: saves ? stateFile : null,
        config,
      },
      ...{ probe: `${url}/health`, drain: 5_000 },
    },
    ...{ url, folder, say },
    async reload() {
      const before = say('show info').match(/^Pid: (\d+)/m)?.[1];
      child.kill('SIGUSR2');
      for (let tries = 0; tries < 100; tries += 1) {
        await pause(100);
        try {
          if (say('show info').match(/^Pid: (\d+)/m)?.[1] !== before) return;
        } catch {
          // Between two processes nobody listens.
        }
      }
      throw new Error('HAProxy did not reload');
    },
    stop: () => ended(child, folder),
  };
}

/** nginx with its servers in a file of their own. */
export async function startRealNginx({
  blue,
  green,
}: Pair): Promise<RealBalancer & { file: string; config: string; port: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'zw-nginx-'));
  // Its workers are somebody else where root begins it.
  chmodSync(folder, 0o755);
  const [file, config, pidFile, port] = [
    join(folder, 'operators.conf'),
    join(folder, 'nginx.conf'),
    join(folder, 'nginx.pid'),
    await freePort(),
  ];
  const line = ({ name, port: at }: Place, down: string) => `    server 127.0.0.1:${at}${down}; # ${name}`;
  writeFileSync(
    file,
    `# who serves\nupstream operators {\n${[...blue.map((each) => line(each, '')), ...green.map((each) => line(each, ' down'))].join('\n')}\n    keepalive 8;\n}\n`,
  );
  writeFileSync(
    config,
    `pid ${pidFile};
error_log ${join(folder, 'error.log')};
worker_processes 2;
events { worker_connections 1024; }
http {
    access_log off;
    include ${file};
    server {
        listen 127.0.0.1:${port};
        location / { proxy_pass http://operators; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_next_upstream off; }
    }
}
`,
  );
  const child = spawn('/usr/sbin/nginx', ['-c', config, '-g', 'daemon off;'], { stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}`;
  await answers(`${url}/health`);
  return {
    balancer: { kind: 'nginx', hosts: ['lb-1'], file, config, pidFile, probe: `${url}/health`, drain: 5_000 },
    ...{ url, folder, file, config, port },
    async reload() {
      child.kill('SIGHUP');
      await pause(500);
    },
    stop: () => ended(child, folder),
  };
}

async function ended(child: ChildProcess, folder: string): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  await Promise.race([gone, pause(3_000).then(() => child.kill('SIGKILL'))]);
  rmSync(folder, { recursive: true, force: true });
}

async function answers(url: string): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    if ((await ask(url)) !== null) return;
    await pause(100);
  }
  throw new Error(`nobody answers at ${url}`);
}

/** One question over a connection of its own: the version that answered; null when nobody did, or badly. */
export function ask(url: string): Promise<string | null> {
  return new Promise((resolve) => {
    get(url, { agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on('error', () => resolve(null));
      response.on('end', () => {
        if (response.statusCode !== 200) return resolve(null);
        resolve((JSON.parse(text) as { version: string }).version);
      });
    }).on('error', () => resolve(null));
  });
}

/** So many new connections a second, until it is stopped: what each of them got. */
export function startLoad(url: string, perSecond: number): { stop(): Promise<(string | null)[]> } {
  const asked: Promise<string | null>[] = [];
  const each = 10;
  const timer = setInterval(() => {
    for (let count = 0; count < (perSecond * each) / 1_000; count += 1) asked.push(ask(url));
  }, each);
  return {
    async stop() {
      clearInterval(timer);
      return Promise.all(asked);
    },
  };
}

export const read = (file: string): string => readFileSync(file, 'utf8');

/** The machine of a balancer over real SSH: whoever comes in is root already, and what is kept there lies below a folder. */
export async function balancerHost(folder: string): Promise<{ host: Host; stop(): Promise<void> }> {
  const root = '/var/lib/zeitwork-upgrades';
  mkdirSync(join(folder, 'var/lib'), { recursive: true });
  const wrapper = join(folder, 'enter');
  writeFileSync(
    wrapper,
    `#!/bin/sh
command=$(printf '%s' "$SSH_ORIGINAL_COMMAND" | sed 's:sudo -n -- ::')
sed -u 's:${root}:${folder}${root}:g' | sh -c "$command"
`,
    { mode: 0o755 },
  );
  const sshd = await startSshd({ config: [`ForceCommand ${wrapper}`] });
  return { host: sshd.host({ name: 'lb-1' }), stop: () => sshd.stop() };
}
