import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ParsedKey, Server } from 'ssh2';
import { answerCalls } from './calls.ts';
import { Door } from './door.ts';
import { Commands } from './exec.ts';
import type { FaultId } from './faults.ts';
import { Journal } from './journal.ts';
import { freshKeyPair } from './keys.ts';
import { type Layout, layoutIn } from './layout.ts';
import { type Manners, Program } from './program.ts';
import { binaryOf } from './releases.ts';
import { rewriter } from './rewrite.ts';
import { type SshService, sshServer } from './server.ts';
import { type Answer, systemctl } from './systemctl.ts';
import { growTree } from './tree.ts';
import { Unit } from './unit.ts';

/** The second unit of a node, and what it reads besides the file of the first. */
export const greenUnit = 'zeitwork-operator-green';
const greenEnv = (envFile: string) => envFile.replace(/operator\.env$/, 'operator-green.env');

export interface HostOptions {
  name: string;
  region: string;
  root: string;
  clientKey: ParsedKey;
  /** Version that is installed at first and after a reset. */
  initial: string;
  restartMs: number;
  timeScale: number;
  /** How far its clock is put forward, ms. */
  ahead(): number;
  /** Nodes whose agent is old: every operator lists the agents of all. */
  oldAgents: Set<string>;
}

/** One node: an SSH server, a tree of files, systemd with one unit, and the service's port. */
export class SimulatedHost {
  readonly name: string;
  readonly region: string;
  /** Public half of the right host key, as in known_hosts: `ssh-ed25519 AAAA…`. */
  readonly hostKey: string;
  readonly sshPort: number;
  readonly healthPort: number;
  readonly journal: Journal;
  readonly unit: Unit;
  /** Beside it: stands there, and is not started. */
  readonly green: Unit;
  readonly greenPort: number;
  readonly #options: HostOptions;
  readonly #layout: Layout;
  readonly #commands: Commands;
  readonly #ssh: Door;
  readonly #health: Door;
  readonly #beside: Door;
  readonly #calls: { close(): void };
  readonly #right: Server;
  /** A server that shows a host key which nobody has seen. */
  readonly #strange: () => Server;
  #sshd: Server;
  #peers = '';
  readonly #manners: Manners = { errors: false, metrics: true, slow: false };
  #diskFull = false;
  #reboot: NodeJS.Timeout | undefined;

  /** The shims and the FIFO of the node must be there already; it does not run before `install`. */
  static async create(options: HostOptions): Promise<SimulatedHost> {
    let host: SimulatedHost | null = null;
    const ssh = await Door.onFreePort((socket) => {
      if (host) host.#sshd.injectSocket(socket);
    });
    const health = await Door.onFreePort((socket) => {
      const program = host?.unit.program;
      if (program) program.enter(socket);
      else socket.destroy();
    });
    const beside = await Door.onFreePort((socket) => {
      const program = host?.green.program;
      if (program) program.enter(socket);
      else socket.destroy();
    });
    await Promise.all([health.shut(), beside.shut()]);
    host = new SimulatedHost(options, ssh, health, beside);
    return host;
  }

  private constructor(options: HostOptions, ssh: Door, health: Door, beside: Door) {
    const layout = layoutIn(options.root);
    this.name = options.name;
    this.region = options.region;
    this.sshPort = ssh.port;
    this.healthPort = health.port;
    this.journal = new Journal(options.name);
    this.#options = options;
    this.#layout = layout;
    this.#ssh = ssh;
    this.#health = health;
    this.#beside = beside;
    this.greenPort = beside.port;
    const { timeScale, restartMs, oldAgents } = options;
    const { binary, envFile, proc, tree, home } = layout;
    this.unit = new Unit({ binary, envFile, proc, restartMs }, this.journal, (build, around) => {
      const own = { hostname: options.name, door: health, timeScale, oldAgents, manners: this.#manners };
      return new Program(build, { ...around, ...own });
    });
    const second = { name: greenUnit, binary: `${binary}-green`, envFile, moreEnv: greenEnv(envFile), proc, restartMs };
    this.green = new Unit(second, new Journal(options.name), (build, around) => {
      const own = { hostname: options.name, door: beside, timeScale, oldAgents, manners: this.#manners };
      return new Program(build, { ...around, ...own });
    });
    this.green.enabled = false;
    const searched = () => (this.#diskFull ? [layout.fullShims, layout.shims] : [layout.shims]);
    const paths = rewriter(tree, searched);
    const clock = { clock: layout.clock, ahead: options.ahead };
    this.#commands = new Commands({ tree, home, rewriter: paths, searched, ...clock, diskFull: () => this.#diskFull });
    this.#calls = answerCalls(layout, (command, args) => this.#answer(command, args));
    const service: SshService = {
      commands: this.#commands,
      disk: { path: paths.path, outwards: paths.outwards, full: () => this.#diskFull },
      clientKey: options.clientKey,
      seen: (line) => this.#seen(line),
    };
    const right = freshKeyPair();
    this.hostKey = right.public;
    this.#right = sshServer(right.private, service);
    this.#strange = () => sshServer(freshKeyPair().private, service);
    this.#sshd = this.#right;
  }

  /** A fresh disk with the first version on it, nothing broken, an empty journal; starts the service. */
  async install(peers: string = this.#peers): Promise<void> {
    this.#peers = peers;
    clearTimeout(this.#reboot);
    await this.#mend();
    this.unit.kill();
    this.green.kill();
    this.green.enabled = false;
    await this.#commands.end();
    await growTree(this.#layout, {
      version: this.#options.initial,
      env: {
        PORT: String(this.healthPort),
        DATABASE_URL: this.#databaseUrl(),
        ZEITWORK_REGION: this.region,
        ZEITWORK_PEERS: peers,
      },
    });
    this.journal.clear();
    await this.unit.start();
  }

  /** Breaks or mends the node; returns when that has happened. A reboot comes back by itself. */
  async inject(fault: FaultId): Promise<void> {
    switch (fault) {
      case 'stop-service':
        return this.unit.stop();
      case 'start-service':
        this.unit.resetFailed();
        return this.unit.start();
      case 'drop-network':
        this.#ssh.silence();
        return this.#health.silence();
      case 'restore-network':
        this.#ssh.rejoin();
        return this.#health.rejoin();
      case 'kill-sshd':
        return this.#ssh.shut();
      case 'start-sshd':
        return this.#ssh.open();
      case 'break-sudo':
        return writeFileSync(this.#layout.sudoBroken, '');
      case 'fix-sudo':
        return rmSync(this.#layout.sudoBroken, { force: true });
      case 'fill-disk':
      case 'free-disk':
        this.#diskFull = fault === 'fill-disk';
        return;
      case 'change-hostkey':
      case 'restore-hostkey':
        this.#sshd = fault === 'change-hostkey' ? this.#strange() : this.#right;
        return;
      case 'old-agent':
        this.#options.oldAgents.add(this.name);
        return;
      case 'new-agent':
        this.#options.oldAgents.delete(this.name);
        return;
      case 'count-errors':
        this.#manners.errors = true;
        return;
      case 'lose-metrics':
        this.#manners.metrics = false;
        return;
      case 'slow-api':
        this.#manners.slow = true;
        return;
      case 'usual-answers':
        Object.assign(this.#manners, { errors: false, metrics: true, slow: false });
        return;
      case 'lose-files':
        await this.unit.stop();
        return this.#lose();
      case 'by-hand':
        await this.unit.stop();
        this.#replaceBinary();
        return this.unit.start();
      case 'lose-unit':
        await this.unit.stop();
        this.unit.lost = true;
        return;
      case 'reboot':
        return this.#goDown();
      case 'heal':
        await this.#mend();
        return this.inject('start-service');
    }
  }

  /** Ends everything that belongs to the node: connections, commands, timers. */
  async close(): Promise<void> {
    clearTimeout(this.#reboot);
    this.unit.kill();
    this.green.kill();
    this.#calls.close();
    await Promise.all([this.#ssh.shut(), this.#health.shut(), this.#beside.shut(), this.#commands.end()]);
  }

  async #mend(): Promise<void> {
    for (const fault of [
      'restore-network',
      'fix-sudo',
      'free-disk',
      'restore-hostkey',
      'start-sshd',
      'new-agent',
      'usual-answers',
    ] as const) {
      await this.inject(fault);
    }
    this.unit.lost = false;
    this.#find();
  }

  /** As somebody would who is in a hurry: no rollout knows of it. */
  #replaceBinary(): void {
    const { binary } = this.#layout;
    writeFileSync(`${binary}.by-hand`, binaryOf('v1.1.0'), { mode: 0o755 });
    renameSync(`${binary}.by-hand`, binary);
  }

  /** Binary and environment file are gone from the node; they lie outside of it, for `heal`. */
  #lose(): void {
    const { lost } = this.#layout;
    mkdirSync(lost, { recursive: true });
    for (const [name, file] of this.#lostFiles()) if (existsSync(file)) renameSync(file, join(lost, name));
  }

  #find(): void {
    const { lost } = this.#layout;
    for (const [name, file] of this.#lostFiles()) {
      const kept = join(lost, name);
      if (existsSync(kept) && !existsSync(file)) copyFileSync(kept, file);
    }
    rmSync(lost, { recursive: true, force: true });
  }

  #lostFiles(): [name: string, file: string][] {
    return [
      ['binary', this.#layout.binary],
      ['env', this.#layout.envFile],
    ];
  }

  async #goDown(): Promise<void> {
    await Promise.all([this.unit.stop(), this.green.stop()]);
    await Promise.all([this.#ssh.shut(), this.#commands.end()]);
    clearTimeout(this.#reboot);
    this.#reboot = setTimeout(() => {
      void this.#ssh.open();
      void this.unit.start();
      if (this.green.enabled) void this.green.start();
    }, 800 * this.#options.timeScale);
  }

  async #answer(command: string, args: string[]): Promise<Answer> {
    if (command === 'systemctl')
      return systemctl(args, { 'zeitwork-operator': this.unit, [greenUnit]: this.green }, this.journal);
    if (command === 'journalctl') return { code: 0, out: this.journal.answer(args), err: '' };
    return { code: 0, out: this.#listeners(), err: '' };
  }

  /** `ss -ltnp`. */
  #listeners(): string {
    const row = (port: number, name: string, pid: number) =>
      `LISTEN 0      128        127.0.0.1:${port}      0.0.0.0:*    users:(("${name}",pid=${pid},fd=3))\n`;
    const service = this.unit.pid === 0 ? '' : row(this.healthPort, 'zeitwork-operat', this.unit.pid);
    return `State  Recv-Q Send-Q Local Address:Port Peer Address:PortProcess\n${service}${row(this.sshPort, 'sshd', 34)}`;
  }

  /** As sudo itself, so that who did what can be read afterwards. */
  #seen(line: string): void {
    if (!/(^|\s)sudo\s/.test(line)) return;
    const message = `     ops : PWD=/home/ops ; USER=root ; COMMAND=${line.replace(/^.*?\ssudo(\s-\S+)*\s/s, '').slice(0, 500)}`;
    this.journal.add({ identifier: 'sudo', pid: 1000, message, invocation: '' });
  }

  #databaseUrl(): string {
    return `postgres://zeitwork:s3cret-${this.name}@db.internal:5432/zeitwork`;
  }
}
