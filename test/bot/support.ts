import { WebClient } from '@slack/web-api';
import pino, { type Logger } from 'pino';
import { systemClock } from '../../src/app/clock.ts';
import { Refused } from '../../src/base/errors.ts';
import type { CommandContext, Directory, Person } from '../../src/bot/context.ts';
import { drawHome } from '../../src/bot/home.ts';
import { type Bot, type BotConnection, type BotFleet, startBot as startBotOf } from '../../src/bot/index.ts';
import { createLooks } from '../../src/bot/looks.ts';
import type { BuildTold } from '../../src/jobs/build-told.ts';
import type { Audited, NightFound, Note } from '../../src/jobs/index.ts';
import { recorder } from '../../src/jobs/record.ts';
import type { Announcer, Control, JournalEntry, LookFor, PostedMessage, Recorded } from '../../src/jobs/types.ts';
import { sealer } from '../../src/trust/index.ts';
import { emptyLedger, fold, rebuilt } from '../../src/upgrade/ledger/index.ts';
import { format, isOpen } from '../../src/upgrade/rollout/index.ts';
import type {
  BackQuestion,
  BackSeen,
  Event,
  Fleet,
  NodeSurvey,
  Release,
  Rollout,
} from '../../src/upgrade/rollout/types.ts';
import { fleetOf, release, surveyOf, tuesday } from '../support/rollouts.ts';

/** A bot of one fleet. */
export async function startBot(context: BotConnection & BotFleet): Promise<Bot & { announcer: Announcer }> {
  const bot = await startBotOf(context, [context]);
  const [announcer] = bot.announcers;
  if (announcer === undefined) throw new Error('nobody announces');
  return { ...bot, announcer };
}

/** Everything in memory, with the real rules of the core: what the store promises, without Redis. */
export class MemoryControl implements Control {
  readonly rollouts = new Map<string, Rollout>();
  readonly drafts = new Map<string, Rollout>();
  readonly seen = new Set<string>();
  readonly wishes = new Map<string, string>();
  readonly marks = new Map<string, Record<string, PostedMessage>>();
  /** As they were created. */
  readonly planned = new Map<string, Rollout>();
  readonly journals = new Map<string, JournalEntry[]>();
  epoch = 0;
  looks: NodeSurvey[];

  constructor(looks: NodeSurvey[]) {
    this.looks = looks;
  }

  /** What is told of builds, and how often somebody was sent to one. */
  told: BuildTold | null = null;
  readonly woken: string[] = [];
  readonly wakeBuild: Control['wakeBuild'] = async (version, number) => void this.woken.push(`${version} ${number}`);
  readonly buildTold: Control['buildTold'] = async () => this.told;
  /** What the database's host tells; null: nobody answers. */
  migrations: Awaited<ReturnType<Control['database']>> | null = null;
  readonly database: Control['database'] = async () => {
    if (this.migrations === null) throw new Refused('Nothing was planned: the database could not be asked: no worker');
    return this.migrations;
  };

  readonly store: Control['store'] = {
    load: async (id) => this.rollouts.get(id) ?? null,
    open: async () => [...this.rollouts.values()].find(isOpen) ?? null,
    openIds: async () => [...this.rollouts.values()].filter(isOpen).map(({ id }) => id),
    latest: async (count) => [...this.rollouts.values()].sort((a, b) => b.createdAt - a.createdAt).slice(0, count),
    newestIds: async (count) => (await this.store.latest(count)).map(({ id }) => id),
    create: async (rollout) => {
      const holder = await this.store.open();
      if (holder) throw new Refused(`${holder.requester} holds the fleet with rollout ${holder.id}`);
      this.rollouts.set(rollout.id, rollout);
      this.planned.set(rollout.id, rollout);
    },
    save: async (rollout, event) => {
      this.rollouts.set(rollout.id, rollout);
      this.journals.set(rollout.id, [
        ...(this.journals.get(rollout.id) ?? []),
        { at: event.at, revision: rollout.revision, event },
      ]);
      return true;
    },
    journal: async (id) => this.journals.get(id) ?? [],
    seconded: async (what, by) => {
      const first = this.wishes.get(what);
      this.wishes.set(what, by);
      if (first === undefined || first === by) return null;
      this.wishes.delete(what);
      return first;
    },
    adopt: async (id, _by, at, { as = (each: Rollout) => each } = {}) => {
      const rollout = this.rollouts.get(id);
      if (!rollout) throw new Refused(`There is no rollout ${id}.`);
      const { unsigned: _, onlyBack: __, ...rest } = rollout;
      const adopted = { ...as(rest, at), revision: rollout.revision + 1 };
      this.rollouts.set(id, adopted);
      return adopted;
    },
    adoptable: async (id) => {
      const rollout = this.rollouts.get(id);
      if (!rollout) throw new Refused(`There is no rollout ${id}.`);
      return { rollout, as: 'proven', mark: `${rollout.revision}` };
    },
    lastEpoch: async () => Math.max(0, ...[...this.rollouts.values()].map(({ epoch }) => epoch)),
    nextEpoch: async (now) => {
      this.epoch = Math.max(this.epoch + 1, now);
      return this.epoch;
    },
    firstTime: async (key) => !this.seen.has(key) && this.seen.add(key) !== undefined,
    headOf: () => this.head,
    posted: async (id) => ({ ...this.marks.get(id) }),
    setPosted: async (id, key, message) => {
      this.marks.set(id, { ...this.marks.get(id), [key]: message });
    },
    saveDraft: async (rollout) => {
      this.drafts.set(rollout.id, rollout);
    },
    takeDraft: async (id) => {
      const draft = this.drafts.get(id) ?? null;
      this.drafts.delete(id);
      return draft;
    },
  };

  head: { revision: number; hash: string; at: number } | null = null;
  kept = emptyLedger;
  readonly ledger: Control['ledger'] = {
    load: async () => this.kept,
    record: async (event) => {
      const after = fold(this.kept, event);
      const changed = after !== this.kept;
      if (changed) this.kept = { ...after, revision: this.kept.revision + 1 };
      return { ledger: this.kept, changed };
    },
    mark: async () => `${this.kept.revision}`,
    adopt: async (_by, at, { found } = {}) => {
      const anew = found === undefined ? this.kept : rebuilt(this.kept, found, at);
      this.kept = { ...anew, revision: this.kept.revision + 1 };
      return this.kept;
    },
  };

  night: NightFound[] = [];
  nights = async () => this.night;
  written: Control['written'] = async (id) => {
    const rollout = this.rollouts.get(id);
    if (!rollout) throw new Refused(`There is no rollout ${id}.`);
    const first = this.planned.get(id) ?? rollout;
    const created = { type: 'created', at: first.createdAt, by: first.requester, format, rollout: first } as const;
    const entries = [
      { at: first.createdAt, revision: first.revision, event: created },
      ...(this.journals.get(id) ?? []),
    ];
    const lines = entries.map((entry, at) => ({ ...entry, hash: `hash${at}` }));
    return { lines, exported: lines.map((line) => JSON.stringify({ is: 'entry', rollout: id, line })) };
  };

  readonly notes: Note[] = [];
  note = (note: Note): void => void this.notes.push(note);

  async *audit(): AsyncGenerator<Audited> {}

  adopt = (id: string, by: string): Promise<Rollout> => this.store.adopt(id, by, tuesday);

  async record(id: string, event: Event): Promise<Recorded> {
    return recorder(this.store, async () => undefined)(id, event);
  }

  start(rollout: Rollout): Promise<void> {
    return this.store.create(rollout);
  }

  /** What a look sees of a node's way back, by name; whole where nothing is said. */
  readonly waysBack: Record<string, BackSeen> = {};

  async survey(
    _nodes: unknown,
    _timeoutMs: number,
    how: LookFor = 'answer',
    back: Record<string, BackQuestion> = {},
  ): Promise<NodeSurvey[]> {
    const looks = this.looks.map((seen) =>
      back[seen.node] === undefined ? seen : { ...seen, back: this.waysBack[seen.node] ?? ('ready' as const) },
    );
    return how === 'work' ? looks : looks.map(({ fitness: _, ...seen }) => seen);
  }

  async diagnose() {
    return { summary: 'the database refuses connections', evidence: ['dial tcp: connection refused <!channel>'] };
  }
}

export const seals = sealer('k'.repeat(32));

export const member: Person = { bot: false, guest: false, deactivated: false, teams: ['T0'] };

export function directoryOf(people: Record<string, Partial<Person>>, groups: Record<string, string[]> = {}): Directory {
  return {
    person: async (user) => {
      const found = people[user];
      if (found === undefined) throw new Error('user_not_found');
      return { ...member, ...found };
    },
    members: async (group) => {
      const found = groups[group];
      if (found === undefined) throw new Error('no_such_subteam');
      return found;
    },
  };
}

/** Rosa asks, Ines approves eu-west and ap-south (by group), Otto may stop, Gil is a guest, Lu is nobody in particular. */
export const people = {
  U0ROSA: {},
  U0INES: {},
  U0OTTO: {},
  U0LU: {},
  U0GIL: { guest: true },
  U0BOT: { bot: true },
  U0GONE: { deactivated: true },
  U0FAR: { teams: ['T9'] },
};

export function trialFleet(
  changes: Partial<Fleet['policy']> = {},
  windows: 'guide' | 'always' = 'always',
  perRegion = 3,
): Fleet {
  const fleet = fleetOf(changes, { windows, perRegion });
  return {
    ...fleet,
    regions: fleet.regions.map((region) => ({ ...region, approvers: { users: [], groups: ['S0APPROVERS'] } })),
  };
}

export interface Trial {
  context: CommandContext;
  control: MemoryControl;
  clock: { at: number };
  logged: string[];
}

export function trial(options: { fleet?: Fleet; known?: Release[]; looks?: NodeSurvey[]; log?: Logger } = {}): Trial {
  const fleet = options.fleet ?? trialFleet();
  const known = options.known ?? [release];
  const control = new MemoryControl(options.looks ?? surveyOf(fleet));
  const clock = { at: tuesday };
  const logged: string[] = [];
  let ids = 0;
  const context: CommandContext = {
    control,
    fleet,
    releases: {
      resolve: async (version) => {
        const found = known.find((each) => each.version === version);
        if (!found) throw new Refused(`There is no release ${version}.`);
        return found;
      },
      versions: async () => known.map(({ version }) => version),
    },
    access: {
      channel: 'C0',
      approvals: 'button',
      roles: {
        requesters: { users: ['U0ROSA'], groups: [] },
        breakers: { users: ['U0INES'], groups: [] },
        stoppers: { users: ['U0OTTO'], groups: [] },
        onCall: { users: [], groups: [] },
        escalation: { users: [], groups: [] },
      },
    },
    workspace: { pinned: 'T0', url: 'https://trial.slack.com/' },
    sealer: seals,
    looks: createLooks(() => clock.at),
    elsewhere: async () => ({ is: 'not wanted' }),
    directory: directoryOf(people, { S0APPROVERS: ['U0INES'] }),
    // Its waits are the machine's own: what is tried with it ends before any of them.
    clock: { ...systemClock(), now: () => clock.at },
    names: { U0INES: 'ines' },
    newId: () => `r${++ids}`,
    playsUpTo: 40,
    log: options.log ?? pino({ level: 'debug' }, { write: (line: string) => void logged.push(line) }),
  };
  return { context, control, clock, logged };
}

/** What is published as somebody's home tab: its lines, and what can be pressed there. */
export async function homeOf(context: CommandContext, user: string): Promise<{ lines: string[]; presses: string[] }> {
  const sent: string[] = [];
  const client = new WebClient('xoxb', {
    fetch: async (_url, options) => {
      sent.push(String(options?.body));
      return new Response(JSON.stringify({ ok: true }));
    },
  });
  await drawHome([context], client, user);
  type Block = { type: string; text?: { text: string }; elements?: { text: string; action_id?: string }[] };
  const { blocks }: { blocks: Block[] } = JSON.parse(new URLSearchParams(sent.at(-1)).get('view') ?? '');
  const read = blocks.filter(({ type }) => type !== 'actions');
  const words = read.flatMap(({ text, elements = [] }) => [text, ...elements]);
  const pressed = blocks.flatMap(({ elements = [] }) => elements.flatMap(({ action_id }) => action_id ?? []));
  return { lines: words.flatMap((each) => each?.text.split('\n') ?? []), presses: pressed };
}
