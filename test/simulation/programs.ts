import type { BlockAction, ButtonAction, RespondFn } from '@slack/bolt';
import type { KnownBlock } from '@slack/types';
import type { Logger } from 'pino';
import { announcing } from '../../src/bot/announcing.ts';
import type { CommandContext } from '../../src/bot/context.ts';
import { listeners } from '../../src/bot/listeners.ts';
import { createLooks } from '../../src/bot/looks.ts';
import type { AskComparison } from '../../src/jobs/comparing.ts';
import { controlOver } from '../../src/jobs/control.ts';
import { workerDuties } from '../../src/jobs/duties.ts';
import { type Belief, createLedger, createStore } from '../../src/jobs/index.ts';
import type { AskJob, StepJob } from '../../src/jobs/queues.ts';
import { showing } from '../../src/jobs/showing.ts';
import { sealer } from '../../src/trust/index.ts';
import { diagnoseNode, surveyForWork, surveyNode, surveyWhole } from '../../src/upgrade/host/index.ts';
import { stillProven } from '../../src/upgrade/proof/index.ts';
import type { Command } from '../../src/upgrade/ssh/types.ts';
import { seeWayBack, steps } from '../../src/upgrade/steps/index.ts';
import { directoryOf, people } from '../bot/support.ts';
import { oldImage, release } from '../support/rollouts.ts';
import type { ChatMessage, SimulatedChat } from './chat.ts';
import { simulatedProbe, simulatedShell } from './network.ts';
import type { ModelNode } from './node.ts';
import type { SimulatedQueues } from './queues.ts';
import { connection, type Data } from './redis.ts';
import type { Story } from './story.ts';
import { type Chance, Program, type Time } from './time.ts';
import type { SimulatedWebhook } from './webhook.ts';

/** What all programs of a night share. */
export interface Stage {
  story: Story;
  time: Time;
  chance: Chance;
  data: Data;
  queues: SimulatedQueues;
  nodes: Map<string, ModelNode>;
  chat: SimulatedChat;
  /** Whether this program dies now; it is dead then. */
  crash: (program: Program) => boolean;
  dies: (program: Program) => void;
  sent(program: Program, node: ModelNode, command: Command): void;
  /** Machines on which a file stops everything, and since when (epoch ms). */
  stopped: Map<string, number>;
  webhook: SimulatedWebhook | null;
  /** Numbers things that are told apart by it. */
  serial: number;
  /** Freezes as the settings have them now. */
  frozen: { start: number; end: number; reason: string; author: string }[];
  log(program: string, level: string, fields: unknown, message: string): void;
}

const older = { ...release, version: 'v1.0.0', archiveSha256: '1'.repeat(64), binarySha256: oldImage };
const shelf = new Map([older, release].map((each) => [each.version, each]));

const sign = { every: 5_000, ttl: 20_000 };
const sweepEvery = 10_000;

const living = (fleet: string): string => `{zw}/${fleet}:living`;

/** Sweeps and signs of life are rare while everybody waits for a window. */
const rarely =
  ({ queues }: Stage, ms: number) =>
  (): number =>
    queues.busy ? ms : 3 * ms;

/** Of every fourth watch it says that they are worse, and of the others each of the rest; which no chance decides. */
const compared: AskComparison = async ({ run }, region, at) => {
  const verdicts = ['worse', 'same', 'inconclusive', 'better'] as const;
  const is = verdicts[(run + region.length + Math.floor(at / 1_000)) % verdicts.length] ?? 'same';
  return [
    {
      ...{ check: 'latency', is, factor: 1.5, low: 1.3, high: null, before: 12, after: 15 },
      ...{ nodes: { of: 3, so: 3 }, control: { of: 6, near: false } },
    },
  ];
};

export function startWorker(stage: Stage, name: string, belief: Belief): Program {
  const { story, time, chance, data, queues, nodes, crash } = stage;
  const program = new Program(name, time);
  const { fleet } = story;
  const regions = fleet.regions.map((region) => region.name);
  const log = logOf(stage, program);
  const redis = connection(data, program, true, { time, chance, trouble: story.redis, crash });
  const shell = simulatedShell(program, { nodes, time, chance, trouble: story.network, crash, sent: stage.sent });
  const probe = simulatedProbe(program, { nodes, chance, trouble: story.network });
  const { clock } = program;
  const { service, policy } = fleet;
  const limit = policy.commandTimeout;
  const closely = { service, shell, probe, now: clock.now, helper: () => null };
  const duties = workerDuties(
    {
      ...{ belief, fleet, regions, steps, shell, probe, clock, log },
      alerting: { ask: async () => ({ is: 'quiet' }) },
      elsewhere: async () => ({ is: 'not wanted' }),
      compatible: async () => ({ is: 'not wanted' }),
      halt: async () => (stage.stopped.has(name) ? { is: 'lies', reason: 'STOP lies there' } : { is: 'clear' }),
      archives: async ({ archiveSha256 }) => archiveSha256,
      withdrawn: () => null,
      ...(story.compares ? { compared } : {}),
      stillProven: (node, proof, signal) => stillProven(node, proof, service, shell, limit, signal),
      wayBack: (node, question, signal) => seeWayBack(node, question, service, shell, limit, signal),
      freezes: () => stage.frozen,
      survey: (node, signal, whole = false) =>
        (whole ? surveyWhole : surveyNode)(node.name, node.region, service, shell, probe, clock, limit, signal),
      surveyForWork: ({ name: node, region }, signal) => surveyForWork(node, region, closely, limit, signal),
      diagnose: (node, signal) => diagnoseNode(node.name, service, shell, probe, limit, signal),
    },
    {
      store: createStore(redis, fleet.name, belief),
      ledger: createLedger(redis, fleet.name, belief),
      queues: queues.of(program),
      orders: async () => null,
    },
  );
  const work = (queue: string, job: unknown, signal: AbortSignal): Promise<unknown> => {
    if (queue === 'advance') return duties.advance(String(job));
    const region = queue.replace(/^(?:step|ask)-/, '');
    return queue.startsWith('step-')
      ? duties.work(region, (job as StepJob).task, signal)
      : duties.answer(region, job as AskJob, signal);
  };
  queues.serve({ program, takes: (queue) => queue !== 'publish', work });
  const beat = (): void => {
    if (time.now < story.redis.awayUntil) return;
    for (const region of regions) data.zadd(living(fleet.name), time.now + 3 * sign.ttl, `${region} ${name}`);
  };
  beat();
  program.every(rarely(stage, sign.every), beat);
  program.every(rarely(stage, sweepEvery), () => void duties.sweep().catch(() => undefined));
  return program;
}

export interface SimulatedBot {
  program: Program;
  context: CommandContext;
  /** Types a command; what only that person sees is handed to `sees`. */
  type(user: string, text: string, sees: (answer: ChatMessage) => void): void;
  click(
    user: string,
    on: { ts: string; own: boolean },
    action: string,
    value: string,
    sees: (answer: ChatMessage) => void,
  ): void;
}

export function startBot(stage: Stage, name: string, belief: Belief): SimulatedBot {
  const { story, time, chance, data, queues, chat, crash } = stage;
  const program = new Program(name, time);
  const { fleet } = story;
  const { clock } = program;
  const log = logOf(stage, program) as unknown as Logger;
  const trouble = { time, chance, trouble: story.redis, crash };
  const own = queues.of(program);
  const control = controlOver({
    redis: connection(data, program, false, trouble),
    ...{ queues: own, fleet: fleet.name, belief, clock, log },
    issue: async () => undefined,
  });
  const seals = sealer('k'.repeat(32));
  const context: CommandContext = {
    ...{ control, fleet, clock, log, sealer: seals },
    releases: { resolve: async (version) => shelf.get(version) ?? release, versions: async () => [...shelf.keys()] },
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
    directory: directoryOf(people, { S0APPROVERS: ['U0INES'] }),
    looks: createLooks(clock.now),
    elsewhere: async () => ({ is: 'not wanted' }),
    names: {},
    newId: () => `r${(stage.time.now % 1e9).toString(36)}${chance.between(0, 1e6).toString(36)}`,
    playsUpTo: 0,
  };
  const patient = connection(data, program, true, trouble);
  const announcer = announcing(
    context,
    { ...context, sealer: seals, ...(stage.webhook === null ? {} : { webhook: stage.webhook.as(program) }) },
    chat.as(program, () => stage.dies(program)),
  );
  const { show, sweep } = showing({
    store: createStore(patient, fleet.name, belief),
    ledger: createLedger(patient, fleet.name, belief),
    ...{ queues: own, announcer, clock, log },
  });
  const publish = async (id: string): Promise<void> => {
    const wait = await show(id);
    if (wait === null) return;
    await program.pass(wait);
    await own.publish(id);
  };
  queues.serve({ program, takes: (queue) => queue === 'publish', work: (_, id) => publish(String(id)) });
  program.every(rarely(stage, sweepEvery), () => void sweep().catch(() => undefined));
  const heard = listeners([context], { chat: { postEphemeral: async () => undefined } } as never);
  const answering = (user: string, sees: (answer: ChatMessage) => void): RespondFn =>
    (async (answer: { text: string; blocks?: KnownBlock[] }) => {
      await program.pass(50);
      const ts = `e${stage.serial++}`;
      sees({ ts, channel: 'C0', thread: user, text: answer.text, blocks: answer.blocks ?? [], mark: null });
    }) as unknown as RespondFn;
  return {
    program,
    context,
    type(user, text, sees) {
      const body = { user_id: user, text, team_id: 'T0', channel_id: 'C0', trigger_id: `t${stage.serial++}` };
      heard.command(body as never, answering(user, sees)).catch(() => undefined);
    },
    click(user, { ts, own: isEphemeral }, action_id, value, sees) {
      const container = { type: 'message', message_ts: ts, channel_id: 'C0', is_ephemeral: isEphemeral };
      const body = { user: { id: user, team_id: 'T0' }, team: { id: 'T0' }, channel: { id: 'C0' }, container };
      const action = { type: 'button', action_id, value, action_ts: `a${stage.serial++}` };
      heard
        .click(body as unknown as BlockAction, action as unknown as ButtonAction, answering(user, sees))
        .catch(() => undefined);
    },
  };
}

function logOf({ log }: Stage, { name }: Program) {
  const at = (level: string) => (fields: object, message: string) => log(name, level, fields, message);
  return { info: at('info'), warn: at('warn'), error: at('error'), debug: () => undefined };
}
