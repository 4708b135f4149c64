import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Asking, ownPeople } from '../../src/bot/context.ts';
import { parse } from '../../src/bot/parse.ts';
import { answer, asText } from '../../src/bot/run.ts';
import {
  canonical,
  type Decision,
  openKey,
  type SignedDecision,
  type SigningKey,
  signerOf,
  sshSignature,
} from '../../src/trust/index.ts';
import { isOpen } from '../../src/upgrade/rollout/index.ts';
import { type NodeSurvey, type Release, type Rollout, strategyNames } from '../../src/upgrade/rollout/types.ts';
import { fc } from '../support/fast-check.ts';
import { fitWith, fleetOf, newImage, oldImage, release, surveyOf } from '../support/rollouts.ts';
import { drive, type World, worldOf } from '../support/simulation.ts';
import { type Trial, trial } from './support.ts';

/** One person with every role and an own key: what may come of all that they type, in the chat and on the shell? */
const everything = { users: ['U0ROSA'], groups: [] };
const places = ['chat', 'signed', 'shell'] as const;
const regions = ['', '--regions us-east', '--regions eu-west', '--regions us-east,eu-west', '--regions ap-south'];
const flags = ['', '--nodes 1', '--nodes 4', '--now --reason "night" --incident https://a.example/1'];

const upgrade = fc
  .tuple(
    fc.constantFrom('VERSION', 'VERSION', 'ALIAS'),
    fc.constantFrom(...strategyNames.filter((name) => name !== 'blue-green')),
    fc.constantFrom(...regions),
    fc.constantFrom(...flags),
  )
  .map(([version, strategy, which, more]) => `upgrade ${version} --strategy ${strategy} ${which} ${more}`);
const others = [
  'retry',
  'resume',
  'pause',
  'stop',
  'rollback all',
  'rollback us-east',
  'rollback us-east-op-1',
  'approve us-east',
  'approve eu-west',
  'approve ap-south',
  'approve approval/all',
  'approve approval/canaries',
  'approve approval/rest',
  'replace us-east-op-1 aaaaaaaaaaaa',
  'keep us-east-op-1 aaaaaaaaaaaa',
  'adopt NEWEST',
  'adopt ledger',
  'restart',
  'restart --regions us-east --nodes 1',
  'adopt ledger --without eu-west-op-2',
  'recover eu-west-op-2',
  'recover us-east-op-1',
  'recover eu-west-op-2 --from eu-west-op-1',
  'reschedule --next',
  'decline eu-west --reason "not now"',
  'mine',
  'freeze all --until 2027-01-01 --reason "audit"',
  'unfreeze all',
];
const line = fc.oneof(
  { weight: 3, arbitrary: upgrade },
  { weight: 5, arbitrary: fc.constantFrom(...others) },
  { weight: 1, arbitrary: fc.constant('start OLD') },
);
const move = fc.record({
  line,
  place: fc.constantFrom(...places),
  /** Some end between a first node's backup and its switch. */
  events: fc.constantFrom(1, 2, 3, 4, 5, 60),
  /** Somebody puts another archive in the place of this version's. */
  replaced: fc.constantFrom(false, false, true),
});
const story = fc.record({
  version: fc.constantFrom('v1.1.0', 'v2.0.0'),
  oneMayBegin: fc.constantFrom('canary' as const, 'canary' as const, 'nowhere' as const),
  bad: fc.boolean(),
  /** A node lost its binary. */
  lost: fc.constantFrom(false, false, true),
  order: fc.constantFrom('declared' as const, 'next-opening' as const),
  breakers: fc.constantFrom(1, 2),
  approvals: fc.constantFrom('button' as const, 'signed' as const),
  moves: fc.array(move, { minLength: 2, maxLength: 8 }),
});

type Story = typeof story extends fc.Arbitrary<infer T> ? T : never;

const log = pino({ level: 'silent' });
const quick = { soak: 0, canarySoak: 0, pause: 0, bake: 0, healthyAnswers: 1 };

const folder = mkdtempSync(join(tmpdir(), 'one-person-'));
let own: SigningKey;
beforeAll(async () => {
  own = await openKey(join(folder, 'rosa'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Signed as `zeitwork VERB …` signs; so many are also checked as it checks them, by a program that takes its time. */
let toCheck = 50;
async function signedBy(key: SigningKey, decision: Decision): Promise<{ slack: string; signed: SignedDecision }> {
  const text = canonical(decision);
  const signed = { text, signature: sshSignature(key, 'zeitwork-decision', text) };
  const rosa = { name: 'rosa', slack: 'U0ROSA', keys: [key.public] };
  if (toCheck <= 0) return { slack: rosa.slack, signed };
  toCheck -= 1;
  const found = await signerOf(signed, [rosa], decision.at);
  expect(found.decision).toEqual(decision);
  return { slack: found.person.slack, signed };
}

class Night {
  readonly here: Trial;
  readonly #version: string;
  #world: World | null = null;
  /** Plans that were shown, to be tried again. */
  readonly #plans: string[] = [];
  /** Rollouts in which a node was switched to the release, and the regions of these nodes. */
  readonly switched = new Map<string, Release>();
  readonly reached = new Set<string>();
  /** Nodes on which a switch was begun that was not brought back since. */
  readonly #begun = new Set<string>();
  /** Nodes that were to be brought back, or were started with what they ran before, although nothing was to be brought back there. */
  readonly restarted: string[] = [];
  /** What nodes were given back by a recovery. */
  readonly given: string[] = [];
  readonly #bad: boolean;
  readonly #lost: boolean;
  readonly #known: Release[];

  constructor({ version, bad, lost, approvals, ...policy }: Omit<Story, 'moves'>) {
    const majors = { approvers: 2, canaryApproval: true };
    const fleet = fleetOf({ ...quick, ...policy, majors });
    const rest = fleet.regions.map((region) => ({ ...region, approvers: everything }));
    // The second one is the same binary by another name.
    const known = [version, `${version}-same`].map((each) => ({ ...release, version: each }));
    known.push({ ...release, version: 'v1.0.0', binarySha256: oldImage });
    this.#known = known;
    this.here = trial({ fleet: { ...fleet, regions: rest }, known, log });
    this.here.context.access.roles = {
      requesters: everything,
      breakers: everything,
      stoppers: everything,
      onCall: everything,
      escalation: everything,
    };
    this.here.context.access.approvals = approvals;
    // What a plan comes to changes nothing about who may start it.
    this.here.context.playsUpTo = 0;
    this.#version = version;
    this.#bad = bad;
    this.#lost = lost;
    const left = { version: 'v1.0.0', sha256: oldImage, envSha256: null, at: 1, rollout: 'r0' };
    const names = fleet.regions.flatMap(({ nodes }) => nodes.map(({ name }) => name));
    this.here.control.kept = {
      ...this.here.control.kept,
      nodes: Object.fromEntries(names.map((name) => [name, left])),
    };
    this.#see(this.here.control.looks);
  }

  replaceArchive(): void {
    const [own] = this.#known;
    if (!own) return;
    const binarySha256 = own.binarySha256 === newImage ? 'd'.repeat(64) : newImage;
    this.#known[0] = { ...own, binarySha256 };
  }

  async type(text: string, place: (typeof places)[number]): Promise<void> {
    const newest = [...this.here.control.rollouts.keys()].at(-1) ?? 'r0';
    const line = text
      .replace('VERSION', this.#version)
      .replace('ALIAS', `${this.#version}-same`)
      .replace('OLD', this.#plans[0] ?? 'r0')
      .replace('NEWEST', newest);
    const said = await this.#say(line, place);
    const plan = /zeitwork start (\S+)/.exec(said)?.[1];
    if (plan === undefined) return;
    this.#plans.push(plan);
    await this.#say(`start ${plan}`, place);
  }

  async #say(text: string, place: (typeof places)[number]): Promise<string> {
    const parsed = parse(text);
    if (parsed.is === 'usage') throw new Error(`${text}: ${parsed.problem}`);
    const { context } = this.here;
    this.here.clock.at += 5_000;
    const asking = place === 'signed' ? await this.#signed(text, parsed.command.verb) : this.#unsigned(place);
    const where = place === 'chat' ? context : { ...context, ...ownPeople(['U0ROSA']) };
    return asText(await answer(where, asking, parsed.command));
  }

  #unsigned = (place: (typeof places)[number]): Asking => ({
    actor: place === 'shell' ? 'cli:rosa' : 'U0ROSA',
    rollout: null,
  });

  async #signed(text: string, verb: string): Promise<Asking> {
    const rollout = [...this.here.control.rollouts.values()].at(-1);
    const decision: Decision = {
      fleet: this.here.context.fleet.name,
      rollout: rollout?.id ?? null,
      revision: rollout?.revision ?? null,
      release: rollout?.release.binarySha256 ?? null,
      verb,
      arguments: text,
      at: this.here.clock.at,
      nonce: `${this.here.clock.at}`,
    };
    const { slack, signed } = await signedBy(own, decision);
    return { actor: slack, rollout: null, signed };
  }

  /** The nodes go on for a while, and are seen as they are then. */
  goOn(events: number): void {
    const rollout = [...this.here.control.rollouts.values()].find(isOpen);
    if (rollout?.recovery !== undefined) this.#giveBack(rollout);
    if (!rollout || rollout.recovery !== undefined) return;
    this.#world ??= worldOf(rollout);
    const world = this.#world;
    if (this.#bad) world.bad.add('us-east-op-1');
    const before = world.starts.length;
    const after = drive(rollout, world, { from: this.here.clock.at, limit: events });
    this.here.control.rollouts.set(rollout.id, after.rollout);
    this.here.clock.at = after.now;
    for (const event of after.events) {
      if (event.type === 'begun' && event.step === 'switch') this.#begun.add(event.node);
      if (event.type === 'begun' && event.step === 'restart') this.restarted.push(event.node);
      if (event.type === 'begun' && event.step === 'restore' && !this.#begun.has(event.node))
        this.restarted.push(event.node);
      const isBack = event.type === 'reported' && event.step === 'verify-restored' && event.report.is === 'succeeded';
      if (isBack) this.#begun.delete(event.node);
    }
    for (const { node, image } of world.starts.slice(before)) {
      if (image !== newImage) continue;
      this.switched.set(rollout.id, rollout.release);
      this.reached.add(rollout.nodes[node]?.region ?? '');
    }
    const version = (node: string) => (world.image[node] === newImage ? this.#version : 'v1.0.0');
    this.#see(
      surveyOf(this.here.context.fleet).map((seen) => ({
        ...seen,
        sha256: world.image[seen.node] ?? oldImage,
        version: version(seen.node),
        fitness: fitWith(world.image[seen.node] ?? oldImage),
      })),
    );
  }

  #see(looks: NodeSurvey[]): void {
    const { seen } = fitWith(oldImage);
    const fitness = { ...fitWith(oldImage), seen: seen === null ? null : { ...seen, disk: null, runs: false } };
    const gone = { sha256: null, version: null, healthy: false, unit: 'failed/failed', fitness };
    const isGone = (node: string) => this.#lost && node === 'eu-west-op-2';
    this.here.control.looks = looks.map((each) => (isGone(each.node) ? { ...each, ...gone } : each));
  }

  /** How a recovery goes is shown elsewhere; here it counts what it gives. */
  #giveBack(rollout: Rollout): void {
    this.given.push(rollout.release.binarySha256);
    const status = { is: 'done', at: this.here.clock.at } as const;
    this.here.control.rollouts.set(rollout.id, { ...rollout, status, startedAt: this.here.clock.at });
  }
}

/** Gone back from between a node's backup and its switch, which chance comes by seldom. */
const backFromBackup: Story = {
  ...{
    version: 'v1.1.0',
    oneMayBegin: 'canary',
    bad: false,
    lost: false,
    order: 'declared',
    breakers: 1,
    approvals: 'button',
  },
  moves: (
    [
      ['upgrade VERSION --strategy regions --nodes 4', 3],
      ['retry', 3],
      ['rollback all', 1],
      ['upgrade VERSION --strategy rolling', 1],
      ['retry', 1],
    ] as const
  ).map(([text, events]) => ({ line: text, place: 'chat', events, replaced: false })),
};

const numRuns = Number(process.env.RUNS ?? 10_000);
const reached = { canary: 0, given: 0 };

it('one person changes the canary region once for each release, gives a broken node what was proven there, and nothing else, whatever they type where', async () => {
  await fc.assert(
    fc.asyncProperty(story, async ({ moves, ...rest }) => {
      const night = new Night(rest);
      for (const { line: text, place, events, replaced } of moves) {
        if (replaced) night.replaceArchive();
        await night.type(text, place);
        night.goOn(events);
      }
      const mayBegin = rest.version === 'v1.1.0' && rest.oneMayBegin === 'canary';
      expect([...night.reached].filter((region) => !mayBegin || region !== 'us-east')).toEqual([]);
      expect(night.restarted).toEqual([]);
      expect(night.given.filter((sha256) => sha256 !== oldImage)).toEqual([]);
      const begun = [...night.switched.values()];
      for (const names of [begun.map(({ version }) => version), begun.map(({ binarySha256 }) => binarySha256)]) {
        expect(names).toEqual([...new Set(names)]);
      }
      reached.canary += night.reached.size;
      reached.given += night.given.length;
    }),
    { numRuns, examples: [[backFromBackup]] },
  );
  // A test in which nothing ever moved would hold, and prove nothing.
  expect(reached.canary).toBeGreaterThan(numRuns / 50);
  expect(reached.given).toBeGreaterThan(numRuns / 100);
}, 600_000);
