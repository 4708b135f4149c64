import { expect } from 'vitest';
import * as commands from '../../src/upgrade/host/commands.ts';
import { stagedPath, uploadPath } from '../../src/upgrade/host/layout.ts';
import { missing, type Stranger } from '../../src/upgrade/host/strangers.ts';
import type { Baseline, Rollout } from '../../src/upgrade/rollout/types.ts';
import type { Command } from '../../src/upgrade/ssh/types.ts';
import { rollout as someRollout } from '../upgrade/steps/support.ts';
import type { Chance } from './time.ts';
import { archives, builds, damaged, envFile, environments, hashOf, releaseOf, service } from './tiny-world.ts';
import { binaryOf, sha256 } from './trial-node.ts';
import { type Twins, whatRuns } from './twins.ts';

const lbFails = '/run/lb-fails';
/** Words of a command that are the same in every one. */
const dull = /^(?:unit|binary|env|owner|mode|target|uploaded|staged|folder)=/;

/** Draws a story: mostly an upgrade as it goes, one command after another, with all that may come in between. */
export class TwinStory {
  readonly #chance: Chance;
  readonly #twins: Twins;
  readonly #turns = ['v2.0.0', 'v2.1.0'].map((version, at) => ({ id: `r-${at + 1}`, version }));
  #turn: { id: string; version: string };
  #epoch = 4;
  #attempt = 1;
  #before: Baseline;
  #next = 0;

  constructor(chance: Chance, twins: Twins) {
    this.#chance = chance;
    this.#twins = twins;
    this.#turn = chance.pick(this.#turns);
    this.#before = this.#baseline();
    if (chance.of(0.25)) this.#path = [...this.#recovery, 'backup', ...this.#recovery, 'cleanup'];
  }

  async tell(): Promise<void> {
    if (!this.#path.includes('gather') && this.#chance.of(0.6)) await this.#wasStaged();
    for (let left = this.#chance.between(3, 12); left > 0; left -= 1) {
      while (this.#chance.of(0.25)) await this.#hand();
      await this.#command();
    }
  }

  async #wasStaged(): Promise<void> {
    const { binarySha256, version } = this.#rollout.release;
    const path = stagedPath(service, this.#rollout.release);
    const { model, trial } = this.#twins;
    const stage = () => trial.write(trial.path(path), binaryOf(version), 0o755);
    await this.#twins.hand(`${version} was staged before`, () => model.staged.set(path, binarySha256), stage);
    this.#next = this.#chance.between(1, 2);
  }

  get #rollout(): Rollout {
    const { id, version } = this.#turn;
    return someRollout({ id, service, release: releaseOf(version), epoch: this.#epoch });
  }

  #baseline(): Baseline {
    const { unit, binary, env } = this.#twins.model;
    const now = unit.image ?? binary ?? hashOf('v1.0.0');
    return { version: builds.get(now)?.version ?? null, sha256: now, envSha256: env, invocation: '' };
  }

  /** Mostly as it was recorded; or as it is now; or as somebody else calls it; or as it never was. */
  #past(): Baseline {
    const chance = this.#chance;
    if (chance.of(0.12)) this.#before = this.#baseline();
    if (chance.of(0.08)) return { ...this.#before, version: chance.pick([null, 'v1', '1.0 (old)', '-']) };
    if (chance.of(0.04)) return { ...this.#before, sha256: chance.pick([...builds.keys()]) };
    if (chance.of(0.04)) return { ...this.#before, envSha256: chance.pick([null, ...environments.keys()]) };
    return this.#before;
  }

  /** What a person decides about: mostly what is there and was not there before. */
  #decided(before: Baseline): { replace: Stranger[]; keep: Stranger[] } {
    const { unit, binary, env } = this.#twins.model;
    const replace: Stranger[] = [];
    const keep: Stranger[] = [];
    const chance = this.#chance;
    const of = (part: Stranger['part'], now: string | null, known: (string | null)[], others: string[]): void => {
      if (!chance.of(known.includes(now) ? 0.05 : 0.5)) return;
      const sha256 = chance.of(0.1) ? chance.pick([missing, ...others]) : (now ?? missing);
      (part === 'env' && chance.of(0.4) ? keep : replace).push({ part, sha256 });
    };
    const ours = [before.sha256, this.#rollout.release.binarySha256];
    of('image', unit.image, ours, [...builds.keys()]);
    of('disk', binary, ours, [...builds.keys()]);
    of('env', env, [before.envSha256], [...environments.keys()]);
    return { replace, keep };
  }

  /** What a broken node is to get: mostly what was gathered, or can be. */
  #gets(from: string | null): Baseline {
    const { env, recovered, backups } = this.#twins.model;
    const { version, binarySha256: sha256 } = this.#rollout.release;
    const kept = from === null ? null : (backups.get(from)?.env ?? null);
    const [made] = [...recovered.values()];
    const usual = from !== null ? kept : made !== undefined && this.#chance.of(0.7) ? made.env : env;
    const envSha256 = this.#chance.of(0.1) ? this.#chance.pick([null, ...environments.keys()]) : usual;
    return { version, sha256, envSha256, invocation: '' };
  }

  #numbers(): void {
    const chance = this.#chance;
    if (chance.of(0.7)) this.#attempt += 1;
    if (chance.of(0.04)) this.#attempt = Math.max(1, this.#attempt - chance.between(1, 3));
    if (chance.of(0.05)) this.#epoch = Math.max(1, this.#epoch + chance.pick([2, 2, 1, -1, -2]));
    if (chance.of(0.06)) this.#turn = chance.pick(this.#turns);
  }

  #path = ['stage', 'backup', 'switch', 'restart', 'restore', 'switch', 'restore', 'cleanup'];
  readonly #beside = ['look', 'observe', 'look under lock', 'look around', 'list backups', 'check backup', 'diagnose'];
  readonly #recovery = ['gather', 'check gathered', 'recover'];
  readonly #all = [...this.#path, ...this.#beside, ...this.#recovery, 'drain', 'undrain'];

  async #command(): Promise<void> {
    const chance = this.#chance;
    this.#numbers();
    const onTheWay = chance.of(0.65);
    const name = onTheWay ? (this.#path[this.#next % this.#path.length] ?? '') : chance.pick(this.#all);
    const command = await this.#made(name);
    const list = [{ name, command }];
    if (chance.of(['switch', 'restore', 'restart', 'recover'].includes(name) ? 0.4 : 0.04)) {
      const other = chance.pick(this.#all);
      list.push({ name: other, command: await this.#made(other) });
    }
    const words = list.map((each) => [each.name, ...each.command.args.filter((word) => !dull.test(word))].join(' '));
    const said = `${this.#turn.id} ${words.join(', and meanwhile ')}`;
    const code = await this.#twins.commands(
      list.map((each) => each.command),
      said,
    );
    // Whoever is refused mostly comes again.
    if (onTheWay && (code === 0 || chance.of(0.4))) this.#next += 1;
  }

  async #made(name: string): Promise<Command> {
    const chance = this.#chance;
    const rollout = this.#rollout;
    const turn = { rollout, attempt: this.#attempt, node: { name: 'trial' } };
    const past = this.#past();
    const decided = this.#decided(past);
    switch (name) {
      case 'look':
        return commands.glance(service, 1_000);
      case 'observe':
        return commands.observe(service, 1_000, chance.of(0.8) ? rollout : undefined, chance.of(0.5));
      case 'look under lock':
        return commands.lookUnderLock(turn);
      case 'look around':
        return commands.lookAround(service, 'trial', 1_000);
      case 'list backups':
        return commands.listBackups(service, 1_000);
      case 'check backup':
        return commands.checkBackup(turn.rollout.service, past, turn.rollout.policy.commandTimeout);
      case 'diagnose':
        return commands.diagnose(service, 1_000);
      case 'stage':
        return commands.stage(turn, past, await this.#upload(turn), decided);
      case 'backup':
        return commands.backup(turn, past, chance.of(0.4), decided);
      case 'switch':
        return commands.switchOver(turn, past, decided);
      case 'restore':
        return commands.restore(turn, past, decided);
      case 'restart': {
        const runs = chance.of(0.7) ? whatRuns : chance.pick(['', 'another']);
        const named = chance.of(0.5) ? this.#baseline() : past;
        // What is restarted is what runs, which an upgrade called new.
        return commands.restart(turn, { ...named, invocation: runs });
      }
      case 'gather': {
        const from = chance.of(0.6) ? null : (chance.pick([...this.#twins.model.backups.keys(), 'v9-9-9']) ?? null);
        return commands.gather(turn, this.#gets(from), await this.#upload(turn), from);
      }
      case 'check gathered':
        return commands.checkGathered(service, this.#gets(null), turn.rollout.policy.commandTimeout);
      case 'recover':
        return commands.recover(turn, this.#gets(null), decided);
      case 'cleanup':
        return commands.cleanup(turn, chance.of(0.85) ? past : null, chance.of(0.7));
      case 'drain':
      case 'undrain':
        return commands.traffic(turn, name);
      default:
        return expect.fail(`nothing is drawn for ${name}: say here how it is made`);
    }
  }

  /** Whole, damaged, missing, or none because it was staged before. */
  async #upload({ rollout, attempt }: commands.Turn): Promise<string | null> {
    const chance = this.#chance;
    if (chance.of(0.15)) return null;
    const path = uploadPath(rollout, attempt);
    const kind = chance.of(0.85) ? 'whole' : chance.pick(['damaged', 'missing']);
    if (kind === 'missing') return path;
    const content = kind === 'whole' ? (archives.get(rollout.release.version) ?? damaged) : damaged;
    await this.#twins.hand(
      `an upload arrives, ${kind}`,
      () => this.#twins.model.receive(path, sha256(content)),
      () => this.#twins.trial.write(this.#twins.trial.path(path), content),
    );
    return path;
  }

  async #hand(): Promise<void> {
    const { model } = this.#twins;
    const chance = this.#chance;
    const hand = (what: string, inModel: () => unknown, real: () => void | Promise<void>) =>
      this.#twins.hand(what, inModel, real);
    const hands: (() => Promise<void>)[] = [
      () => {
        const [hash, { version, binary }] = chance.pick([...builds]);
        const change = () => this.#twins.trial.write(this.#twins.trial.path(service.binary), binary, 0o755);
        return hand(`somebody installs ${version}`, () => model.byHand('binary', hash), change);
      },
      () =>
        hand(
          'somebody removes the binary',
          () => model.byHand('binary', null),
          () => this.#twins.trial.remove(service.binary),
        ),
      () => {
        const [hash, text] = chance.pick([...environments]);
        const change = () => this.#twins.trial.write(this.#twins.trial.path(envFile), text, 0o640);
        return hand(`somebody writes the environment ${text.trim()}`, () => model.byHand('env', hash), change);
      },
      () =>
        hand(
          'somebody removes the environment',
          () => model.byHand('env', null),
          () => this.#twins.trial.remove(envFile),
        ),
      () =>
        hand(
          'the service is stopped',
          () => model.serviceStopped(),
          () => this.#twins.trial.stopService(),
        ),
      () =>
        hand(
          'the service is started',
          () => model.serviceStarted(),
          () => this.#twins.trial.startService(),
        ),
      () =>
        hand(
          'the service dies',
          () => model.serviceDies(),
          () => this.#twins.trial.serviceDies(false),
        ),
      () => this.#twins.diesAndComesBack(),
      () => this.#deploy(),
      () => this.#deploy(),
      () => {
        model.trafficFails = chance.of(0.5);
        const change = () =>
          model.trafficFails
            ? this.#twins.trial.write(this.#twins.trial.path(lbFails), '')
            : this.#twins.trial.remove(lbFails);
        return hand(`the command for traffic ${model.trafficFails ? 'fails' : 'works'}`, () => undefined, change);
      },
      () => {
        const path = stagedPath(service, this.#rollout.release);
        const change = () => this.#twins.trial.write(this.#twins.trial.path(path), damaged, 0o755);
        return hand('somebody damages what is staged', () => model.staged.set(path, sha256(damaged)), change);
      },
      () => {
        const path = stagedPath(service, this.#rollout.release);
        return hand(
          'somebody removes what is staged',
          () => model.staged.delete(path),
          () => this.#twins.trial.remove(path),
        );
      },
      () => {
        const other = this.#turns.find(({ id }) => id !== this.#turn.id) ?? this.#turn;
        const release = releaseOf(other.version);
        const path = uploadPath(someRollout({ ...this.#rollout, id: other.id, release }), 1);
        const { trial } = this.#twins;
        const arrive = () => trial.write(trial.path(path), damaged);
        return hand('an upload of the other rollout arrives', () => model.receive(path, sha256(damaged)), arrive);
      },
      () => this.#damageBackup(),
      () => this.#damageBackup(),
    ];
    // An upgrade in which the binary is always gone gets nowhere.
    const usual = hands.filter((_, at) => ![1, 3].includes(at) || chance.of(0.4));
    await chance.pick(usual)();
  }

  /** What runs is somebody's work then; mostly what lies on disk is not. */
  async #deploy(): Promise<void> {
    const chance = this.#chance;
    const { model } = this.#twins;
    const [hash, { version, binary }] = chance.pick(
      [...builds].filter(([, build]) => build.version.endsWith('hotfix')),
    );
    const { trial } = this.#twins;
    const change = () => trial.write(trial.path(service.binary), binary, 0o755);
    await this.#twins.hand(`somebody deploys ${version}`, () => model.byHand('binary', hash), change);
    await this.#twins.diesAndComesBack();
    const was = builds.get(this.#before.sha256);
    if (was === undefined || chance.of(0.4)) return;
    const back = () => trial.write(trial.path(service.binary), was.binary, 0o755);
    await this.#twins.hand('and puts the old file back', () => model.byHand('binary', this.#before.sha256), back);
  }

  async #damageBackup(): Promise<void> {
    const { model } = this.#twins;
    const name = this.#chance.pick([...model.backups.keys(), '']);
    const kept = model.backups.get(name);
    if (kept === undefined) return;
    const part = this.#chance.pick(['binary', 'env'] as const);
    if (kept[part] === null) return;
    await this.#twins.hand(
      `somebody damages ${part} of ${name}`,
      () => {
        kept[part] = sha256(damaged);
      },
      () =>
        this.#twins.trial.overwrite(`/var/lib/zeitwork-upgrades/zeitwork-operator/backups/${name}/${part}`, damaged),
    );
  }
}
