import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { stringify } from 'yaml';
import type { NodeAccess } from '../../sandbox/fleet/fleet.ts';
import { type Slack, startSlack } from '../../sandbox/slack/start.ts';
import { startTestRedis, type TestRedis } from './redis.ts';
import { testKey } from './signing.ts';

export const people = {
  rosa: { id: 'U0ROSA', name: 'rosa', realName: 'Rosa' },
  ines: { id: 'U0INES', name: 'ines', realName: 'Ines' },
  visitor: { id: 'U0VISITOR', name: 'visitor', realName: 'Vic' },
};

/** With which those who may do something sign on a shell. */
const keys = { rosa: testKey(), ines: testKey() };

export interface Shown {
  code: number | null;
  out: string;
  err: string;
}

export interface ProductOptions {
  nodes: NodeAccess[];
  releases: string;
  policy: Record<string, string | number>;
  service?: Record<string, unknown>;
  /** By region. */
  balancers?: Record<string, Record<string, unknown>>;
  /** More of the settings. */
  settings?: Record<string, unknown>;
  ssh?: Record<string, unknown>;
  windows?: { days: string[]; from: string; to: string }[];
  /** With which compiled build bot and worker begin; this one when absent. */
  build?: string;
  /** Ports of this machine at which each may be asked how it is. */
  metrics?: Record<'bot' | 'worker', number>;
}

/** The whole product as its users run it: a bot process, a worker process, one Redis, and Slack's stand-in. */
export interface Product {
  slack: Slack;
  redis: TestRedis;
  settingsFile: string;
  /** `build`: the directory of another compiled build of the product; this one's when absent. */
  startBot(build?: string): void;
  /** One for the region that is named, else one for all. */
  startWorker(region?: string, build?: string): void;
  /** At once, without a word. `region`: the worker of that region alone. */
  kill(role: 'bot' | 'worker', region?: string): Promise<void>;
  /** `SIGSTOP` freezes it, `SIGCONT` wakes it. */
  signal(role: 'bot' | 'worker', name: 'SIGSTOP' | 'SIGCONT'): void;
  /** As whoever stops a container asks it to; the exit code, null when it did not end by itself. */
  end(role: 'bot' | 'worker'): Promise<number | null>;
  /** The same verbs without Slack, as a process of its own, signed with Rosa's key; what it printed, and how it ended. */
  shell(...words: string[]): Promise<Shown>;
  /** The same by another build of the product. */
  shellOf(build: string, ...words: string[]): Promise<Shown>;
  /** The files of the keys with which people sign on a shell, for `--key`. */
  keys: Record<'rosa' | 'ines', string>;
  /** The same, while it still runs. */
  spawn(...words: string[]): ChildProcess;
  /** The file with which node runs it. */
  main: string;
  logs(): string;
  close(): Promise<void>;
}

/** A policy under which a rollout over simulated nodes takes seconds. */
export const quick = {
  soak: '500ms',
  canarySoak: '500ms',
  pause: '100ms',
  bake: '1s',
  watch: '300ms',
  healthDeadline: '5s',
  retryDelay: '300ms',
};

const everyDay = [{ days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], from: '00:00', to: '00:00' }];

export async function startProduct(options: ProductOptions): Promise<Product> {
  const directory = mkdtempSync(join(tmpdir(), 'zeitwork-e2e-'));
  const redis = await startTestRedis();
  const slack = await startSlack({
    people: Object.values(people),
    channel: { id: 'C0UPGRADES', name: 'upgrades' },
    team: { id: 'T0SANDBOX', name: 'Sandbox' },
    groups: [],
  });
  const file = join(directory, 'zeitwork.yaml');
  writeFileSync(file, stringify(settingsOf(options, redis.dir)));
  const log = createWriteStream(join(directory, 'product.log'));
  const kept: string[] = [];
  const children = new Map<string, ChildProcess>();

  const env = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    ZEITWORK_CONFIG: file,
    ZEITWORK_KEY: keys.rosa.file,
  };
  const tokens = { SLACK_API_URL: slack.apiUrl, SLACK_BOT_TOKEN: slack.botToken, SLACK_APP_TOKEN: slack.appToken };
  const listening = (role: 'bot' | 'worker') =>
    options.metrics === undefined ? {} : { METRICS_LISTEN: `127.0.0.1:${options.metrics[role]}` };
  const shipped = inject('shipped');
  const program = (build: string) => join(build, 'src/main.js');
  const start = (build: string, role: 'bot' | 'worker', ...more: string[]) => {
    const child = spawn(process.execPath, [program(build), role, ...more], {
      cwd: build,
      env: { ...env, ...tokens, ...listening(role) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        kept.push(`${role}: ${chunk.toString()}`);
        log.write(chunk);
      });
    }
    child.once('exit', (code, signal) => kept.push(`${role}: ended with ${code ?? signal}\n`));
    children.set([role, ...more].join(' '), child);
  };
  const kill = (role: string, signal: NodeJS.Signals = 'SIGKILL') =>
    new Promise<void>((done) => {
      const child = children.get(role);
      children.delete(role);
      if (!child || child.exitCode !== null || child.signalCode !== null) return done();
      child.once('exit', () => done());
      child.kill(signal);
    });

  const { build: first = shipped } = options;
  start(first, 'worker');
  start(first, 'bot');
  const product: Product = {
    slack,
    redis,
    settingsFile: file,
    startBot: (build = shipped) => start(build, 'bot'),
    startWorker: (region, build = shipped) =>
      start(build, 'worker', ...(region === undefined ? [] : ['--region', region])),
    kill: (role, region) => kill(region === undefined ? role : `${role} --region ${region}`),
    signal: (role, name) => void children.get(role)?.kill(name),
    async end(role) {
      const child = children.get(role);
      await kill(role, 'SIGTERM');
      return child?.exitCode ?? null;
    },
    shell: (...typed) => product.shellOf(shipped, ...typed),
    shellOf: (build, ...typed) => shown(spawn(process.execPath, [program(build), ...typed], { cwd: build, env })),
    spawn: (...typed) => spawn(process.execPath, [program(shipped), ...typed], { cwd: shipped, env }),
    main: program(shipped),
    keys: { rosa: keys.rosa.file, ines: keys.ines.file },
    logs: () => kept.join(''),
    async close() {
      await Promise.all([...children.keys()].map((role) => kill(role, 'SIGTERM')));
      await slack.close();
      await redis.stop();
      log.end();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  await until('the bot is connected', () => slack.connections() > 0, { timeoutMs: 30_000, logs: product.logs });
  return product;
}

/** Everything that a process says until it ends. */
export async function shown(child: ChildProcess): Promise<Shown> {
  const said = { out: '', err: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said.out += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said.err += text;
  });
  const [code] = await once(child, 'close');
  return { code, ...said };
}

function settingsOf(
  { nodes, releases, policy, service, settings, ssh, windows, balancers }: ProductOptions,
  stateDir: string,
) {
  const regions = [...new Set(nodes.map(({ region }) => region))];
  return {
    fleet: 'trial',
    channel: 'C0UPGRADES',
    team: 'T0SANDBOX',
    stateDir,
    releases: { directory: releases, unsigned: 'allowed' },
    ...(service ? { service } : {}),
    ...settings,
    people: [
      { name: 'rosa', slack: people.rosa.id, keys: [keys.rosa.public] },
      { name: 'ines', slack: people.ines.id, keys: [keys.ines.public] },
    ],
    ...(ssh ? { ssh } : {}),
    roles: {
      requesters: { users: [people.rosa.id, people.ines.id] },
      breakers: { users: [people.rosa.id] },
      stoppers: { users: [people.rosa.id, people.ines.id] },
    },
    // One person walks through all of it; who may do what has tests of its own.
    policy: {
      order: 'declared',
      oneMayBegin: 'anywhere',
      breakers: 1,
      majors: { approvers: 1, canaryApproval: false, notice: '0s' },
      rehearse: 'never',
      // What a test sees must not hang on the hour at which it runs.
      waking: [],
      ...policy,
    },
    regions: regions.map((region) => ({
      name: region,
      zone: 'Etc/UTC',
      windows: windows ?? everyDay,
      approvers: { users: [people.ines.id] },
      nodes: nodes
        .filter((node) => node.region === region)
        .map(({ name, address, port, user, keyFile, knownHostsFile, healthUrl, besideUrl }) => ({
          name,
          address,
          port,
          user,
          key: keyFile,
          knownHosts: knownHostsFile,
          healthUrl,
          ...(service?.slots === undefined ? {} : { besideUrl }),
        })),
      ...(balancers?.[region] === undefined ? {} : { balancer: balancers[region] }),
    })),
  };
}

/** Waits for something to become true, looking often; fails with what was waited for and the product's last words. */
export async function until(
  what: string,
  check: () => boolean | Promise<boolean>,
  options: { timeoutMs: number; logs?: () => string },
): Promise<void> {
  const end = performance.now() + options.timeoutMs;
  while (performance.now() < end) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`waited ${options.timeoutMs} ms in vain: ${what}\n${(options.logs?.() ?? '').slice(-4_000)}`);
}
