import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { until } from './product.ts';

const root = resolve(import.meta.dirname, '../..');

/** A command in a real terminal, as somebody at a keyboard has it: Ctrl-C reaches every process in the foreground. */
export class Terminal {
  /** TMPDIR of the command, so that what is left behind is seen. */
  readonly directory = mkdtempSync(join(tmpdir(), 'zw-tty-'));
  readonly said: { at: number; text: string }[] = [];
  /** How the command ended: its exit code, as script(1) passes it on. */
  readonly ended: Promise<number | null>;
  readonly #script: ChildProcessWithoutNullStreams;
  readonly #since = performance.now();

  /** @param cold as on the first start ever, without what tsx has compiled already */
  constructor(command: string, { cold = false } = {}) {
    const cache = `tsx-${process.getuid?.()}`;
    if (!cold) symlinkSync(join(tmpdir(), cache), join(this.directory, cache));
    const env = { ...process.env, TMPDIR: this.directory };
    // script(1) of util-linux is the one way to a terminal that needs no compiled addon.
    this.#script = spawn('script', ['-qfec', command, '/dev/null'], { cwd: root, env });
    this.#script.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.said.push({ at: performance.now() - this.#since, text });
    });
    this.#script.stdin.on('error', () => undefined);
    this.ended = once(this.#script, 'close').then(([code]) => code);
  }

  text(): string {
    return this.said.map(({ text }) => text).join('');
  }

  async sees(words: string | RegExp, timeoutMs = 60_000): Promise<void> {
    const seen = () => (typeof words === 'string' ? this.text().includes(words) : words.test(this.text()));
    await until(`the terminal shows ${words}`, seen, { timeoutMs, logs: () => this.text() });
  }

  press(key: '\x03'): void {
    this.#script.stdin.write(key);
  }

  /** As when the window is closed: the kernel sends SIGHUP. */
  hangUp(): void {
    this.#script.kill('SIGKILL');
  }

  /** The longest silence so far, ms, from the beginning on. */
  longestSilence(): number {
    const times = [0, ...this.said.map(({ at }) => at)];
    return Math.max(...times.slice(1).map((at, index) => at - (times[index] ?? 0)));
  }

  /** Files and processes that are still there; tsx keeps what it compiled for the next time. */
  leftBehind(): string[] {
    const files = readdirSync(this.directory).filter((name) => !name.startsWith('tsx-'));
    return [...files, ...processesWith(`TMPDIR=${this.directory}`)];
  }

  async leavesNothing(): Promise<void> {
    const gone = () => this.leftBehind().length === 0;
    await until('nothing is left', gone, { timeoutMs: 10_000, logs: () => `${this.leftBehind()}\n${this.text()}` });
  }

  close(): void {
    this.#script.kill('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Command lines of the processes whose environment has this line. */
export function processesWith(line: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
        if (!environment.includes(line)) return [];
        return [`${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').slice(0, 200)}`];
      } catch {
        return [];
      }
    });
}
