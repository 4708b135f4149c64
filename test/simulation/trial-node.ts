import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setImmediate as soon } from 'node:timers/promises';
import { answerCalls } from '../../sandbox/fleet/calls.ts';
import { Journal } from '../../sandbox/fleet/journal.ts';
import { type Layout, layoutIn } from '../../sandbox/fleet/layout.ts';
import { type Rewriter, rewriter } from '../../sandbox/fleet/rewrite.ts';
import { writeShims } from '../../sandbox/fleet/shims.ts';
import { systemctl } from '../../sandbox/fleet/systemctl.ts';
import { growTree } from '../../sandbox/fleet/tree.ts';
import { Unit } from '../../sandbox/fleet/unit.ts';
import { fileName } from '../../src/upgrade/host/layout.ts';
import { stdinOf } from '../../src/upgrade/ssh/quote.ts';
import type { Command } from '../../src/upgrade/ssh/types.ts';
import type { Ended } from './node.ts';

/** The service: it does nothing, ends when it is told to, and dies when the test lets it. */
class Service {
  readonly exited: (code: number) => void;
  readonly #terminated: () => void;

  constructor(exited: (code: number) => void, terminated: () => void) {
    this.exited = exited;
    this.#terminated = terminated;
  }

  terminate(): void {
    this.#terminated();
  }

  kill(): void {
    this.exited(137);
  }
}

const never = 2 ** 31 - 1;
const state = '/var/lib/zeitwork-upgrades/zeitwork-operator';

export const sha256 = (content: string | Buffer): string => createHash('sha256').update(content).digest('hex');

/** A build that says its version, and which systemd's stand-in takes for one. */
export const binaryOf = (version: string): Buffer =>
  Buffer.from(
    `#!/bin/sh\n# zeitwork-operator version=${version} reported=${version} fault=none\n[ "\${1-}" != --version ] || echo ${version}\n`,
  );

/** One backup, as it is made before a sequence begins. */
export interface OldBackup {
  name: string;
  binary: Buffer;
  env: string | null;
  version: string;
}

/** What is on a node before a sequence. */
export interface Beginning {
  binary: Buffer;
  env: string;
  backups: OldBackup[];
  made: string[];
  aside: [name: string, content: Buffer | string][];
}

/**
 * A node on which the scripts themselves run, by a real `sh` on real files; systemd is the one of the sandbox. No SSH, no
 * clock but the one that is set.
 */
export class TrialNode {
  readonly #layout: Layout;
  readonly #paths: Rewriter;
  readonly #calls: { close(): void };
  readonly #scripts = new Map<string, string>();
  #journal = new Journal('trial');
  #unit: Unit<Service>;
  /** ms until systemd starts it again, the next time. */
  #comesBack = never;
  #stopping: (() => void) | null = null;
  #heldExit: (() => void) | null = null;

  static async make(root: string): Promise<TrialNode> {
    const layout = layoutIn(root);
    mkdirSync(layout.calls, { recursive: true });
    await writeShims(layout, 'trial');
    const made = spawnSync('mkfifo', [layout.control]);
    if (made.status !== 0) throw new Error(`mkfifo: ${made.stderr}`);
    return new TrialNode(layout);
  }

  private constructor(layout: Layout) {
    this.#layout = layout;
    this.#paths = rewriter(layout.tree, () => [layout.shims]);
    this.#unit = this.#freshUnit();
    this.#calls = answerCalls(layout, async (name, args) =>
      name === 'systemctl'
        ? systemctl(args, { 'zeitwork-operator': this.#unit }, this.#journal)
        : { code: 0, out: '', err: '' },
    );
  }

  #freshUnit(): Unit<Service> {
    const { binary, envFile, proc } = this.#layout;
    const takeDelay = (): number => {
      const delay = this.#comesBack;
      this.#comesBack = never;
      return delay;
    };
    const file = {
      ...{ binary, envFile, proc },
      get restartMs() {
        return takeDelay();
      },
    };
    return new Unit(file, this.#journal, (_build, { exited }) => new Service(exited, () => this.#terminated(exited)));
  }

  #terminated(exited: (code: number) => void): void {
    if (this.#stopping === null) setImmediate(() => exited(0));
    else {
      this.#heldExit = () => exited(0);
      this.#stopping();
    }
  }

  async begin({ binary, env, backups, made, aside }: Beginning): Promise<void> {
    this.#unit.kill();
    await growTree(this.#layout, { version: 'v0', env: {} });
    this.write(this.#layout.binary, binary, 0o755);
    this.write(this.#layout.envFile, env, 0o640);
    this.write(this.path('/usr/local/bin/lb'), this.#paths.inwards(lb), 0o755);
    for (const [at, old] of backups.entries()) {
      const folder = this.path(`${state}/backups/${old.name}`);
      this.write(join(folder, 'binary'), old.binary, 0o755);
      if (old.env !== null) this.write(join(folder, 'env'), old.env, 0o640);
      const envHash = old.env === null ? '-' : sha256(old.env);
      this.write(
        join(folder, 'manifest'),
        `version ${fileName(old.version)}\nbinary ${sha256(old.binary)} root:root 755\nenv ${envHash} /etc/zeitwork/operator.env\n`,
      );
      utimesSync(folder, at + 1, at + 1);
    }
    if (made.length > 0) this.write(this.path(`${state}/made`), made.map((line) => `${line}\n`).join(''));
    for (const [name, content] of aside) this.write(this.path(`${state}/aside/${name}`), content);
    this.#journal = new Journal('trial');
    this.#unit = this.#freshUnit();
    await this.#unit.start();
    await soon();
  }

  close(): void {
    this.#unit.kill();
    this.#calls.close();
  }

  get invocation(): string {
    return this.#unit.properties().InvocationID ?? '';
  }

  path = (remote: string): string => this.#paths.path(remote);

  /** Under another name first, as one deploys: what runs keeps what it runs from. */
  write(path: string, content: string | Buffer, mode = 0o644): void {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(`${path}~`, content, { mode });
    renameSync(`${path}~`, path);
  }

  /** @param now what `date` says there, epoch ms */
  async run({ name, script, args }: Command, now: number): Promise<Ended> {
    writeFileSync(this.#layout.clock, new Date(now).toISOString());
    const known = this.#scripts.get(script);
    const inwards = known ?? this.#paths.inwards(stdinOf({ name, script, args, sudo: true, timeoutMs: 1 }));
    this.#scripts.set(script, inwards);
    const child = spawn('/bin/sh', ['-s', '--', ...args.map((word) => this.#paths.inwards(word))], {
      cwd: this.#layout.home,
      env: { PATH: `${this.#layout.shims}:/usr/bin:/bin`, LC_ALL: 'C' },
    });
    const [stdout, stderr] = [child.stdout, child.stderr].map((stream) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      return () => this.#paths.outwards(Buffer.concat(chunks).toString());
    });
    const code = new Promise<number>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (status, signal) => resolve(status ?? (signal === null ? -1 : 128)));
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(inwards);
    return { code: await code, stdout: stdout?.() ?? '', stderr: stderr?.() ?? '' };
  }

  /** Runs the second while the first waits for the service to stop; after it, when it does not come to that. */
  async runBoth(first: Command, second: Command, now: number): Promise<[Ended, Ended]> {
    const stopping = new Promise<void>((resolve) => {
      this.#stopping = resolve;
    });
    const one = this.run(first, now);
    await Promise.race([one, stopping]);
    this.#stopping = null;
    const other = await this.run(second, now);
    this.#heldExit?.();
    this.#heldExit = null;
    return [await one, other];
  }

  async stopService(): Promise<void> {
    await this.#unit.stop();
  }
  async startService(): Promise<void> {
    // As systemd: what waits to be started again is not started before its time.
    if (this.#unit.state !== 'activating') await this.#unit.start();
    await soon();
  }
  async serviceDies(comesBack: boolean): Promise<void> {
    const { program } = this.#unit;
    if (program === null) return;
    this.#comesBack = comesBack ? 1 : never;
    program.exited(1);
    if (!comesBack) return;
    const before = this.#unit.properties().NRestarts;
    while (this.#unit.properties().NRestarts === before) await soon();
    await soon();
  }

  /** All that lies on it, in the words of the test. */
  state() {
    const { binary, envFile, tree, home } = this.#layout;
    const hash = (path: string): string | null => (existsSync(path) ? sha256(readFileSync(path)) : null);
    const list = (remote: string): string[] => (existsSync(this.path(remote)) ? readdirSync(this.path(remote)) : []);
    const files = (folder: string): string[] =>
      existsSync(folder)
        ? readdirSync(folder, { recursive: true, withFileTypes: true })
            .filter((entry) => entry.isFile())
            .map((entry) => join(entry.parentPath, entry.name))
        : [];
    const text = (remote: string): string =>
      existsSync(this.path(remote)) ? readFileSync(this.path(remote), 'utf8') : '';
    const unit = this.#unit.properties();
    const kept = list(`${state}/backups`)
      .map((name) => ({ name, folder: this.path(`${state}/backups/${name}`) }))
      .map((each) => ({ ...each, at: statSync(each.folder, { bigint: true }).mtimeNs }))
      .sort((one, other) => (one.at > other.at ? -1 : 1));
    const beside = list('/usr/local/bin').filter((name) => !['zeitwork-operator', 'lb'].includes(name));
    return {
      binary: hash(binary),
      env: hash(envFile),
      staged: beside.map((name) => `/usr/local/bin/${name} ${hash(this.path(`/usr/local/bin/${name}`))}`).sort(),
      uploads: files(home)
        .map((path) => `${path.slice(home.length + 1)} ${hash(path)}`)
        .sort(),
      backups: kept.map(({ name, folder }) => ({
        ...{ name, binary: hash(join(folder, 'binary')), env: hash(join(folder, 'env')) },
        version: /^version (.*)$/m.exec(readFileSync(join(folder, 'manifest'), 'utf8'))?.[1],
      })),
      recovered: list(`${state}/recovered`).map((name) => {
        const [kept, env] = ['binary', 'env'].map((part) => hash(this.path(`${state}/recovered/${name}/${part}`)));
        return `${name} ${kept} ${env}`;
      }),
      made: text(`${state}/made`).split('\n').filter(Boolean),
      aside: list(`${state}/aside`).map((name) => `${name} ${hash(this.path(`${state}/aside/${name}`))}`),
      fence: text(`${state}/epoch`).split(' ').map(Number),
      inService: !existsSync(this.path('/run/lb-out')),
      service: `${unit.ActiveState} ${unit.SubState} ${unit.Result} ${unit.ExecMainStatus} ${unit.NRestarts}`,
      runs: unit.MainPID === '0' ? null : hash(join(this.path('/proc'), unit.MainPID ?? '', 'exe')),
      strays: [
        ...files(dirname(envFile)).filter((path) => path !== envFile),
        ...list(state).filter((name) => !expected.includes(name)),
        ...files(join(tree, 'tmp')),
      ],
    };
  }

  /** The same file with another content. */
  overwrite(remote: string, content: Buffer): void {
    writeFileSync(this.path(remote), content);
  }

  remove(remote: string): void {
    rmSync(this.path(remote), { force: true });
  }
}

/** What the scripts keep of a unit. */
const expected = ['lock', 'epoch', 'made', 'backups', 'recovered', 'aside', 'aside.log', 'digests', 'environment'];

/** The command for traffic: it fails while somebody wants it to. */
const lb = `#!/bin/sh
[ ! -e /run/lb-fails ] || exit 3
case $1 in drain) : >/run/lb-out ;; *) rm -f /run/lb-out ;; esac
`;
