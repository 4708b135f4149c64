import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Slack, startSlack } from '../sandbox/slack/start.ts';
import type { ChannelMessage } from '../sandbox/slack/types.ts';
import { systemClock } from '../src/app/clock.ts';
import { createLog } from '../src/app/log.ts';
import { closeRuntime, openRuntime, startBotRole } from '../src/app/wiring.ts';
import { day } from '../src/base/duration.ts';
import type { Settings } from '../src/config/index.ts';
import { startWorker } from '../src/jobs/index.ts';
import type { Step } from '../src/upgrade/steps/types.ts';
import { eventually, quickRollout, workerParts } from '../test/jobs/fixtures/parts.ts';
import { fleetOf } from '../test/support/rollouts.ts';

const clock = systemClock();

const regions = ['us-east', 'eu-west', 'ap-south'];
const approver = 'U1';
const nobody = { users: [], groups: [] };

function settingsFor(slack: Slack, stateDir: string): Settings {
  return {
    file: '',
    fleet: fleetOf(),
    hosts: {},
    signers: [],
    healthUrls: {},
    alerts: null,
    build: null,
    database: null,
    besideUrls: {},
    balancers: {},
    balancerHosts: {},
    proven: null,
    inventory: null,
    webhook: null,
    releases: { directory: stateDir, signers: [], unsigned: 'allowed' },
    slack: { channel: 'C1', team: 'T1', botToken: slack.botToken, appToken: slack.appToken, apiUrl: slack.apiUrl },
    keys: null,
    redis: null,
    metrics: null,
    retention: 400 * day,
    sealKey: null,
    people: [],
    approvals: 'button',
    stateDir,
    stopFile: join(stateDir, 'STOP'),
    roles: { requesters: nobody, breakers: nobody, stoppers: nobody, onCall: nobody, escalation: nobody },
  };
}

/**
 * Times from the click on an approval in Slack until the first step on the next node begins on a worker, ms: Socket Mode,
 * permission, record, queue and store are in the way; the nodes are simulated.
 */
export async function clickTimes(rollouts: number): Promise<number[]> {
  process.env.ZEITWORK_LOG ??= 'silent';
  const stateDir = await mkdtemp(join(tmpdir(), 'zeitwork-bench-'));
  const slack = await startSlack({
    people: [{ id: approver, name: 'ines', realName: 'Ines' }],
    channel: { id: 'C1', name: 'upgrades' },
    team: { id: 'T1', name: 'Bench' },
    groups: [],
  });
  const log = createLog('bench');
  const runtime = await openRuntime(settingsFor(slack, stateDir), log, { clock });
  const begun = new Map<string, number>();
  const parts = workerParts(runtime.redis, { regions, log });
  const noting =
    (step: Step): Step =>
    (context) => {
      const key = `${context.rollout.id} ${context.node.name}`;
      if (context.node.state.is === 'working' && !begun.has(key)) begun.set(key, performance.now());
      return step(context);
    };
  const { steps } = parts;
  const worker = await startWorker({ ...parts, steps: { ...steps, backup: noting(steps.backup) } });
  const bot = await startBotRole([runtime]);
  const times: number[] = [];
  try {
    for (let round = 0; round < rollouts; round++) {
      const id = `r${round}`;
      const rollout = quickRollout(id, {}, {}, { regions: null, strategy: 'regions' });
      const by = { users: [approver], groups: [] };
      const phases = rollout.phases.map((phase) => (phase.is === 'approval' ? { ...phase, by } : phase));
      await runtime.control.start({ ...rollout, phases });
      for (const region of regions.slice(1)) times.push(await approve(slack, id, region, begun));
      const over = async () => (await runtime.control.store.load(id))?.status.is;
      await eventually(over, (status) => status === 'done', 30_000);
    }
    return times;
  } finally {
    await bot.close();
    await worker.close();
    await closeRuntime(runtime);
    await slack.close();
    await rm(stateDir, { recursive: true, force: true });
  }
}

async function approve(slack: Slack, id: string, region: string, begun: Map<string, number>): Promise<number> {
  const message = await eventually(
    async () => gateOf(slack, id, region),
    (found) => found !== undefined,
    30_000,
  );
  if (!message) throw new Error('no gate');
  const clicked = performance.now();
  const { acked, error } = await slack.click(approver, message.ts, `Approve ${region}`, { confirm: true });
  if (!acked) throw new Error(`the click was not taken: ${error}`);
  const at = await eventually(
    async () => begun.get(`${id} ${region}-op-1`),
    (found) => found !== undefined,
  );
  return (at ?? Number.NaN) - clicked;
}

/** The message that asks for this region of this rollout. */
function gateOf(slack: Slack, id: string, region: string): ChannelMessage | undefined {
  const everything = slack.messages().flatMap((message) => [message, ...slack.thread(message.ts)]);
  return everything.find(({ blocks }) => {
    const drawn = JSON.stringify(blocks);
    return drawn.includes(`"Approve ${region}"`) && drawn.includes(`\\"r\\":\\"${id}\\"`);
  });
}
