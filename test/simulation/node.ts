import type { Health } from '../../src/upgrade/http/types.ts';
import type { Command } from '../../src/upgrade/ssh/types.ts';
import type { Chance, Time } from './time.ts';

/** How a build behaves on a node. */
export type Behaviour =
  | 'good'
  | 'never healthy'
  | 'exits'
  | 'flaps'
  | 'flaps later'
  | 'dies later'
  | 'says another version';

export interface Build {
  version: string;
  behaviour: Behaviour;
}

/** How a script of ours ended. */
export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** A script under way: dead when its machine lost its power. */
interface Script {
  name: string;
  args: Map<string, string>;
  words: string[];
  lines: string[];
  dead: boolean;
}

/** Thrown by a script that ends early. */
class Exit extends Error {
  readonly code: number;

  constructor(code: number) {
    super(`exit ${code}`);
    this.code = code;
  }
}

interface Unit {
  active: 'active' | 'activating' | 'deactivating' | 'inactive' | 'failed';
  sub: string;
  result: string;
  exit: number;
  pid: number;
  invocation: string;
  restarts: number;
  /** Content of the program that runs; null when none does. */
  image: string | null;
  since: number;
}

interface Backup {
  binary: string;
  env: string | null;
  /** What its manifest says of both, whatever became of them. */
  says: { binary: string; env: string | null };
  version: string;
  usedAt: number;
}

/** Whose script it is. */
export interface Order {
  name: string;
  epoch: number;
  attempt: number;
}

/** Told of what our scripts do to a node. */
export interface Watcher {
  /** Right before the service is stopped by a script of ours. */
  stops(node: ModelNode, script: Order): void;
  /** It was started again by it. */
  starts(node: ModelNode, script: Order): void;
  /** A script puts something else in the place of this file. */
  replaces(node: ModelNode, what: 'binary' | 'environment', content: string, script: Order): void;
}

const root = '/var/lib/zeitwork-upgrades';
const missing = 'missing';

/**
 * A node as the scripts of `src/upgrade/host/scripts` know it: files by their hashes, one unit of systemd, lock and fence.
 * It is held against the scripts themselves by `test/simulation/model.test.ts`.
 */
export class ModelNode {
  readonly name: string;
  readonly region: string;
  readonly #time: Time;
  readonly #chance: Chance;
  readonly #builds: (sha256: string) => Build;
  readonly #watcher: Watcher;
  #pids = 1000;
  #starts = 0;

  /** The machine has power. */
  on = true;
  /** Nobody reaches it; it runs on. */
  cut = false;
  /** Takes so long to stop, ms. */
  stopTakes = 200;
  /** systemd's RestartSec of the unit, ms. */
  restartAfter = 2_000;
  /** The command for traffic fails. */
  trafficFails = false;
  inService = true;
  diskFull = false;

  binary: string | null;
  env: string | null;
  /** Beside the binary, by path. */
  staged = new Map<string, string>();
  uploads = new Map<string, string>();
  backups = new Map<string, Backup>();
  /** What was gathered to be put in place of what is broken. */
  recovered = new Map<string, Pick<Backup, 'binary' | 'env'>>();
  made: string[] = [];
  /** By name, which begins with the time. */
  aside = new Map<string, string>();
  /** The environment file that a script of ours put there last, and what ran then. */
  put: { env: string; invocation: string } | null = null;
  /** Null: none was ever seen. */
  fence: { epoch: number; attempt: number } | null = null;
  #lock: Script | null = null;
  unit: Unit;

  constructor(
    parts: { name: string; region: string; binary: string; env: string },
    time: Time,
    chance: Chance,
    builds: (sha256: string) => Build,
    watcher: Watcher,
  ) {
    this.name = parts.name;
    this.region = parts.region;
    this.binary = parts.binary;
    this.env = parts.env;
    this.#time = time;
    this.#chance = chance;
    this.#builds = builds;
    this.#watcher = watcher;
    this.unit = this.#stopped();
    this.#start();
    this.unit.since = time.now - 3_600_000;
  }

  // --- what happens to it by itself, and by hand

  byHand(part: 'binary' | 'env', content: string | null): void {
    this[part] = content;
  }

  /** The service ends, and systemd starts it again. */
  serviceDies(): void {
    if (this.unit.pid !== 0 && this.unit.active === 'active') this.#died(1);
  }

  /** An operator stops it by hand. */
  serviceStopped(): void {
    const { pid, restarts, invocation, result, exit } = this.unit;
    const end = pid === 0 ? { result, exit } : {};
    this.#starts += 1;
    this.unit = { ...this.#stopped(), ...end, restarts, invocation };
  }

  serviceStarted(): void {
    if (this.on && this.unit.pid === 0 && this.unit.active !== 'activating') this.#start();
  }

  losesPower(): void {
    this.on = false;
    for (const script of this.#scripts) script.dead = true;
    this.#scripts.clear();
    this.#lock = null;
    this.unit = this.#stopped();
  }

  boots(): void {
    if (this.on) return;
    this.on = true;
    this.#start();
  }

  get isServing(): boolean {
    return this.on && this.inService && this.health().is === 'healthy';
  }

  /** What its health address answers, to somebody who reaches it. */
  health(): Health {
    const { image, pid, since, active } = this.unit;
    if (!this.on) return { is: 'unreachable', detail: 'no route to host' };
    if (pid === 0 || image === null || active === 'deactivating')
      return { is: 'unreachable', detail: 'connection refused', refused: true };
    const age = this.#time.now - since;
    const { version, behaviour } = this.#builds(image);
    if (age < 800) return { is: 'unreachable', detail: 'connection refused', refused: true };
    const well = {
      good: true,
      'never healthy': false,
      exits: false,
      flaps: age % 12_000 < 9_000,
      // Long enough well to be proven, and never gone for three looks of a watch.
      'flaps later': age < 45_000 || age % 60_000 > 20_000,
      'dies later': true,
      'says another version': true,
    }[behaviour];
    if (!well) return { is: 'unhealthy', httpStatus: 503, detail: 'HTTP 503: starting' };
    return {
      is: 'healthy',
      version: behaviour === 'says another version' ? 'v9.9.9' : version,
      hostname: this.name,
    };
  }

  // --- systemd

  #stopped(): Unit {
    return {
      active: 'inactive',
      sub: 'dead',
      result: 'success',
      exit: 0,
      pid: 0,
      invocation: '',
      restarts: 0,
      image: null,
      since: this.#time.now,
    };
  }

  #start(restarts = 0): void {
    this.#starts += 1;
    const starts = this.#starts;
    this.unit = {
      active: 'active',
      sub: 'running',
      result: 'success',
      exit: 0,
      pid: ++this.#pids,
      invocation: `${this.name}-${starts}`,
      restarts,
      image: this.binary,
      since: this.#time.now,
    };
    if (this.binary === null || this.env === null) {
      this.#died(203);
      return;
    }
    const { behaviour } = this.#builds(this.binary);
    const lives = behaviour === 'exits' ? 300 : behaviour === 'dies later' ? 7_000 : null;
    if (lives === null) return;
    this.#time.after(lives, () => {
      if (this.#starts === starts && this.on && this.unit.pid !== 0) this.#died(1);
    });
  }

  #died(exit: number): void {
    const { restarts, invocation } = this.unit;
    const starts = ++this.#starts;
    const end = { sub: 'auto-restart', result: 'exit-code', exit };
    this.unit = { ...this.#stopped(), active: 'activating', ...end, restarts, invocation };
    this.#time.after(this.restartAfter, () => {
      if (this.#starts === starts && this.on) this.#start(restarts + 1);
    });
  }

  async #restart(script: Script): Promise<void> {
    this.#watcher.stops(this, orderOf(script));
    if (this.unit.pid !== 0) {
      this.#starts += 1;
      this.unit = { ...this.unit, active: 'deactivating', sub: 'stop-sigterm' };
      await this.#wait(script, this.stopTakes);
    }
    this.#start();
    this.#watcher.starts(this, orderOf(script));
    this.#say(script, 'restart', '0');
  }

  // --- scripts

  readonly #scripts = new Set<Script>();

  /** Runs one command as the node would; never resolves when the machine loses its power meanwhile. */
  async run({ name, args }: Command): Promise<Ended> {
    const end = args.indexOf('--');
    const named = end === -1 ? args : args.slice(0, end);
    const script: Script = {
      name,
      args: new Map(named.map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)])),
      words: end === -1 ? [] : args.slice(end + 1),
      lines: [],
      dead: !this.on,
    };
    this.#scripts.add(script);
    let code = 0;
    try {
      await this.#wait(script, this.#chance.between(5, 40));
      await this.#verb(script);
      this.#say(script, 'end', 'ok');
    } catch (error) {
      if (!(error instanceof Exit)) throw error;
      code = error.code;
    }
    this.#scripts.delete(script);
    if (this.#lock === script) this.#lock = null;
    return { code, stdout: script.lines.map((line) => `@@zw ${line}\n`).join(''), stderr: '' };
  }

  /** A file that arrives over SFTP. */
  receive(path: string, content: string): void {
    this.uploads.set(path, content);
  }

  async #wait(script: Script, ms: number): Promise<void> {
    await this.#time.wait(ms);
    if (script.dead) await new Promise(() => undefined);
  }

  #say(script: Script, key: string, value: string): void {
    script.lines.push(`${key} ${value}`);
  }

  /** What a program printed, an empty line, and how it ended. */
  #said(script: Script, key: string, line: string | null, code: number): void {
    if (line !== null) this.#say(script, key, line);
    this.#say(script, key, '');
    this.#say(script, key, `exit ${code}`);
  }

  #refuse(script: Script, word: string, detail: string): never {
    this.#say(script, 'refused', `${word} ${detail}`);
    throw new Exit(70);
  }

  async #verb(script: Script): Promise<void> {
    switch (script.name) {
      case 'look':
        this.#look(script);
        return this.#fenced(script);
      case 'observe':
        return this.#observe(script);
      case 'look under lock':
        this.#enter(script);
        return this.#look(script);
      case 'look around':
        return this.#say(script, 'clock', String(this.#time.now / 1000));
      case 'list backups':
        return this.#listBackups(script);
      case 'check backup':
        return void this.#checkBackup(script);
      case 'diagnose':
        return this.#unitLines(script);
      case 'stage':
        return this.#stage(script);
      case 'backup':
        return this.#backup(script);
      case 'gather':
        return this.#gather(script);
      case 'switch':
        return this.#switch(script);
      case 'restore':
        return this.#restore(script);
      case 'restart':
        return this.#startAnew(script);
      case 'cleanup':
        return this.#cleanup(script);
      case 'drain':
      case 'undrain':
        return this.#traffic(script);
      default:
        throw new Error(`the model of a node does not know ${script.name}`);
    }
  }

  /** Lock and fence, as `fence.ts` has them. */
  #enter(script: Script): void {
    if (this.#lock !== null) {
      this.#say(script, 'refused', 'busy -');
      throw new Exit(75);
    }
    this.#lock = script;
    const { epoch, attempt } = orderOf(script);
    const held = this.fence;
    if (held !== null && (held.epoch > epoch || (held.epoch === epoch && held.attempt > attempt))) {
      this.#say(script, 'refused', `fenced ${padded(held.epoch)} ${padded(held.attempt)} ${epoch}`);
      throw new Exit(76);
    }
    this.fence = { epoch, attempt };
    for (const path of this.staged.keys()) if (path !== script.args.get('staged')) this.staged.delete(path);
  }

  #unitLines(script: Script): void {
    const { unit } = this;
    const facts = {
      MainPID: unit.pid,
      InvocationID: unit.invocation,
      NRestarts: unit.restarts,
      ActiveState: unit.active,
      SubState: unit.sub,
      Result: unit.result,
      ExecMainStatus: unit.exit,
      LoadState: 'loaded',
    };
    for (const [key, value] of Object.entries(facts)) this.#say(script, 'unit', `${key}=${value}`);
  }

  #look(script: Script): void {
    this.#unitLines(script);
    this.#say(script, 'image', this.unit.image ?? '');
    this.#say(script, 'disk', this.binary ?? '');
    this.#say(script, 'env', this.env ?? '');
    if (this.#isStale()) this.#say(script, 'stale', 'env');
  }

  #isStale(): boolean {
    return this.put !== null && this.put.env === this.env && this.put.invocation === this.unit.invocation;
  }

  #fenced(script: Script): void {
    this.#say(script, 'held', this.fence === null ? '0' : padded(this.fence.epoch));
  }

  #observe(script: Script): void {
    this.#look(script);
    this.#fenced(script);
    const staged = this.staged.get(script.args.get('staged') ?? '-');
    if (staged !== undefined) this.#say(script, 'staged', staged);
    this.#say(script, 'machine', 'x86_64');
    this.#say(script, 'writable', 'yes');
    const blocks = this.diskFull ? 0 : 1_000_000;
    for (const place of ['home', 'binary', 'state']) this.#say(script, 'space', `${place} 1 ${blocks} 4096 1000 2000`);
    if (script.words.length === 0 || this.binary === null) return;
    this.#said(script, 'version', this.#builds(this.binary).version, 0);
  }

  #word(script: Script, key: string): string {
    return script.args.get(key) ?? '-';
  }

  /** The name under which this pair lies, whatever its version was called when it was made. */
  #backupName(script: Script): string {
    const name = baseOf(this.#word(script, 'backup'));
    if (this.backups.has(name)) return name;
    return [...this.backups.keys()].find((other) => pairOf(other) === pairOf(name)) ?? name;
  }

  #checkBackup(script: Script): Pick<Backup, 'binary' | 'env'> {
    const asked = this.#word(script, 'backup');
    const gathered = asked.includes('/recovered/') ? this.recovered.get(baseOf(asked)) : undefined;
    const name = this.#backupName(script);
    const kept = gathered ?? this.backups.get(name);
    if (kept === undefined) this.#refuse(script, 'no-backup', asked);
    const path = gathered === undefined ? `${root}/${this.#word(script, 'unit')}/backups/${name}` : asked;
    if (kept.binary !== this.#word(script, 'before')) this.#refuse(script, 'damaged', `${path}/binary`);
    const env = this.#word(script, 'before_env');
    if (env !== '-' && kept.env !== env) this.#refuse(script, 'damaged', `${path}/env`);
    return kept;
  }

  #stillBefore(script: Script): void {
    const before = this.#word(script, 'before');
    const now = this.unit.image ?? this.binary ?? '';
    if (now !== before) this.#refuse(script, 'drift', now);
    const fine = [before, this.#word(script, 'target')].includes(this.binary ?? '');
    if (!fine && (this.binary ?? missing) !== this.#word(script, 'replace_disk'))
      this.#refuse(script, 'drift-disk', this.binary ?? '');
    if (this.#word(script, 'before_env') !== (this.env ?? '-')) this.#refuse(script, 'drift-env', this.env ?? '');
  }

  #makeBackup(script: Script): void {
    const name = this.#backupName(script);
    const kept = this.backups.get(name);
    if (kept !== undefined) {
      kept.usedAt = this.#time.now;
      return;
    }
    const env = this.#word(script, 'before_env') === '-' ? null : this.env;
    const binary = this.unit.image ?? this.binary ?? '';
    const made = { binary, env, says: { binary, env }, version: this.#word(script, 'version'), usedAt: this.#time.now };
    this.backups.set(name, made);
    this.#say(script, 'made', this.#word(script, 'backup'));
  }

  #noteMade(script: Script): void {
    const line = `${orderOf(script).epoch} ${this.#backupName(script)}`;
    if (!this.made.includes(line)) this.made = [...this.made.slice(-49), line];
  }

  #oneBinary(script: Script): void {
    const before = this.#word(script, 'before');
    if (this.binary === before || this.binary === this.#word(script, 'target')) return;
    if (this.binary !== null) this.#keepAside(script, 'binary', this.binary);
    this.#put(script, before);
    this.#say(script, 'did', 'disk');
  }

  #put(script: Script, content: string): void {
    if (this.binary !== null) this.#watcher.replaces(this, 'binary', this.binary, orderOf(script));
    this.binary = content;
  }

  /** The newest eight stay, by their names. */
  #keepAside(script: Script, what: 'binary' | 'image' | 'environment', content: string): void {
    const folder = `${root}/${this.#word(script, 'unit')}/aside`;
    const end = `-${what}-${content.slice(0, 12)}`;
    const lies = [...this.aside].find(([name, kept]) => name.includes(end) && kept === content)?.[0];
    const stamp = new Date(this.#time.now).toISOString().replace(/[-:]|\.\d+/g, '');
    const name = lies ?? `${stamp}${end}`;
    this.#say(script, 'aside', `${folder}/${name}`);
    if (lies !== undefined) return;
    this.aside.set(name, content);
    for (const old of [...this.aside.keys()].sort().reverse().slice(8)) {
      if (old === name) continue;
      this.aside.delete(old);
      this.#say(script, 'pruned', `${folder}/${old}`);
    }
  }

  async #stage(script: Script): Promise<void> {
    this.#enter(script);
    this.#stillBefore(script);
    const [path, target] = [this.#word(script, 'staged'), this.#word(script, 'target')];
    const upload = this.#word(script, 'upload');
    if (upload !== '-') {
      const arrived = this.uploads.get(upload);
      if (arrived === undefined) this.#refuse(script, 'no-upload', upload);
      if (arrived !== this.#word(script, 'uploaded')) {
        this.uploads.delete(upload);
        this.#refuse(script, 'upload', arrived);
      }
      await this.#wait(script, 50);
      this.staged.set(path, target);
      this.#removeUploads(folderOf(upload));
    }
    const staged = this.staged.get(path);
    if (staged === undefined) this.#refuse(script, 'no-staged', path);
    if (staged !== target) {
      this.staged.delete(path);
      this.#refuse(script, 'staged', staged);
    }
    this.#makeBackup(script);
    this.#checkBackup(script);
    this.#noteMade(script);
    this.#oneBinary(script);
    const elf = '7f454c4602010100000000000000000002003e00';
    const files = this.unit.pid === 0 ? ['staged', 'shell'] : ['staged', 'running', 'shell'];
    for (const what of files) this.#say(script, 'header', `${what} ${elf}`);
  }

  async #backup(script: Script): Promise<void> {
    this.#enter(script);
    this.#stillBefore(script);
    this.#makeBackup(script);
    this.#checkBackup(script);
    this.#noteMade(script);
    this.#oneBinary(script);
    const target = this.#word(script, 'target');
    const staged = this.staged.get(this.#word(script, 'staged'));
    if (this.binary !== target) {
      if (staged === undefined) this.#refuse(script, 'no-staged', this.#word(script, 'staged'));
      if (staged !== target) this.#refuse(script, 'staged', staged);
    }
    if (script.words.length === 0) return;
    await this.#wait(script, 300);
    this.#said(script, 'version', this.#builds(target).version, 0);
  }

  async #switch(script: Script): Promise<void> {
    this.#enter(script);
    const { image } = this.unit;
    const disk = this.binary;
    this.#checkBackup(script);
    const [before, target, replaceDisk, replaceImage] = ['before', 'target', 'replace_disk', 'replace_image'].map(
      (key) => this.#word(script, key),
    );
    if (disk !== target || image !== target) {
      if (![before, target, replaceDisk].includes(disk ?? missing)) this.#refuse(script, 'drift-disk', disk ?? '');
      if (image !== null && ![before, target, replaceImage].includes(image)) this.#refuse(script, 'drift', image);
      const recorded = this.#word(script, 'before_env') === '-' ? missing : this.#word(script, 'before_env');
      if (![recorded, this.#word(script, 'keep_env')].includes(this.env ?? missing))
        this.#refuse(script, 'drift-env', this.env ?? '');
    }
    const path = this.#word(script, 'staged');
    if (disk !== target) {
      const staged = this.staged.get(path);
      if (staged === undefined) this.#refuse(script, 'no-staged', path);
      if (staged !== target) this.#refuse(script, 'staged', staged);
    }
    if (disk !== null && disk === replaceDisk) this.#keepAside(script, 'binary', disk);
    if (image !== null && image === replaceImage && image !== disk) this.#keepAside(script, 'image', image);
    if (disk !== target) {
      await this.#wait(script, 10);
      this.#put(script, this.#word(script, 'target'));
      this.staged.delete(path);
      this.#say(script, 'did', 'renamed');
      await this.#wait(script, 10);
    }
    if (image === target) this.#say(script, 'restart', 'skipped');
    else await this.#restart(script);
  }

  async #restore(script: Script): Promise<void> {
    this.#enter(script);
    const kept = this.#checkBackup(script);
    const { image } = this.unit;
    const disk = this.binary;
    const [before, target] = [this.#word(script, 'before'), this.#word(script, 'target')];
    const known = (content: string | null) => content === null || content === before || content === target;
    const strangeDisk = known(disk) ? null : disk;
    const strangeImage = known(image) ? null : image;
    const now = this.env ?? missing;
    const recorded = this.#word(script, 'before_env') === '-' ? missing : this.#word(script, 'before_env');
    const strangeEnv = now === recorded ? null : now;
    const [replaceDisk, replaceImage] = [this.#word(script, 'replace_disk'), this.#word(script, 'replace_image')];
    const [replaceEnv, keepEnv] = [this.#word(script, 'replace_env'), this.#word(script, 'keep_env')];
    if (strangeDisk !== null && strangeDisk !== replaceDisk) this.#refuse(script, 'foreign-disk', strangeDisk);
    if (strangeImage !== null && strangeImage !== replaceImage) this.#refuse(script, 'foreign-image', strangeImage);
    if (strangeEnv !== null && ![replaceEnv, keepEnv].includes(strangeEnv))
      this.#refuse(script, 'foreign-env', strangeEnv);
    let lacking = image !== before || this.#isStale();
    if (strangeDisk !== null) this.#keepAside(script, 'binary', strangeDisk);
    if (strangeImage !== null && image !== disk) this.#keepAside(script, 'image', strangeImage);
    await this.#wait(script, 10);
    if (disk !== before) {
      this.#put(script, kept.binary);
      this.#say(script, 'did', 'binary');
      await this.#wait(script, 10);
    }
    if (strangeEnv !== null && strangeEnv === replaceEnv) {
      if (now !== missing) this.#keepAside(script, 'environment', now);
      if (this.env !== null) this.#watcher.replaces(this, 'environment', this.env, orderOf(script));
      this.env = recorded === missing ? null : kept.env;
      if (this.env !== null) this.put = { env: this.env, invocation: this.unit.invocation };
      lacking = true;
      this.#say(script, 'did', 'env');
    }
    if (lacking) await this.#restart(script);
    else this.#say(script, 'restart', 'skipped');
  }

  /** Makes the pair that a broken node gets back, beside what lies there. */
  async #gather(script: Script): Promise<void> {
    this.#enter(script);
    const path = this.#word(script, 'backup');
    for (const name of this.recovered.keys()) if (name !== baseOf(path)) this.recovered.delete(name);
    const upload = this.#word(script, 'upload');
    if (upload !== '-') {
      this.recovered.delete(baseOf(path));
      const arrived = this.uploads.get(upload);
      if (arrived === undefined) this.#refuse(script, 'no-upload', upload);
      if (arrived !== this.#word(script, 'uploaded')) {
        this.uploads.delete(upload);
        this.#refuse(script, 'upload', arrived);
      }
      await this.#wait(script, 50);
      const env = this.#gatheredEnv(script);
      this.recovered.set(baseOf(path), { binary: this.#word(script, 'target'), env });
      this.#removeUploads(folderOf(upload));
    }
    this.#checkBackup(script);
    for (const what of ['staged', 'shell'])
      this.#say(script, 'header', `${what} 7f454c4602010100000000000000000002003e00`);
  }

  #gatheredEnv(script: Script): string | null {
    const wanted = this.#word(script, 'before_env');
    if (wanted === '-') return null;
    const from = this.#word(script, 'env_from');
    const found = from === '-' ? this.env : (this.backups.get(from)?.env ?? null);
    // Where the program's own folder has none, the one of versions before 0.2 is looked into.
    if (found === null)
      this.#refuse(script, 'no-backup', from === '-' ? this.#word(script, 'env') : `${root}/backups/${from}/env`);
    if (found !== wanted) this.#refuse(script, 'drift-env', found);
    return found;
  }

  async #startAnew(script: Script): Promise<void> {
    this.#enter(script);
    const { image, pid, invocation } = this.unit;
    const target = this.#word(script, 'target');
    if (this.binary !== target) this.#refuse(script, 'drift-disk', this.binary ?? '');
    if (image !== null && image !== target) this.#refuse(script, 'drift', image);
    if (this.#word(script, 'before_env') !== (this.env ?? '-')) this.#refuse(script, 'drift-env', this.env ?? '');
    if (pid !== 0 && invocation !== this.#word(script, 'invocation')) this.#say(script, 'restart', 'skipped');
    else await this.#restart(script);
  }

  #cleanup(script: Script): void {
    this.#enter(script);
    this.#removeUploads(this.#word(script, 'folder'));
    this.recovered.clear();
    if (this.#word(script, 'prune') !== 'yes') return;
    const own = pairOf(baseOf(this.#word(script, 'backup')));
    const newestFirst = [...this.backups].sort(([, a], [, b]) => b.usedAt - a.usedAt);
    for (const [name] of newestFirst.slice(5)) {
      if (own !== '' && pairOf(name) === own) continue;
      this.backups.delete(name);
      this.#say(script, 'pruned', `${root}/${this.#word(script, 'unit')}/backups/${name}`);
    }
  }

  #removeUploads(folder: string): void {
    for (const path of this.uploads.keys()) if (path.startsWith(`${folder}/`)) this.uploads.delete(path);
  }

  #traffic(script: Script): void {
    this.#enter(script);
    if (!this.trafficFails) this.inService = script.name === 'undrain';
    this.#said(script, 'traffic', null, this.trafficFails ? 3 : 0);
  }

  #listBackups(script: Script): void {
    this.#fenced(script);
    const newestFirst = [...this.backups].sort(([, a], [, b]) => b.usedAt - a.usedAt);
    for (const [name, { says, version }] of newestFirst.slice(0, 20))
      this.#say(script, 'backup', `${name} ${says.binary} ${says.env ?? '-'} ${version}`);
  }
}

const orderOf = ({ name, args }: Script): Order => ({
  name,
  epoch: Number(args.get('epoch') ?? 0),
  attempt: Number(args.get('try') ?? 0),
});

/** `-HASH-ENV` of `VERSION-HASH-ENV`. */
const pairOf = (name: string): string => /-[^-]*-[^-]*$/.exec(name)?.[0] ?? '';

const baseOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));

/** As the scripts write a number: its width never changes. */
const padded = (number: number): string => String(number).padStart(20, '0');
