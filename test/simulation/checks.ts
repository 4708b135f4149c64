import assert from 'node:assert/strict';
import { comparisonsIn, entriesOf, lift, nodesInOrder } from '../../src/upgrade/rollout/index.ts';
import type { Rollout } from '../../src/upgrade/rollout/types.ts';
import type { Command } from '../../src/upgrade/ssh/types.ts';
import { openInterval } from '../../src/windows/index.ts';
import { newImage, oldImage } from '../support/rollouts.ts';
import type { ModelNode, Order, Watcher } from './node.ts';
import type { Program, Time } from './time.ts';

const holds: (fact: unknown, what: string) => asserts fact = assert;

/** A stop may rest on what was seen so long before its command left, ms (`fresh` of `stop.ts`, and the way there). */
const evidenceAge = 8_000;
/** No effect later than that after a stop or a pause, ms. */
const stopReaches = 2_000;

/** Who may decide that somebody's work is replaced. */
const breaker = 'U0INES';

/** What is finished was looked at so shortly before the next node is begun, ms. */
const lookedAt = 60_000;
/** From the last look of a proof to its report, ms. */
const provenAt = 30_000;

/** Environment files: as the fleet has them, and as somebody changed one. */
export const environments = { own: 'e'.repeat(64), edited: '9'.repeat(64) };

interface Sent {
  at: number;
  rollout: Rollout | null;
}

/**
 * What must hold whatever happens (safety.md), judged by what the nodes see and not by what any program believes. All of
 * it throws where it is broken.
 */
export class Checks implements Watcher {
  readonly #time: Time;
  readonly #nodes: Map<string, ModelNode>;
  readonly #stored: () => Rollout | null;
  readonly #minimum: number;
  readonly #atOnce: number;
  readonly #stopped: Map<string, number>;
  readonly #told: (rollout: Rollout) => number | null;
  readonly #sent = new Map<string, Sent>();
  /** When health of a node was last seen to be well, by anybody. */
  readonly #healthyAt = new Map<string, number>();
  readonly #unwellAt = new Map<string, number>();
  /** When its health was last seen to be well, in service or not. */
  readonly #answeredAt = new Map<string, number>();
  /** By node and build: when it last answered well on that, on disk too, in service or not; and when it served so. */
  readonly #onItAt = new Map<string, number>();
  readonly #servedOnAt = new Map<string, number>();
  readonly #stoppedAt = new Map<string, number>();
  readonly #firstSwitch = new Set<string>();
  /** By invocation of a service: the run of a rollout whose restart it came from. */
  readonly #startedBy = new Map<string, string>();
  /** What lay on each node's disk when the newest rollout was begun. */
  #initial = new Map<string, string | null>();
  /** What each rollout found when it began. */
  readonly #found = new Map<string, { initial: Map<string, string | null>; out: Set<string> }>();
  /** Nodes that an earlier rollout left out of service, and said so. */
  #outBefore = new Set<string>();
  /** Nodes whose files somebody else changed. */
  readonly touchedByOthers = new Set<string>();
  /** What our scripts did to the service of a node, in order. */
  readonly restarts: { node: string; name: string; at: number }[] = [];
  /** The first thing that did not hold. */
  broken: Error | null = null;

  constructor(parts: {
    time: Time;
    nodes: Map<string, ModelNode>;
    stored: () => Rollout | null;
    minimum: number;
    atOnce: number;
    /** Machines on which a file stops everything, and since when. */
    stopped: Map<string, number>;
    /** Since when everybody who has to know of a start does, by what they were told; null while somebody does not. */
    told(rollout: Rollout): number | null;
  }) {
    this.#time = parts.time;
    this.#nodes = parts.nodes;
    this.#stored = parts.stored;
    this.#minimum = parts.minimum;
    this.#atOnce = parts.atOnce;
    this.#stopped = parts.stopped;
    this.#told = parts.told;
  }

  /** Remembers what does not hold, wherever it is found out. */
  guard(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.broken ??= error instanceof Error ? error : new Error(String(error));
    }
  }

  /** Asked now and then: who serves. */
  look(): void {
    for (const [name, node] of this.#nodes) {
      const isWell = node.health().is === 'healthy';
      const on = node.binary === node.unit.image ? `${name} ${node.binary}` : null;
      if (isWell) this.#answeredAt.set(name, this.#time.now);
      if (isWell && on !== null) this.#onItAt.set(on, this.#time.now);
      if (!node.isServing) {
        this.#unwellAt.set(name, this.#time.now);
        continue;
      }
      this.#healthyAt.set(name, this.#time.now);
      if (on !== null) this.#servedOnAt.set(on, this.#time.now);
    }
  }

  sent({ name: machine }: Program, node: ModelNode, command: Command): void {
    this.look();
    if (command.looks) return;
    const stoppedFor = this.#time.now - (this.#stopped.get(machine) ?? this.#time.now);
    this.guard(() =>
      holds(
        stoppedFor <= stopReaches,
        `${command.name} of ${node.name}: ${machine} is stopped by a file for ${stoppedFor} ms`,
      ),
    );
    const rollout = this.#stored();
    const word = (key: string) => command.args.find((each) => each.startsWith(`${key}=`))?.slice(key.length + 1) ?? '';
    const order = { name: command.name, epoch: Number(word('epoch')), attempt: Number(word('try')) };
    this.#sent.set(keyOf(node, order), { at: this.#time.now, rollout });
    if (!['switch', 'restore', 'restart'].includes(command.name)) return;
    this.guard(() => this.#mayBeSent(node, command.name, rollout));
  }

  /** Each effect has its decision, window and intent before it. */
  #mayBeSent(node: ModelNode, name: string, rollout: Rollout | null): void {
    const what = `${name} of ${node.name}`;
    holds(rollout !== null, `${what}: there is a rollout`);
    const run = rollout.nodes[node.name];
    holds(run !== undefined, `${what}: it is in the plan`);
    if (name === 'restore') return;
    const first = `${rollout.id} ${rollout.run} ${node.name}`;
    if (this.#firstSwitch.has(first)) return;
    this.#firstSwitch.add(first);
    const { notice } = rollout;
    if (notice !== undefined) {
      const told = this.#told(rollout);
      holds(told !== null, `${what}: everybody was told that a major comes`);
      holds(this.#time.now - told >= notice.wanted, `${what}: they were told ${this.#time.now - told} ms ago`);
    }
    const begun = run.touchedAt;
    holds(begun !== null, `${what}: its intent was written down`);
    // What was begun before is finished whatever is decided since.
    if (begun < this.#time.now - 60_000) return;
    const { status } = rollout;
    const since = 'at' in status ? status.at : this.#time.now;
    const runs = status.is === 'running' || this.#time.now - since <= stopReaches;
    holds(runs, `${what}: the rollout runs, it is ${status.is} for ${this.#time.now - since} ms`);
    for (const { name: other, state } of Object.values(rollout.nodes))
      holds(
        state.is !== 'done' || this.#wasWell(other, rollout, lookedAt),
        `${what}: ${other} is finished, and is well`,
      );
    for (const phase of rollout.phases) {
      if (phase.is !== 'approval') continue;
      const opens = phase.opens.some((id) =>
        rollout.phases.some((other) => other.id === id && other.is === 'nodes' && other.nodes.includes(node.name)),
      );
      holds(!opens || phase.state.is === 'done', `${what}: ${phase.id} was given`);
    }
    const isFirst = rollout.startedAt === begun;
    for (const { key, list, item } of entriesOf(rollout))
      holds(
        'check' in item || list !== 'before' || !isFirst || rollout.ticks?.[key] !== undefined,
        `${what}: ${key} was ticked`,
      );
    const calendar = rollout.calendars[node.region];
    if (calendar === undefined) return;
    const open = [0, evidenceAge, 20_000].some((ago) => openInterval(calendar, this.#time.now - ago) !== null);
    holds(open, `${what}: the window is open`);
  }

  /** Somebody's work is never lost: it lies aside. */
  replaces(node: ModelNode, what: 'binary' | 'environment', content: string, order: Order): void {
    const ours = [oldImage, newImage, environments.own].includes(content);
    const pairs = [...node.backups.values()].flatMap(({ binary, env }) => [binary, env]);
    const kept = ours || [...node.aside.values()].includes(content) || pairs.includes(content);
    this.guard(() => holds(kept, `somebody's ${what} of ${node.name} is kept`));
    if (!ours) this.guard(() => this.#mayReplace(node, what, content, this.#sent.get(keyOf(node, order))));
  }

  /** It was found there when the node was begun, or somebody who may has decided. */
  #mayReplace(node: ModelNode, what: string, content: string, sent: Sent | undefined): void {
    const run = sent?.rollout?.nodes[node.name];
    if (run === undefined || [run.before?.sha256, run.before?.envSha256].includes(content)) return;
    const { decided } = run;
    holds(
      decided?.as === 'replace' && decided.by === breaker,
      `somebody decided that the ${what} of ${node.name} is replaced`,
    );
  }

  stops(node: ModelNode, order: Order): void {
    const { name } = order;
    this.look();
    this.restarts.push({ node: node.name, name, at: this.#time.now });
    this.guard(() => this.#mayStop(node, name, this.#sent.get(keyOf(node, order))));
    this.#stoppedAt.set(node.name, this.#time.now);
  }

  starts(node: ModelNode, order: Order): void {
    const run = runOf(this.#sent.get(keyOf(node, order)));
    if (order.name === 'restart' && run !== null) this.#startedBy.set(node.unit.invocation, run);
  }

  #mayStop(node: ModelNode, name: string, sent: Sent | undefined): void {
    const what = `${name} stops ${node.name}`;
    holds(sent !== undefined, `${what}: it was sent by one of our programs`);
    const runs = node.unit.active === 'active' && node.unit.image === newImage && node.binary === newImage;
    holds(name !== 'switch' || !runs, `${what}: it is not restarted a second time`);
    const { invocation, pid } = node.unit;
    const again = name === 'restart' && pid !== 0 && this.#startedBy.get(invocation) === runOf(sent);
    holds(!again, `${what}: it is not restarted a second time`);
    const since = sent.at - evidenceAge;
    const peers = [...this.#nodes.values()].filter(({ region }) => region === node.region);
    const others = peers.filter((each) => each !== node);
    const wellThen = (each: ModelNode) => {
      const seen = this.#healthyAt.get(each.name) ?? 0;
      return each.isServing || (seen >= since && (this.#stoppedAt.get(each.name) ?? 0) < seen);
    };
    const left = others.filter(wellThen).length;
    // What was just seen to be down may be worked on, also when it came up again since.
    const served = node.isServing && (this.#unwellAt.get(node.name) ?? 0) < since;
    holds(
      !served || left >= this.#minimum,
      `${what}: ${left} others serve, of ${this.#minimum} that must (${others.map((each) => `${each.name} ${JSON.stringify(each.health())}`).join('; ')})`,
    );
    const stopping = others.filter((each) => each.unit.active === 'deactivating').length;
    holds(stopping < this.#atOnce, `${what}: no more at once than the policy says`);
  }

  /** A rollout is worked on from now on: it begins, or one that was over goes back, and is judged by what it found. */
  turnsTo(id: string): void {
    const nodes = [...this.#nodes.values()];
    const found = this.#found.get(id) ?? {
      initial: new Map(nodes.map(({ name, binary }) => [name, binary])),
      out: new Set(nodes.flatMap(({ name, inService }) => (inService ? [] : [name]))),
    };
    this.#found.set(id, found);
    this.#initial = found.initial;
    this.#outBefore = found.out;
  }

  /** Of every revision that is saved. */
  saved(before: Rollout | null, after: Rollout): void {
    this.guard(() => {
      if (after.status.is === 'done' && before?.status.is !== 'done')
        for (const { name } of nodesInOrder(after))
          holds(this.#wasWell(name, after, lookedAt), `all is done, and ${name} is well`);
      for (const phase of after.phases) {
        const wasOver = before?.phases.find(({ id }) => id === phase.id)?.state.is === 'done';
        const isWorse = comparisonsIn(phase).some(({ found }) => found.is === 'worse');
        if (phase.state.is === 'done' && !wasOver && isWorse)
          holds(after.status.is === 'held', `${phase.id} is over, and what is worse holds`);
      }
      if (before !== null) {
        holds(after.revision === before.revision + 1, 'revisions follow each other');
        holds(after.epoch >= before.epoch, 'an epoch only rises');
      }
      for (const node of nodesInOrder(after)) {
        const real = this.#nodes.get(node.name);
        // What somebody took away is there again, and proven.
        if (after.recovery !== undefined && node.state.is === 'done' && before?.nodes[node.name]?.state.is !== 'done')
          this.touchedByOthers.delete(node.name);
        if (real === undefined || this.touchedByOthers.has(node.name)) continue;
        if (!node.touched && node.rolledBackInRun === null)
          holds(real.binary === this.#initial.get(node.name), `${node.name} is called untouched, and is as it was`);
        if (node.state.is === 'done' && before?.nodes[node.name]?.state.is !== 'done') {
          holds(node.proof?.sha256 === after.release.binarySha256, `${node.name} is done with a proof`);
          // It was proven before it was put back into service, and may have been stopped by somebody's hand since.
          const wasWell = (this.#onItAt.get(on(node.name, after)) ?? 0) >= this.#time.now - provenAt;
          holds(wasWell, `${node.name} is done, and is well`);
          holds(real.inService, `${node.name} is done, and in service`);
        }
        if (node.state.is === 'rolled-back' && before?.nodes[node.name]?.state.is === 'working') {
          const answered = this.#answeredAt.get(node.name) ?? 0;
          holds(answered >= this.#time.now - provenAt, `${node.name} is rolled back, and is well`);
        }
      }
    });
  }

  #wasWell(name: string, rollout: Rollout, within: number): boolean {
    const servedAt = this.#servedOnAt.get(on(name, rollout)) ?? 0;
    return servedAt >= this.#time.now - within || this.touchedByOthers.has(name);
  }

  /** Of a rollout that is over, when all is quiet: what it says is so. */
  atTheEnd(rollout: Rollout): void {
    this.guard(() => {
      for (const node of nodesInOrder(rollout)) {
        const real = this.#nodes.get(node.name);
        if (real === undefined || this.touchedByOthers.has(node.name)) continue;
        if (node.state.is === 'done') {
          const image = rollout.release.binarySha256;
          holds(real.binary === image, `${node.name} is done, and has the release on disk`);
          holds(
            rollout.status.is !== 'done' || real.unit.image === image,
            `${node.name} is done, and runs the release`,
          );
        }
        const left = ['stuck', 'unproven', 'failed'].includes(node.state.is) || this.#outBefore.has(node.name);
        holds(left || real.inService, `${node.name} is ${node.state.is}, and in service`);
        if (node.state.is === 'rolled-back')
          holds(real.binary === node.before?.sha256, `${node.name} is rolled back, and has what it had on disk`);
        if (!node.touched && node.state.is === 'ready')
          holds(real.binary === this.#initial.get(node.name), `${node.name} is called untouched, and is as it was`);
      }
    });
  }
}

/** The build that a rollout is to bring, on a node. */
const on = (name: string, { release }: Rollout): string => `${name} ${release.binarySha256}`;

const runOf = (sent: Sent | undefined): string | null =>
  sent?.rollout ? `${sent.rollout.id} ${sent.rollout.run}` : null;

const keyOf = ({ name: node }: ModelNode, { name, epoch, attempt }: Order): string =>
  `${node} ${name} ${epoch} ${attempt}`;

export function rolloutIn(body: string | null): Rollout | null {
  return body === null ? null : lift(JSON.parse(body));
}
