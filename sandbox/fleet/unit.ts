import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Journal } from './journal.ts';
import type { Program, Surroundings } from './program.ts';
import { type Build, buildIn } from './releases.ts';

export interface UnitFile {
  /** Without .service. */
  name?: string;
  /** Read after `envFile`, as systemd does where a unit names two. */
  moreEnv?: string;
  binary: string;
  envFile: string;
  /** The node's `/proc`. */
  proc: string;
  /** ms between the death of the service and its automatic restart. */
  restartMs: number;
}

type ActiveState = 'active' | 'activating' | 'deactivating' | 'inactive';
type Ended = Pick<Program, 'terminate' | 'kill'>;
type Run<P> = (build: Build, surroundings: Pick<Surroundings, 'env' | 'log' | 'exited'>) => P;

// Above every pid that Linux gives out (2^22), so that no real process can be meant.
let lastPid = 4_194_304;

/** `zeitwork-operator.service` as systemd 252 keeps it: Type=simple, Restart=always, no start limit. */
export class Unit<P extends Ended = Program> {
  readonly #file: UnitFile;
  readonly #journal: Journal;
  readonly #run: Run<P>;
  /** Its file is gone, and systemd has read that. */
  lost = false;
  #program: P | null = null;
  #build: Build | null = null;
  #state: ActiveState = 'inactive';
  #pid = 0;
  #invocation = '';
  #restarts = 0;
  #result = 'success';
  #status = 0;
  #activeSince = 0n;
  #startedAt = 0n;
  #restartTimer: NodeJS.Timeout | undefined;
  #stopped: (() => void) | null = null;
  #job: Promise<void> = Promise.resolve();
  readonly #name: string;
  /** Comes up when the machine does. */
  enabled = true;

  constructor(file: UnitFile, journal: Journal, run: Run<P>) {
    this.#file = file;
    this.#name = file.name ?? 'zeitwork-operator';
    this.#journal = journal;
    this.#run = run;
  }

  get state(): ActiveState {
    return this.#state;
  }

  get pid(): number {
    return this.#pid;
  }

  get program(): P | null {
    return this.#program;
  }

  /** What runs, or ran last. */
  get build(): Build | null {
    return this.#build;
  }

  /** Returns as soon as the process is forked, whatever becomes of it. */
  start(): Promise<void> {
    return this.#after(async () => {
      if (this.#state === 'active') return;
      this.#restarts = 0;
      this.#launch();
    });
  }

  stop(): Promise<void> {
    return this.#after(() => this.#end());
  }

  restart(): Promise<void> {
    return this.#after(async () => {
      await this.#end();
      this.#restarts = 0;
      this.#launch();
    });
  }

  resetFailed(): void {
    this.#result = 'success';
    this.#restarts = 0;
  }

  /** The machine goes down: no orderly end. */
  kill(): void {
    clearTimeout(this.#restartTimer);
    this.#state = 'deactivating';
    this.#program?.kill();
    this.#state = 'inactive';
  }

  /** Properties in the order in which `systemctl show` prints them, whatever was asked first. */
  properties(): Record<string, string> {
    return {
      Type: 'simple',
      Restart: 'always',
      RestartUSec: `${this.#file.restartMs}ms`,
      MainPID: String(this.#pid),
      Result: this.#result,
      NRestarts: String(this.#restarts),
      ExecMainStartTimestampMonotonic: String(this.#startedAt),
      ExecMainCode: this.#status === 0 ? '0' : '1',
      ExecMainStatus: String(this.#status),
      User: 'zeitwork',
      Id: `${this.#name}.service`,
      LoadState: this.lost ? 'not-found' : 'loaded',
      ActiveState: this.#state,
      SubState: this.#subState(),
      FragmentPath: `/etc/systemd/system/${this.#name}.service`,
      UnitFileState: this.enabled ? 'enabled' : 'disabled',
      ActiveEnterTimestampMonotonic: String(this.#activeSince),
      NeedDaemonReload: 'no',
      InvocationID: this.#invocation,
    };
  }

  #subState(): string {
    if (this.#state === 'active') return 'running';
    if (this.#state === 'activating') return 'auto-restart';
    return this.#state === 'deactivating' ? 'stop-sigterm' : 'dead';
  }

  /** One job at a time, as systemd queues them. */
  #after(job: () => Promise<void>): Promise<void> {
    this.#job = this.#job.then(job);
    return this.#job;
  }

  #launch(): void {
    clearTimeout(this.#restartTimer);
    this.#pid = ++lastPid;
    this.#invocation = randomBytes(16).toString('hex');
    this.#state = 'active';
    this.#result = 'success';
    this.#status = 0;
    this.#startedAt = this.#activeSince = process.hrtime.bigint() / 1000n;
    this.#say(`Started ${this.#name}.service - Zeitwork Operator.`);
    if (!this.#execute()) setImmediate(() => this.#exited(203));
  }

  /** The kernel's part: the running image keeps its inode, whatever is renamed over the path. */
  #execute(): boolean {
    const { binary, proc, envFile, moreEnv } = this.#file;
    const build = existsSync(binary) ? buildIn(readFileSync(binary)) : null;
    this.#build = build;
    if (!build || !existsSync(envFile)) {
      this.#say(`${this.#name}.service: Failed to execute /usr/local/bin/${this.#name}`);
      return false;
    }
    mkdirSync(join(proc, String(this.#pid)), { recursive: true });
    linkSync(binary, join(proc, String(this.#pid), 'exe'));
    const pid = this.#pid;
    const more = moreEnv !== undefined && existsSync(moreEnv) ? readFileSync(moreEnv, 'utf8') : '';
    const env = { ...parseEnv(readFileSync(envFile, 'utf8')), ...parseEnv(more) };
    const pairs = Object.entries(env).map(([key, value]) => `${key}=${value}\0`);
    writeFileSync(join(proc, String(pid), 'environ'), pairs.join(''));
    this.#program = this.#run(build, {
      env,
      log: (message) =>
        this.#journal.add({ identifier: 'zeitwork-operator', pid, message, invocation: this.#invocation }),
      exited: (code) => this.#exited(code),
    });
    return true;
  }

  #exited(code: number): void {
    rmSync(join(this.#file.proc, String(this.#pid)), { recursive: true, force: true });
    this.#pid = 0;
    this.#program = null;
    this.#status = code;
    if (this.#state === 'deactivating') this.#deactivated();
    else if (this.#state === 'active') this.#died(code);
  }

  #died(code: number): void {
    this.#result = code === 0 ? 'success' : 'exit-code';
    this.#say(`${this.#name}.service: Main process exited, code=exited, status=${code}${code === 1 ? '/FAILURE' : ''}`);
    if (code !== 0) this.#say(`${this.#name}.service: Failed with result 'exit-code'.`);
    this.#state = 'activating';
    this.#restartTimer = setTimeout(() => this.#startAgain(), this.#file.restartMs);
  }

  #startAgain(): void {
    this.#restarts++;
    this.#say(`${this.#name}.service: Scheduled restart job, restart counter is at ${this.#restarts}.`);
    this.#say(`Stopped ${this.#name}.service - Zeitwork Operator.`);
    this.#launch();
  }

  #end(): Promise<void> {
    clearTimeout(this.#restartTimer);
    if (!this.#program) {
      this.#state = 'inactive';
      return Promise.resolve();
    }
    this.#say(`Stopping ${this.#name}.service - Zeitwork Operator...`);
    this.#state = 'deactivating';
    return new Promise((resolve) => {
      this.#stopped = resolve;
      this.#program?.terminate();
    });
  }

  #deactivated(): void {
    this.#state = 'inactive';
    this.#say(`${this.#name}.service: Deactivated successfully.`);
    this.#say(`Stopped ${this.#name}.service - Zeitwork Operator.`);
    this.#stopped?.();
    this.#stopped = null;
  }

  #say(message: string): void {
    this.#journal.add({ identifier: 'systemd', pid: 1, message, invocation: this.#invocation });
  }
}

/** An environment file as systemd reads it: `KEY=value` lines, comments, one pair of quotes. */
function parseEnv(text: string): Record<string, string> {
  const lines = text.split('\n').map((line) => /^\s*([A-Za-z_]\w*)=(["']?)(.*)\2\s*$/.exec(line));
  return Object.fromEntries(lines.flatMap((match) => (match?.[1] ? [[match[1], match[3] ?? '']] : [])));
}
