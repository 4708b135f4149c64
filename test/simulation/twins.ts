import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import { backupPath } from '../../src/upgrade/host/layout.ts';
import type { Command } from '../../src/upgrade/ssh/types.ts';
import { type Ended, ModelNode } from './node.ts';
import { type Chance, Time } from './time.ts';
import { builds, environments, hashOf, inNames, service, usualEnv } from './tiny-world.ts';
import { binaryOf, type OldBackup, sha256, type TrialNode } from './trial-node.ts';

const day = 86_400_000;

/** One node twice: as a model and as real files. */
export class Twins {
  readonly #time: Time;
  readonly #chance: Chance;
  readonly model: ModelNode;
  readonly trial: TrialNode;
  readonly #heard: Set<string>;
  readonly #told: string[] = [];
  /** In the order in which they were seen first: which is which is all that counts. */
  readonly #invocations = { model: [''], trial: [''] };

  constructor(chance: Chance, trial: TrialNode, heard: Set<string>) {
    this.#chance = chance;
    this.trial = trial;
    this.#heard = heard;
    this.#time = new Time(Date.UTC(2026, 10, 24));
    this.model = new ModelNode(
      { name: 'trial', region: 'us-east', binary: hashOf('v1.0.0'), env: usualEnv },
      this.#time,
      chance,
      (hash) => ({ version: builds.get(hash)?.version ?? 'none', behaviour: 'good' }),
      { stops: () => undefined, starts: () => undefined, replaces: () => undefined },
    );
    this.model.restartAfter = 1_000 * day;
    this.model.stopTakes = 600_000;
  }

  async begin(): Promise<void> {
    const chance = this.#chance;
    const backups = this.#oldBackups();
    const made = Array.from(
      { length: chance.of(0.1) ? 50 : chance.between(0, 2) },
      (_, at) => `1 v0.${at}-${at}-noenv`,
    );
    const aside = Array.from({ length: chance.of(0.2) ? 8 : 0 }, (_, at): [string, Buffer] => [
      `20260101T00000${at}Z-binary-${hashOf(`v0.${at}`).slice(0, 12)}`,
      binaryOf(`v0.${at}`),
    ]);
    await this.trial.begin({ binary: binaryOf('v1.0.0'), env: environments.get(usualEnv) ?? '', backups, made, aside });
    for (const [at, { name, binary, env, version }] of backups.entries()) {
      const pair = { binary: sha256(binary), env: env === null ? null : sha256(env) };
      this.model.backups.set(name, { ...pair, says: pair, version, usedAt: at });
    }
    this.model.made = made;
    this.model.aside = new Map(aside.map(([name, content]) => [name, sha256(content)]));
  }

  /** Of other days, the oldest first. */
  #oldBackups(): OldBackup[] {
    const count = this.#chance.of(0.3) ? 0 : this.#chance.pick([3, 5, 6, 7, 21]);
    return Array.from({ length: count }, (_, at) => {
      const version = at === 1 ? 'v1.0.1' : at === 2 ? 'v1.0.0' : `v0.${at}`;
      const env = at % 3 === 0 ? null : 'PORT=1\n';
      const baseline = {
        version,
        sha256: hashOf(version),
        envSha256: env === null ? null : sha256(env),
        invocation: '',
      };
      const name = backupPath(service, baseline).split('/').at(-1) ?? '';
      return { name, binary: binaryOf(version), env, version };
    });
  }

  /** Something that a person or chance does to both. */
  async hand(what: string, model: () => unknown, real: () => void | Promise<void>): Promise<void> {
    this.#told.push(`- ${what}`);
    model();
    await real();
    this.#compare();
  }

  /** The service dies, and systemd starts it again. */
  async diesAndComesBack(): Promise<void> {
    const { restartAfter } = this.model;
    const die = (): void => {
      this.model.restartAfter = 1;
      this.model.serviceDies();
      this.model.restartAfter = restartAfter;
    };
    this.#told.push('- the service dies and comes back');
    die();
    await this.#time.play(() => false, this.#time.now + 1);
    await this.trial.serviceDies(true);
    this.#compare();
  }

  /** One command, or a second one while the first waits for the service to stop. Gives the exit code of the first. */
  async commands(list: Command[], words: string): Promise<number> {
    this.#told.push(`- ${words}`);
    const next = (Math.floor(this.#time.now / 10_000) + 1) * 10_000;
    await this.#time.play(() => false, next);
    this.#time.now = next;
    const [one, other] = list;
    if (one === undefined) throw new Error('no command');
    const runs = { model: this.model.unit.invocation, trial: this.trial.invocation };
    const [here, there] = (['model', 'trial'] as const).map((whose) => (command: Command) => ({
      ...command,
      args: command.args.map(naming(runs[whose])),
    })) as [(command: Command) => Command, (command: Command) => Command];
    if (other === undefined) {
      const real = await this.trial.run(there(one), next);
      this.#answers(one.name, await this.#model(here(one)), real);
      this.#compare();
      return real.code;
    }
    const real = await this.trial.runBoth(there(one), there(other), next);
    const modelled = await this.#modelBoth(here(one), here(other));
    this.#answers(other.name, modelled[1], real[1]);
    this.#answers(one.name, modelled[0], real[0]);
    this.#compare();
    return real[0].code;
  }

  async #model(command: Command): Promise<Ended> {
    return (await this.#begun(command, () => false)).ended();
  }

  async #modelBoth(first: Command, second: Command): Promise<[Ended, Ended]> {
    const one = await this.#begun(first, () => this.model.unit.active === 'deactivating');
    const other = await this.#model(second);
    return [await one.ended(), other];
  }

  async #begun(command: Command, enough: () => boolean): Promise<{ ended(): Promise<Ended> }> {
    let ended: Ended | null = null;
    void this.model.run(command).then((end) => {
      ended = end;
    });
    await this.#time.play(() => ended !== null || enough(), this.#time.now + day);
    return {
      ended: async () => {
        await this.#time.play(() => ended !== null, this.#time.now + day);
        return ended ?? expect.fail(`${this.#told.join('\n')}\nthe model never ends ${command.name}`);
      },
    };
  }

  #answers(name: string, modelled: Ended, real: Ended): void {
    const said = ({ code, stdout }: Ended, whose: 'model' | 'trial') => ({
      code,
      lines: linesOf(name, stdout, this.#invocations[whose]),
    });
    const answer = said(real, 'trial');
    for (const line of answer.lines)
      this.#heard
        .add(line)
        .add(line.split(' ').slice(0, 2).join(' '))
        .add(line.split(' ')[0] ?? '');
    this.#same(`${name} is answered differently`, said(modelled, 'model'), answer, real.stderr);
  }

  #compare(): void {
    this.#same('what lies there differs', stateOf(this.model), this.trial.state());
  }

  #same(what: string, modelled: object, real: object, complaints = ''): void {
    if (isDeepStrictEqual(modelled, real)) return;
    const parts = Object.entries(real).flatMap(([part, of]) => {
      const other = (modelled as Record<string, unknown>)[part];
      if (isDeepStrictEqual(other, of)) return [];
      return [`${part}, as the model has it: ${inspect(other)}`, `${part}, as it is: ${inspect(of)}`];
    });
    throw new Error(inNames([...this.#told, what, ...parts, complaints].join('\n')));
  }
}

/** What runs is called otherwise by each of the two. */
export const whatRuns = 'what-runs';
const naming = (invocation: string) => (word: string) =>
  word === `invocation=${whatRuns}` ? `invocation=${invocation === '' ? '-' : invocation}` : word;

const inspect = (value: unknown): string => JSON.stringify(value, null, 1);

const machines = new Set(['machine', 'writable', 'space', 'clock', 'header']);

function linesOf(command: string, stdout: string, invocations: string[]): string[] {
  const all = stdout.split('\n').filter((line) => line.startsWith('@@zw '));
  const lines = all.flatMap((line): string[] => {
    const [, key = '', value = ''] = /^@@zw (\S+) (.*)$/.exec(line) ?? expect.fail(`no line of ours: ${line}`);
    if (command === 'diagnose' && !['unit', 'end'].includes(key)) return [];
    if (machines.has(key)) return [`${key} ${/^[a-z]+(?= )/.exec(value)?.[0] ?? ''}`];
    if (key !== 'unit') return [`${key} ${value}`];
    const [name = '', fact = ''] = value.split('=');
    if (name === 'ActiveEnterTimestampMonotonic') return [];
    if (name === 'MainPID') return [`unit ${name}=${fact === '0' ? 0 : 'one'}`];
    if (name !== 'InvocationID') return [`unit ${value}`];
    if (!invocations.includes(fact)) invocations.push(fact);
    return [`unit ${name}=${invocations.indexOf(fact)}`];
  });
  // systemd says its facts in an order of its own.
  const facts = lines.filter((line) => line.startsWith('unit ')).sort();
  return lines.map((line) => (line.startsWith('unit ') ? (facts.shift() ?? '') : line));
}

function stateOf(model: ModelNode): ReturnType<TrialNode['state']> {
  const { unit, fence } = model;
  const listed = (map: Map<string, string>) => [...map].map(([name, content]) => `${name} ${content}`).sort();
  return {
    binary: model.binary,
    env: model.env,
    staged: listed(model.staged),
    uploads: listed(model.uploads),
    backups: [...model.backups]
      .sort(([, one], [, other]) => other.usedAt - one.usedAt)
      .map(([name, { binary, env, version }]) => ({ name, binary, env, version })),
    recovered: [...model.recovered].map(([name, { binary, env }]) => `${name} ${binary} ${env}`),
    made: model.made,
    aside: listed(model.aside),
    fence: fence === null ? [0] : [fence.epoch, fence.attempt],
    inService: model.inService,
    service: `${unit.active} ${unit.sub} ${unit.result} ${unit.exit} ${unit.restarts}`,
    runs: unit.image,
    strays: [],
  };
}
