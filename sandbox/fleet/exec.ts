import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, renameSync, writeFileSync } from 'node:fs';
import type { ServerChannel } from 'ssh2';
import { type Rewriter, rewriting } from './rewrite.ts';

export interface Machine {
  tree: string;
  home: string;
  rewriter: Rewriter;
  searched(): string[];
  /** Where `date` finds by how many seconds the clock is put forward. */
  clock: string;
  /** ms */
  ahead(): number;
  /** A full disk lets files be made, but nothing be written into them. */
  diskFull(): boolean;
}

/** Signals that the SSH protocol can name (RFC 4254, 6.10). */
const named = ['ABRT', 'ALRM', 'FPE', 'HUP', 'ILL', 'INT', 'KILL', 'PIPE', 'QUIT', 'SEGV', 'TERM', 'USR1', 'USR2'];

/** Runs the commands that come in over SSH on this machine, as the current user. */
export class Commands {
  readonly #machine: Machine;
  readonly #running = new Set<ChildProcess>();
  /** Sessions of all commands so far; something in the background may still belong to one. */
  readonly #sessions = new Set<number>();

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** Like sshd, lets a command go on when its connection is lost. */
  run(line: string, channel: ServerChannel): { kill(signal: NodeJS.Signals): void } {
    const { home, rewriter, clock, ahead } = this.#machine;
    // In one go: a command that runs beside this one reads it, too, and nothing would be midnight to it.
    writeFileSync(`${clock}.next`, `${Math.round(ahead() / 1_000)} seconds`);
    renameSync(`${clock}.next`, clock);
    const child = spawn('/bin/sh', ['-c', this.#limits() + rewriter.inwards(line)], {
      cwd: home,
      env: this.#environment(),
      detached: true,
    });
    this.#remember(child);
    const full = this.#machine.diskFull();
    const outwards = (text: string) => rewriter.outwards(full ? inWordsOfAFullDisk(text) : text);
    channel.pipe(rewriting(rewriter.inwards)).pipe(child.stdin);
    child.stdout.pipe(rewriting(outwards)).pipe(channel, { end: false });
    child.stderr.pipe(rewriting(outwards)).pipe(channel.stderr, { end: false });
    for (const stream of [channel, channel.stderr, child.stdin, child.stdout, child.stderr])
      stream.on('error', () => {});
    channel.once('close', () => {
      child.stdout.resume();
      child.stderr.resume();
    });
    child.once('error', () => channel.close());
    child.once('exit', (code, signal) => report(channel, code, signal));
    child.once('close', () => setImmediate(() => channel.end()));
    return { kill: (signal) => killGroup(child.pid, signal) };
  }

  /** Ends every process of every command, also those that went into the background. */
  async end(): Promise<void> {
    const ended = [...this.#running].map((child) => new Promise((resolve) => child.once('close', resolve)));
    const live = new Set([...this.#running].map((child) => child.pid));
    for (const { pid, session, directory } of processesOf(this.#sessions)) {
      // The number of a session that has ended may by now be a stranger's.
      if (live.has(session) || directory.startsWith(this.#machine.tree)) kill(pid);
    }
    await Promise.all(ended);
    this.#sessions.clear();
  }

  #remember(child: ChildProcess): void {
    this.#running.add(child);
    if (child.pid !== undefined) this.#sessions.add(child.pid);
    child.once('close', () => this.#running.delete(child));
    child.once('error', () => this.#running.delete(child));
  }

  /**
   * With a file size limit the kernel itself refuses to write. One block of 512 bytes is left, since also on a full
   * disk a small file can be written over.
   */
  #limits(): string {
    return this.#machine.diskFull() ? "trap '' XFSZ; ulimit -f 1; " : '';
  }

  #environment(): NodeJS.ProcessEnv {
    const searchPath = [...this.#machine.searched(), '/usr/local/bin', '/usr/bin', '/bin'].join(':');
    return { HOME: this.#machine.home, USER: 'ops', LOGNAME: 'ops', SHELL: '/bin/sh', PATH: searchPath };
  }
}

function inWordsOfAFullDisk(text: string): string {
  return text.replaceAll('File too large', 'No space left on device');
}

function report(channel: ServerChannel, code: number | null, signal: NodeJS.Signals | null): void {
  if (channel.destroyed || !channel.writable) return;
  if (signal === null) channel.exit(code ?? 255);
  else if (named.includes(signal.slice(3))) channel.exit(signal);
  else channel.exit(255);
}

function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid !== undefined) kill(-pid, signal);
}

function kill(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}

interface Process {
  pid: number;
  session: number;
  /** Where it works. */
  directory: string;
}

/** `timeout` and background jobs leave the process group, but not the session that each command gets. */
function processesOf(sessions: Set<number>): Process[] {
  if (sessions.size === 0) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => look(Number(name)))
    .filter(({ session }) => sessions.has(session));
}

/** The session is the sixth field of /proc/PID/stat (proc(5)); the second may hold blanks and brackets. */
function look(pid: number): Process[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const session = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3]);
    return [{ pid, session, directory: readlinkSync(`/proc/${pid}/cwd`) }];
  } catch {
    return [];
  }
}
