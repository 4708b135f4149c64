import { randomUUID } from 'node:crypto';
import pino from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startSlack } from '../../sandbox/slack/start.ts';
import { type Asking, type CommandContext, ownPeople } from '../../src/bot/context.ts';
import { createLooks } from '../../src/bot/looks.ts';
import { parse } from '../../src/bot/parse.ts';
import { answer, asText } from '../../src/bot/run.ts';
import { createControl, startPublisher, startWorker } from '../../src/jobs/index.ts';
import type { Control } from '../../src/jobs/types.ts';
import { signDecision, signerOf } from '../../src/trust/index.ts';
import type { Foreign, Rollout } from '../../src/upgrade/rollout/types.ts';
import type { Step } from '../../src/upgrade/steps/types.ts';
import { eventually, imageKey, silent, systemClock, workerParts } from '../jobs/fixtures/parts.ts';
import { belief } from '../support/belief.ts';
import { isAsked } from '../support/parts.ts';
import { startTestRedis, type TestRedis } from '../support/redis.ts';
import { fleetOf, newImage, release, surveyOf } from '../support/rollouts.ts';
import { testKey } from '../support/signing.ts';
import { seals, startBot, trial } from './support.ts';

const quick = { pause: 0, bake: 0, watch: 100, retryDelay: 50, soak: 0, canarySoak: 0, autoRollback: 'none' as const };
const fleet = fleetOf(quick);
const keys = { rosa: testKey(), ines: testKey(), finn: testKey() };
const people = [
  { name: 'rosa', slack: 'U0ROSA', keys: [keys.rosa.public] },
  { name: 'ines', slack: 'U0INES', keys: [keys.ines.public] },
  { name: 'finn', slack: 'U-eu-west', keys: [keys.finn.public] },
];
const env: Foreign = { what: 'environment', sha256: 'e'.repeat(64), version: null };
const hotfix: Foreign = { what: 'binary', sha256: 'd'.repeat(64), version: 'v1.0.9' };
/** What goes wrong on a node, once each. */
const troubles = new Map<string, Foreign | null>([
  ['us-east-op-2', null],
  ['us-east-op-3', env],
  ['eu-west-op-1', hotfix],
]);

let redis: TestRedis;
let slack: Awaited<ReturnType<typeof startSlack>>;
let bot: Awaited<ReturnType<typeof startBot>>;
let control: Control;
let context: CommandContext;
const closing: { close(): Promise<unknown> }[] = [];

beforeAll(async () => {
  redis = await startTestRedis();
  slack = await startSlack({
    people: people.map(({ slack: id, name }) => ({ id, name, realName: name })),
    channel: { id: 'C0', name: 'upgrades' },
    team: { id: 'T0', name: 'Trial' },
    groups: [],
  });
  const shell = createControl(redis.handle, fleet.name, belief('bot'), systemClock, silent);
  control = shell;
  const { context: base } = trial({ fleet });
  const looks = createLooks(() => systemClock.now());
  context = { ...base, control, fleet, clock: systemClock, looks, newId: () => `r-${randomUUID().slice(0, 8)}` };
  const { botToken, appToken, apiUrl } = slack;
  bot = await startBot({ ...context, sealer: seals, team: 'T0', slack: { botToken, appToken, apiUrl }, log: quiet });
  await bot.connected;
  const beside = { redis: redis.handle, fleet: fleet.name, clock: systemClock, log: silent, sweep: '* * * * * *' };
  const publisher = await startPublisher({ ...beside, belief: belief('bot'), announcer: bot.announcer });
  const parts = workerParts(redis.handle);
  const seen = async (name: string) => {
    const found = surveyOf(fleet).find(({ node }) => node === name);
    if (found === undefined) throw new Error(`there is no ${name}`);
    const isNew = (await redis.handle.caller.hget(imageKey, name)) === 'new';
    return { ...found, at: Date.now(), ...(isNew ? { version: 'v2.0.0', sha256: newImage } : {}) };
  };
  const switches: Step = async (step) => {
    const trouble = troubles.get(step.node.name);
    if (trouble === undefined) return parts.steps.switch(step);
    troubles.delete(step.node.name);
    const facts = trouble === null ? {} : { foreign: trouble };
    return { is: 'failed', reason: 'somebody was here', retry: false, facts };
  };
  const worker = await startWorker({
    ...parts,
    fleet,
    regions: fleet.regions.map(({ name }) => name),
    steps: { ...parts.steps, switch: switches },
    survey: async ({ name }) => seen(name),
    surveyForWork: async ({ name }) => seen(name),
  });
  closing.push(worker, publisher, bot, shell);
});
const quiet = pino({ level: 'silent' });

afterAll(async () => {
  for (const each of closing) await each.close();
  await slack.close();
  await redis.stop();
});

/** As `zeitwork … --as NAME` does it: signed by that person's key, heard by nobody but the store. */
async function signed(who: keyof typeof keys, text: string): Promise<string> {
  const parsed = parse(text);
  if (parsed.is === 'usage') throw new Error(parsed.problem);
  const open = await control.store.open();
  const decision = {
    fleet: fleet.name,
    rollout: open?.id ?? null,
    revision: open?.revision ?? null,
    release: release.binarySha256,
    verb: parsed.command.verb,
    arguments: text,
    at: Date.now(),
    nonce: randomUUID(),
  };
  const paper = await signDecision(decision, keys[who].file);
  const { person } = await signerOf(paper, people, Date.now());
  const asking: Asking = { actor: person.slack, rollout: null, signed: paper };
  const here = { ...context, ...ownPeople(people.map(({ slack: id }) => id)) };
  const reply = await answer(here, asking, parsed.command);
  expect([text, reply.outcome ?? 'done', asText(reply)]).toEqual([text, 'done', expect.any(String)]);
  return asText(reply);
}

async function begun(words: string): Promise<string> {
  const plan = /zeitwork start (\S+)/.exec(await signed('rosa', words))?.[1] ?? '';
  await signed('rosa', `start ${plan}`);
  return plan.split('~')[0] ?? '';
}

/** The nodes' states are what a failure prints. */
const comesTo = (id: string, fits: (rollout: Rollout) => boolean): Promise<unknown> =>
  eventually(
    async () => {
      const rollout = await control.store.load(id);
      if (rollout === null) return 'gone';
      const states = Object.values(rollout.nodes).map(({ name, state }) => [name, state.is]);
      return fits(rollout) || [rollout.status, ...states];
    },
    (found) => found === true,
    30_000,
  );
const isHeldOver = (node: string) => (rollout: Rollout) =>
  rollout.status.is === 'held' && rollout.status.node === node && rollout.nodes[node]?.state.is !== 'working';

it('every verb decides on a shell while Slack is away, and the messages catch up when it is back', async () => {
  const planned = await begun('schedule v2.0.0 --at 2099-01-01 02:00 --regions us-east,eu-west');
  const posts = () => slack.messages().flatMap(({ ts }) => [...slack.thread(ts)]);
  await eventually(
    async () => posts().length,
    (count) => count > 0,
  );
  slack.faults.down(true);

  await signed('rosa', 'freeze all --until 2099-01-01T00:00:00Z --reason "audit"');
  await signed('rosa', 'unfreeze all');
  await signed('rosa', 'reschedule --at 2099-01-02 02:00');
  await signed('rosa', 'cancel');
  await comesTo(planned, ({ status }) => status.is === 'stopped');

  const id = await begun('upgrade v2.0.0 --regions us-east,eu-west');
  await comesTo(id, isHeldOver('us-east-op-2'));
  await signed('rosa', 'mine');
  await signed('rosa', 'retry');
  await comesTo(id, isHeldOver('us-east-op-3'));
  await signed('rosa', `keep us-east-op-3 ${env.sha256.slice(0, 12)}`);
  await comesTo(id, (rollout) => isAsked(rollout, 'eu-west'));
  await signed('finn', 'decline eu-west --reason "error rate is up"');
  await signed('rosa', 'pause');
  await signed('rosa', 'resume');
  await signed('finn', 'approve eu-west --comment "quiet again"');
  await comesTo(id, isHeldOver('eu-west-op-1'));
  await signed('ines', `replace eu-west-op-1 ${hotfix.sha256.slice(0, 12)}`);
  await comesTo(id, ({ status }) => status.is === 'done');
  await signed('rosa', 'rollback us-east-op-1');
  await comesTo(
    id,
    ({ status, nodes }) => status.is !== 'rolling-back' && nodes['us-east-op-1']?.state.is === 'rolled-back',
  );
  await signed('ines', `adopt ${id}`);
  await signed('rosa', 'stop');
  await comesTo(id, ({ status }) => status.is === 'stopped');
  const all = () =>
    posts()
      .map(({ text }) => text)
      .join('\n');
  expect(all()).not.toMatch(/Stopped by/);

  slack.faults.down(false);
  const said = [
    /■ \*Stopped by <@U0ROSA> before it began\*: 0 of 6 nodes/,
    /0 of 6 nodes on v2\.0\.0\nStopped by <@U0ROSA>/,
    /■ \*Stopped by <@U0ROSA>\*: 5 of 6 nodes on v2\.0\.0/,
    /5 of 6 nodes on v2\.0\.0\n.*\n?Stopped by <@U0ROSA>/,
    /↩ \*us-east-op-1\* runs v1\.0\.0 again/,
    /✓ \*eu-west-op-1\* done: runs v2\.0\.0/,
  ];
  await eventually(
    async () => all(),
    (text) => said.every((each) => each.test(text)),
    60_000,
  );
  const lines = (await control.store.journal(id)).map(({ event }) => event);
  expect(lines).toContainEqual(
    expect.objectContaining({ type: 'declined', by: 'U-eu-west', reason: 'error rate is up' }),
  );
  expect(lines).toContainEqual(expect.objectContaining({ type: 'approved', by: 'U-eu-west', comment: 'quiet again' }));
}, 240_000);
