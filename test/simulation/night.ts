import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { asShown } from '../../src/bot/as-shown.ts';
import { afterwardsPosts, worsePosts } from '../../src/bot/views/afterwards.ts';
import { nobody } from '../../src/bot/views/people.ts';
import { posts } from '../../src/bot/views/posts.ts';
import { type Anchors, type Belief, examine, openAnchors } from '../../src/jobs/index.ts';
import type { ChainedEntry } from '../../src/jobs/journal.ts';
import { keysOf } from '../../src/jobs/keys.ts';
import { createScript, saveScript } from '../../src/jobs/scripts.ts';
import type { Notary } from '../../src/trust/index.ts';
import { packOf } from '../../src/upgrade/report/index.ts';
import { isOpen, isWatchedAfterwards, nextAsk, nodesInOrder } from '../../src/upgrade/rollout/index.ts';
import type { Rollout } from '../../src/upgrade/rollout/types.ts';
import { belief } from '../support/belief.ts';
import { newImage, oldImage, tuesday } from '../support/rollouts.ts';
import { buttonsOn, type ChatMessage, SimulatedChat } from './chat.ts';
import { Checks, environments, rolloutIn } from './checks.ts';
import { type Behaviour, ModelNode } from './node.ts';
import { type SimulatedBot, type Stage, startBot, startWorker } from './programs.ts';
import { SimulatedQueues } from './queues.ts';
import { Data } from './redis.ts';
import { isTrue } from './report.ts';
import { type Mishap, type MishapBesides, mend, type Story, storyOf } from './story.ts';
import { Chance, type Program, Time } from './time.ts';
import { SimulatedWebhook } from './webhook.ts';

/** Whoever signs whatever is asked: signatures cost more than all the rest, and are real in every twentieth night. */
const quick = (who: 'bot' | 'worker'): Notary => ({
  sign: () => ({ key: who, signature: 'quick' }),
  fault: (_, { key, signature }, as) =>
    as.includes(key === 'bot' ? 'decisions' : 'reports') && signature === 'quick' ? null : `${key} may not say that`,
});

/** A webhook that failed again and again is asked again after so long at the latest, ms. */
const longestPatience = 900_000;

const hotfix = 'd'.repeat(64);
const members = ['U0ROSA', 'U0INES', 'U0OTTO'] as const;

/** How a night went. */
export interface Outcome {
  seed: number;
  /** What did not hold; null when all did. */
  broken: string | null;
  /** How the rollout ended, or why it waits for a person. */
  end: string;
  /** Of all that was saved, said and shown, and when: the same for the same seed. */
  trace: string;
  restarts: number;
  /** What happened, in order, for whoever has to find out why. */
  story: string[];
  facts: { rollouts: number; crashes: number; mishaps: Record<string, number>; strategies: string };
}

/** A whole night in one process: real rules, jobs, store, signatures, steps and chat, on a clock that jumps. */
export class Night {
  readonly #seed: number;
  readonly #time = new Time(tuesday);
  readonly #chance: Chance;
  /** Of what is in some nights alone. */
  readonly #besides: Chance;
  readonly #story: Story;
  readonly #data: Data;
  readonly #nodes = new Map<string, ModelNode>();
  readonly #chat: SimulatedChat;
  readonly #stage: Stage;
  readonly #checks: Checks;
  readonly #webhook: SimulatedWebhook | null;
  /** By machine: what was seen there outlives the programs. */
  readonly #anchors = new Map<string, Anchors>();
  readonly #programs = new Map<string, Program>();
  #bot: SimulatedBot | null = null;
  #deaths = 0;
  #mishaps: Record<string, number> = {};
  #newest: Rollout | null = null;
  #calm = false;
  #mendedAt = 0;
  #helped = 0;
  readonly #trace = createHash('sha256');
  readonly #lines: string[] = [];
  #kept: ReturnType<Data['snapshot']> | null = null;
  #putBack = false;
  /** Answers that one person alone sees. */
  readonly #own: { user: string; message: ChatMessage }[] = [];

  constructor(seed: number) {
    this.#seed = seed;
    this.#chance = new Chance(seed);
    this.#besides = new Chance(2 ** 31 - seed);
    const also = {
      realSignatures: seed % 20 === 0,
      checklist: seed % 7 === 0,
      restarts: seed % 6 === 5,
      recovers: seed % 6 === 1,
      watched: seed % 6 === 3,
      compares: seed % 5 === 2,
    };
    const story = storyOf(this.#chance, this.#besides, also);
    this.#story = story;
    const time = this.#time;
    this.#data = new Data(() => time.now);
    this.#watchData();
    this.#chat = new SimulatedChat(time, this.#chance, story.chat, ({ ts, text, blocks }) =>
      this.#trace.update(`${time.now} ${ts} ${text} ${JSON.stringify(blocks)}\n`),
    );
    this.#webhook = story.webhook === null ? null : new SimulatedWebhook(time, this.#besides, story.webhook);
    const stopped = new Map<string, number>();
    this.#checks = new Checks({
      ...{ time, stopped, told: (rollout) => this.#toldSince(rollout) },
      nodes: this.#nodes,
      stored: () => this.#newest,
      minimum: story.fleet.policy.minimumHealthy,
      atOnce: story.fleet.policy.atOnce,
    });
    for (const { name, nodes } of story.fleet.regions)
      for (const node of nodes) {
        const parts = { name: node.name, region: name, binary: oldImage, env: environments.own };
        this.#nodes.set(
          node.name,
          new ModelNode(parts, time, this.#chance, (sha256) => this.#build(node.name, sha256), this.#checks),
        );
      }
    this.#stage = {
      ...{ story, time, chance: this.#chance, data: this.#data, nodes: this.#nodes, chat: this.#chat },
      queues: new SimulatedQueues(time, this.#chance, story.queues),
      crash: (program) => this.#crashes(program),
      dies: (program) => this.#dies(program),
      sent: (program, node, command) => this.#checks.sent(program, node, command),
      stopped,
      webhook: this.#webhook,
      serial: 0,
      frozen: [],
      log: (program, level, fields, message) => this.#tell(`${program} ${level}: ${message} ${short(fields)}`),
    };
  }

  /** Plays it, with what goes wrong and then without, until the rollout is over or nobody can do more. */
  async play(): Promise<Outcome> {
    const story = this.#story;
    const time = this.#time;
    for (let index = 0; index < story.workers; index += 1) this.#startWorker(`worker-${index}`);
    this.#startBot();
    this.#each(story.every, () => this.#somethingHappens());
    this.#each(story.peopleEvery, () => this.#somebodyDoes());
    if (story.besides.length > 0) this.#eachBesides();
    this.#each(1_000, () => this.#checks.look(), true);
    time.after(2_000, () => this.#ask('U0ROSA', `upgrade v2.0.0 --strategy ${story.strategy}`));
    const broken = () => this.#checks.broken !== null;
    await time.play(broken, tuesday + story.lasts);
    this.#mend();
    const patience = time.now + 8 * 3_600_000;
    do {
      await time.play(() => broken() || this.#isOver(), patience);
      // Somebody may have started another one just before.
      await time.play(broken, time.now + (this.#webhook === null ? 240_000 : longestPatience));
    } while (!broken() && !this.#isOver() && time.now < patience);
    if (!broken() && !this.#isOver()) this.#checks.guard(() => assert.fail(`it comes to an end: ${this.#how()}`));
    await this.#dayAfter(broken);
    if (!broken()) this.#checks.guard(() => this.#atTheEnd());
    const trace = this.#trace.digest('hex').slice(0, 16);
    return {
      seed: this.#seed,
      broken: this.#checks.broken?.message ?? null,
      end: this.#how(),
      trace,
      restarts: this.#checks.restarts.length,
      story: this.#lines,
      facts: {
        rollouts: this.#data.zrange(keysOf(story.fleet.name).rollouts, 0, -1).length,
        crashes: this.#deaths,
        mishaps: this.#mishaps,
        strategies: story.strategy,
      },
    };
  }

  /** What the last upgrade left is watched, to an end. */
  async #dayAfter(broken: () => boolean): Promise<void> {
    const { watch = null } = this.#story.fleet.aftercare ?? {};
    const isOver = () => this.#newest === null || !isWatchedAfterwards(this.#newest);
    if (watch === null || isOver()) return;
    for (const what of [
      'a service dies',
      'a service is stopped by hand',
      'a node is cut off',
      'all jobs are gone',
    ] as const) {
      const [node, wait] = [this.#besides.pick([...this.#nodes.values()]), this.#besides.between(0, watch / 2)];
      this.#time.after(wait, () => {
        this.#tell(`${what} (${node.name}), in the day after`);
        this.#happens[what](node, watch / 4);
      });
    }
    await this.#time.play(() => broken() || isOver(), this.#time.now + 4 * watch);
    await this.#time.play(broken, this.#time.now + 240_000);
  }

  #tell(line: string): void {
    const at = new Date(this.#time.now).toISOString().slice(11, 23);
    this.#trace.update(`${at} ${line}\n`);
    this.#lines.push(`${at} ${line}`);
    if (this.#lines.length > 5_000) this.#lines.splice(0, 1_000);
  }

  /** With chance at each turn, on average every `ms`. */
  #each(ms: number, run: () => void, exactly = false): void {
    const wait = exactly ? ms : this.#chance.between(ms / 4, (ms * 7) / 4);
    this.#time.after(this.#calm && exactly ? 4 * wait : wait, () => {
      run();
      this.#each(ms, run, exactly);
    });
  }

  // --- what is stored

  #watchData(): void {
    const { eval: plain } = this.#data;
    this.#data.eval = (script, count, ...words) => {
      const answer = plain.call(this.#data, script, count, ...words);
      const saved = Array.isArray(answer) && answer[0] === 'saved';
      if (saved && (script === saveScript || script === createScript)) this.#saved(String(words[count + 2]));
      return answer;
    };
  }

  #saved(body: string): void {
    const before = this.#newest;
    const after = rolloutIn(body);
    if (after === null) return;
    this.#trace.update(`${this.#time.now} ${after.revision} ${body.length}\n`);
    this.#tell(`saved ${after.revision}: ${after.status.is} ${statesOf(after)}`);
    // What is over may be told of once more, or spoken of, when the next one is under way.
    if (before !== null && before.id !== after.id && !isOpen(after)) return;
    this.#newest = after;
    if (before?.id !== after.id) this.#checks.turnsTo(after.id);
    if (!this.#putBack) this.#checks.saved(before?.id === after.id ? before : null, after);
  }

  // --- programs

  #belief(machine: string, who: 'bot' | 'worker'): Belief {
    const anchors = this.#anchors.get(machine) ?? openAnchors(null);
    this.#anchors.set(machine, anchors);
    const notary = this.#story.realSignatures ? belief(who).notary : quick(who);
    return { notary, anchors };
  }

  #startWorker(name: string): void {
    this.#programs.set(name, startWorker(this.#stage, name, this.#belief(name, 'worker')));
  }

  #startBot(): void {
    this.#bot = startBot(this.#stage, 'bot', this.#belief('bot', 'bot'));
    this.#programs.set('bot', this.#bot.program);
  }

  #crashes(program: Program): boolean {
    if (!program.alive) return true;
    if (this.#story.crash === 0 || !this.#chance.of(this.#story.crash)) return false;
    this.#dies(program);
    return true;
  }

  #dies(program: Program): void {
    if (!program.alive) return;
    program.kill();
    this.#deaths += 1;
    this.#tell(`${program.name} dies`);
    this.#time.after(this.#chance.between(500, 20_000), () => {
      this.#tell(`${program.name} is started again`);
      if (program.name === 'bot') this.#startBot();
      else this.#startWorker(program.name);
    });
  }

  // --- nodes

  #build(node: string, sha256: string): { version: string; behaviour: Behaviour } {
    if (sha256 === newImage) return { version: 'v2.0.0', behaviour: this.#story.bad.get(node) ?? 'good' };
    if (sha256 === hotfix) return { version: 'v1.0.1', behaviour: 'good' };
    const fails = this.#story.badOld.has(node) && this.#checks.restarts.some((each) => each.node === node);
    return { version: 'v1.0.0', behaviour: fails && !this.#calm ? 'never healthy' : 'good' };
  }

  // --- what goes wrong

  #somethingHappens(): void {
    const { mishaps } = this.#story;
    if (mishaps.length === 0) return;
    const what = this.#chance.pick(mishaps);
    const node = this.#chance.pick([...this.#nodes.values()]);
    const ms = this.#chance.between(3_000, 90_000);
    this.#mishaps[what] = (this.#mishaps[what] ?? 0) + 1;
    this.#tell(`${what} (${node.name}, ${ms} ms)`);
    this.#happens[what](node, ms);
  }

  #eachBesides(): void {
    const chance = this.#besides;
    this.#time.after(chance.between(15_000, 90_000), () => {
      if (this.#calm) return;
      const what = chance.pick(this.#story.besides);
      const node = chance.pick([...this.#nodes.values()]);
      const ms = chance.between(3_000, 60_000);
      this.#mishaps[what] = (this.#mishaps[what] ?? 0) + 1;
      this.#tell(`${what} (${node.name}, ${ms} ms)`);
      this.#happensBesides[what](node, ms);
      this.#eachBesides();
    });
  }

  readonly #happensBesides: Record<MishapBesides, (node: ModelNode, ms: number) => void> = {
    'somebody stops everything by a file': (_, ms) => {
      const { stopped } = this.#stage;
      const machines = [...this.#programs.keys()].filter((name) => name !== 'bot');
      for (const machine of this.#besides.of(0.5) ? machines : [this.#besides.pick(machines)]) {
        if (stopped.has(machine)) continue;
        stopped.set(machine, this.#time.now);
        this.#time.after(ms, () => stopped.delete(machine));
      }
    },
    'the webhook is away': (_, ms) => {
      if (this.#story.webhook !== null) this.#story.webhook.awayUntil = this.#time.now + ms;
    },
    'a service is restarted by hand': (node) => {
      node.serviceStopped();
      node.serviceStarted();
    },
    'somebody goes back by hand': (node) =>
      this.#byHand(node, () => {
        node.binary = oldImage;
        node.serviceStopped();
        node.serviceStarted();
      }),
    'somebody changes both files': (node) =>
      this.#byHand(node, () => {
        node.binary = hotfix;
        node.env = environments.edited;
        if (this.#besides.of(0.5)) node.serviceDies();
      }),
    'somebody removes the environment': (node, ms) =>
      this.#byHand(node, () => {
        const { env } = node;
        node.env = null;
        // Without it the service does not come up again.
        this.#time.after(ms, () => {
          node.env ??= env;
        });
      }),
    'somebody spoils a backup': (node) => {
      const [name, backup] = this.#besides.pick([...node.backups, [null, null] as const]);
      if (name === null || !node.on) return;
      if (this.#besides.of(0.5)) node.backups.delete(name);
      else backup.binary = hotfix;
    },
  };

  readonly #happens: Record<Mishap, (node: ModelNode, ms: number) => void> = {
    'a program dies': () => this.#dies(this.#chance.pick([...this.#programs.values()])),
    'a program stands still': (_, ms) => this.#chance.pick([...this.#programs.values()]).freeze(ms / 3),
    'Redis is away': (_, ms) => {
      this.#story.redis.awayUntil = this.#time.now + ms;
    },
    'all jobs are gone': () => this.#stage.queues.obliterate(),
    'a node loses its power': (node, ms) => {
      node.losesPower();
      this.#time.after(ms, () => node.boots());
    },
    'a node is cut off': (node, ms) => {
      node.cut = true;
      this.#time.after(ms, () => {
        node.cut = false;
      });
    },
    'a service dies': (node) => node.serviceDies(),
    'a service is stopped by hand': (node, ms) => {
      node.serviceStopped();
      this.#time.after(ms, () => node.serviceStarted());
    },
    'somebody installs a hotfix': (node) =>
      this.#byHand(node, () => {
        node.binary = hotfix;
        if (this.#chance.of(0.5)) node.serviceDies();
      }),
    'somebody edits the environment': (node) =>
      this.#byHand(node, () => {
        node.env = environments.edited;
      }),
    'somebody removes the binary': (node) =>
      this.#byHand(node, () => {
        node.binary = null;
      }),
    'a slow stop': (node) => {
      node.stopTakes = this.#chance.pick([5_000, 40_000, 85_000]);
    },
    'Slack is away': (_, ms) => {
      this.#story.chat.awayUntil = this.#time.now + ms;
    },
    'commands for traffic fail': (node, ms) => {
      node.trafficFails = true;
      this.#time.after(ms, () => {
        node.trafficFails = false;
      });
    },
    'a disk is full': (node, ms) => {
      node.diskFull = true;
      this.#time.after(ms, () => {
        node.diskFull = false;
      });
    },
    'a freeze in the settings': (_, ms) => {
      const freeze = { start: this.#time.now, end: this.#time.now + ms, reason: 'audit', author: 'U9' };
      this.#stage.frozen = [freeze];
    },
    'a clock is set': () => {
      this.#chance.pick([...this.#programs.values()]).skew = this.#chance.between(-2_000, 2_000);
    },
    'the store is put back': () => {
      if (this.#kept === null) {
        this.#kept = this.#data.snapshot();
        return;
      }
      this.#putBack = true;
      this.#data.putBack(this.#kept);
      this.#kept = null;
      this.#newest = this.#readStored();
    },
  };

  #byHand(node: ModelNode, change: () => void): void {
    if (!node.on) return;
    this.#checks.touchedByOthers.add(node.name);
    change();
  }

  #readStored(): Rollout | null {
    const keys = keysOf(this.#story.fleet.name);
    const [id] = this.#data.zrevrange(keys.rollouts, 0, 0);
    return id === undefined ? null : rolloutIn(this.#data.hget(keys.rollout(id), 'body'));
  }

  /** The last one that worked on nodes and was to change them. */
  #lastChange(): string | null {
    const keys = keysOf(this.#story.fleet.name);
    const ids = this.#data.zrevrange(keys.rollouts, 0, -1);
    const stored = (id: string) => rolloutIn(this.#data.hget(keys.rollout(id), 'body'));
    return ids.find((id) => changesNodes(stored(id))) ?? null;
  }

  #mend(): void {
    this.#tell('everything works again');
    this.#calm = true;
    this.#mendedAt = this.#time.now;
    mend(this.#story);
    this.#stage.frozen = [];
    this.#stage.stopped.clear();
    for (const program of this.#programs.values()) program.skew = 0;
    for (const node of this.#nodes.values()) {
      node.cut = false;
      node.diskFull = false;
      node.stopTakes = 200;
      node.trafficFails = false;
      // Whoever took the binary away brings it back.
      if (node.binary === null) node.binary = node.unit.image ?? oldImage;
      node.boots();
      node.serviceStarted();
    }
  }

  // --- people

  #ask(user: string, text: string): void {
    this.#tell(`${user} types ${text}`);
    this.#bot?.type(user, text, (message) => this.#sees(user, message));
  }

  #sees(user: string, message: ChatMessage): void {
    this.#tell(`${user} reads ${message.text.slice(0, 160).replaceAll('\n', ' / ')}`);
    this.#own.push({ user, message });
    const start = buttonsOn(message).find(({ action }) => action.startsWith('zw:start'));
    if (start === undefined) return;
    this.#time.after(this.#chance.between(500, 5_000), () =>
      this.#press(user, start.message, start.action, start.value, true),
    );
  }

  #press(user: string, { ts }: ChatMessage, action: string, value: string, own = false): void {
    const bot = this.#bot;
    if (bot === null) return;
    this.#tell(`${user} presses ${action}`);
    const times = !this.#calm && this.#chance.of(0.1) ? 2 : 1;
    for (let time = 0; time < times; time += 1)
      bot.click(user, { ts, own }, action, value, (message) => this.#sees(user, message));
  }

  #somebodyDoes(): void {
    const rollout = this.#newest;
    if (this.#putBack && this.#chance.of(0.3)) {
      this.#ask('U0INES', 'adopt ledger');
      return;
    }
    if (rollout === null || !isOpen(rollout)) {
      if (rollout !== null && this.#story.restarts && !this.#calm && this.#besides.of(0.4))
        this.#ask('U0ROSA', 'restart');
      else if (this.#story.recovers && this.#recovers()) return;
      else if (rollout === null || (!this.#calm && this.#chance.of(0.3)))
        this.#ask('U0ROSA', `upgrade v2.0.0 --strategy ${this.#story.strategy}`);
      else if (!this.#calm && this.#chance.of(0.15)) this.#ask('U0ROSA', 'rollback all');
      return;
    }
    if (this.#putBack && this.#chance.of(0.5)) {
      this.#ask(this.#chance.pick(['U0INES', 'U0INES', 'U0ROSA']), `adopt ${rollout.id}`);
      return;
    }
    if (this.#calm) {
      this.#somebodyHelps(rollout);
      return;
    }
    const buttons = this.#chat.buttons();
    if (buttons.length === 0) return;
    const weighed = buttons.flatMap((button) => Array.from({ length: weightOf(button.action) }, () => button));
    const { message, action, value } = this.#chance.pick(weighed.length > 0 ? weighed : buttons);
    this.#press(this.#chance.pick(members), message, action, value);
  }

  /** Somebody has a node recovered whose files are gone; false where none is. */
  #recovers(): boolean {
    const broken = [...this.#nodes.values()].find(({ binary, env }) => binary === null || env === null);
    if (broken === undefined || this.#calm || this.#besides.of(0.3)) return false;
    this.#ask('U0ROSA', `recover ${broken.name}`);
    return true;
  }

  /** People who want it to come to an end, one way or another. */
  #somebodyHelps(rollout: Rollout): void {
    const buttons = this.#chat.buttons().filter(({ message }) => message.mark?.rollout === rollout.id);
    const press = (kind: string, user: (typeof members)[number]): boolean => {
      const all = buttons.filter(({ action }) => action.startsWith(`zw:${kind}`));
      if (all.length === 0) return false;
      const found = this.#chance.pick(all);
      this.#press(user, found.message, found.action, found.value);
      return true;
    };
    const { is } = rollout.status;
    this.#helped += 1;
    // Nobody tries a build for ever that does not get well.
    const retry = this.#helped <= 6 && this.#chance.of(0.5) ? ['retry'] : [];
    for (const kind of ['tick', 'replace', 'keep', 'approve', 'resume', ...retry, 'rollback']) {
      const user = ['approve', 'replace'].includes(kind) ? 'U0INES' : 'U0ROSA';
      if (kind === 'rollback' && (is !== 'held' || this.#helped > 12)) continue;
      if (press(kind, user)) return;
    }
    // Nobody watches it themselves: a watch that does not end is seen by those whom a message calls.
    const isCalled = buttons.some(
      ({ message, action }) => /^wait\..*\.watch\//.test(message.mark?.key ?? '') && action === 'zw:mine',
    );
    if (is === 'running' && isCalled) this.#ask('U0ROSA', 'rollback all');
    if (is === 'paused') this.#ask('U0ROSA', 'resume');
    if (is === 'held')
      this.#ask('U0ROSA', this.#helped <= 6 ? this.#chance.pick(['rollback all', 'retry', 'stop']) : 'stop');
  }

  /** Since when all whom a major must be told to know of it, by what arrived; null while somebody does not, or where nobody must. */
  #toldSince({ id }: Rollout): number | null {
    const main = this.#chat.messages.find(({ mark }) => mark?.rollout === id && mark.key === 'main');
    const webhook = this.#webhook?.knows(id) ?? null;
    return main === undefined || webhook === null ? null : Math.max(webhook, this.#chat.postedAt(main));
  }

  // --- the end

  /** A store that was put back to before the rollout knows of none; where every node is on it by then, nothing is left to begin. */
  #isOver(): boolean {
    if (this.#newest !== null) return !isOpen(this.#newest);
    return (
      this.#putBack &&
      [...this.#nodes.values()].every(({ binary, unit }) => [binary, unit.image].every((image) => image === newImage))
    );
  }

  #how(): string {
    const rollout = this.#newest;
    if (rollout === null) return 'no rollout was begun';
    const why = rollout.status.is === 'held' ? `: ${rollout.status.reason}` : '';
    return `${rollout.status.is}${why} (${statesOf(rollout)})`;
  }

  #atTheEnd(): void {
    const rollout = this.#newest;
    if (rollout === null || this.#putBack) return;
    this.#checks.atTheEnd(rollout);
    this.#isWritten(rollout);
    this.#isReported(rollout);
    this.#isSaid(rollout);
    this.#isWatched(rollout);
    const isCalledOff = rollout.startedAt === null && !isOpen(rollout);
    if (isCalledOff && this.#webhook !== null)
      assert.ok(!this.#webhook.expects(rollout.id), 'whoever was told of a start that is called off is told that too');
  }

  /** Whole from the first line, by keys that may say it; at most one report of each try. */
  #isWritten({ id }: Rollout): void {
    const { fleet } = this.#story;
    const lines = this.#data
      .lrange(keysOf(fleet.name).journal(id), 0, -1)
      .map((line): ChainedEntry => JSON.parse(line));
    const { notary } = this.#belief('judge', 'bot');
    assert.deepEqual(examine({ fleet: fleet.name, journal: id }, lines, notary).flaws, [], 'the journal is whole');
    const reported = lines.flatMap(({ event }) =>
      event.type === 'reported' ? [`${event.run} ${event.node} ${event.step} ${event.attempt}`] : [],
    );
    assert.equal(new Set(reported).size, reported.length, 'each try is reported once');
  }

  /** What a report reads from the journal alone is what the store says and what the nodes are. */
  #isReported(rollout: Rollout): void {
    const lines = this.#data
      .lrange(keysOf(this.#story.fleet.name).journal(rollout.id), 0, -1)
      .map((line): ChainedEntry => JSON.parse(line));
    isTrue(packOf(lines), { rollout, lines, nodes: this.#nodes, checks: this.#checks });
  }

  /** It came to an end, stopped nothing, and says what the nodes are; what got worse was told, and that it is well again. */
  #isWatched(rollout: Rollout): void {
    const { afterwards } = rollout;
    if (afterwards === undefined || afterwards.since === null) return;
    const { since, end } = afterwards;
    assert.ok(end !== null, 'the day after comes to an end');
    this.#tell(`the day after: ${end.is}, ${afterwards.worse.length} things got worse`);
    const stopped = this.#checks.restarts.filter(({ at }) => at > since && at <= end.at);
    assert.ok(end.is === 'superseded' || end.is === 'brought back' || stopped.length === 0, 'it stops no node');
    if (end.is === 'well' && end.at > this.#mendedAt)
      for (const { name } of nodesInOrder(rollout)) {
        const { unit, binary } = this.#nodes.get(name) ?? {};
        assert.deepEqual([unit?.image, binary], [newImage, newImage], `${name} was well in the end`);
      }
    const shown = asShown({ fleet: this.#story.fleet, access: { approvals: 'button' } }, rollout);
    for (const { key, text } of [...afterwardsPosts(shown, this.#time.now), ...worsePosts(shown, nobody)]) {
      const [stands] = this.#chat.messages.filter(({ mark }) => mark?.rollout === rollout.id && mark.key === key);
      assert.ok(stands, `the channel has ${key}`);
      const [first, second] = [stands.text, text].map((each) => each.split('\nCalled: ')[0]);
      assert.equal(first, second, `${key} says what the store says`);
    }
  }

  /** What stands in the channel is what the store says, each message once. */
  #isSaid(rollout: Rollout): void {
    const ours = this.#chat.messages.filter(({ mark }) => mark?.rollout === rollout.id);
    const keys = ours.map(({ mark }) => mark?.key);
    assert.deepEqual(
      keys.filter((key, at) => keys.indexOf(key) !== at),
      [],
      'nothing is said twice',
    );
    const shown = asShown({ fleet: this.#story.fleet, access: { approvals: 'button' } }, rollout);
    const main = posts(shown).find(({ key }) => key === 'main');
    const stands = ours.find(({ mark }) => mark?.key === 'main');
    assert.ok(stands, 'the channel tells of the rollout');
    assert.equal(stands.text, main?.text, 'the channel says what the store says');
    const offered = posts(shown).flatMap(({ blocks }) => buttonsOn({ ...stands, blocks }).map(({ action }) => action));
    const left = ours.flatMap((message) => buttonsOn(message)).map(({ action }) => action);
    assert.deepEqual(
      left.filter((action) => !offered.includes(action)),
      [],
      'what was decided, or is asked no more, has no button',
    );
    const before = changesNodes(rollout) ? null : this.#lastChange();
    const older = this.#chat.messages.filter(({ mark }) => mark !== null && mark.rollout !== rollout.id);
    const live = older
      .flatMap((message) => buttonsOn(message))
      // What never began, or restarted nodes as they were, leaves the one before it to be brought back.
      .filter(({ action, message }) => message.mark?.rollout !== before || action !== 'zw:rollback:all')
      // What went wrong is written down, and what is asked for at the end ticked, whatever came after.
      .filter(({ action }) => action !== 'zw:own' && !action.startsWith('zw:tick:after'))
      .map(({ action }) => action);
    assert.deepEqual(live, [], 'what is over has no button');
    const isLeft = this.#data.zscore(keysOf(this.#story.fleet.name).unpainted, rollout.id) !== null;
    assert.equal(
      isLeft,
      nextAsk(rollout, this.#time.now) !== null,
      'nothing is left to be said but what is asked on another day',
    );
  }
}

function weightOf(action: string): number {
  const kind = action.split(':')[1] ?? '';
  return (
    { tick: 12, approve: 12, retry: 5, resume: 5, replace: 3, keep: 2, rollback: 1, pause: 1, hold: 1, stop: 1 }[
      kind
    ] ?? 1
  );
}

const changesNodes = (rollout: Rollout | null): boolean =>
  rollout !== null && rollout.startedAt !== null && rollout.change === undefined;

const statesOf = ({ nodes }: Rollout): string =>
  Object.values(nodes)
    .map(({ name, state, touched }) => {
      const step = 'step' in state ? `/${state.step}` : '';
      return `${name.replace('-op-', '')}=${state.is}${step}${touched ? '*' : ''}`;
    })
    .join(' ');

const short = (fields: unknown): string =>
  JSON.stringify(fields, (_, value) => (value instanceof Error ? value.message : value)).slice(0, 300);
