import pino from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { type Slack, startSlack } from '../../sandbox/slack/start.ts';
import { startPublisher } from '../../src/jobs/index.ts';
import { keysOf } from '../../src/jobs/keys.ts';
import type { Announcer } from '../../src/jobs/types.ts';
import { createMeter } from '../../src/metrics/index.ts';
import { seals, startBot, trial } from '../bot/support.ts';
import { eventually, production, quickRollout, silent, systemClock } from '../jobs/fixtures/parts.ts';
import { makeRig } from '../jobs/fixtures/rig.ts';
import { belief } from '../support/belief.ts';
import { workspaceOptions } from '../support/slack-workspace.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

const newMeter = () =>
  createMeter({ roles: ['bot'], version: '1', clock: systemClock, complain: (error) => expect(error).toBeUndefined() });

function numbersOf(meter: ReturnType<typeof newMeter>) {
  return async (name: string): Promise<number | undefined> => {
    const text = await meter.registry.metrics();
    const line = text.split('\n').find((each) => each.startsWith(`${name} `));
    return line === undefined ? undefined : Number(line.slice(name.length + 1));
  };
}

async function bot(slack: Slack, botToken = slack.botToken) {
  const meter = newMeter();
  const { appToken, apiUrl } = slack;
  const started = await startBot({
    ...{ ...trial().context, sealer: seals, team: null, meter: { ...meter, ...meter.of(production) } },
    log: pino({ level: 'silent' }),
    slack: { botToken, appToken, apiUrl },
  });
  open.push(started);
  return { meter, started, number: numbersOf(meter) };
}

describe('what a bot tells of Slack', () => {
  it('is connected while it is heard, and away, by its kind, while it is not', async () => {
    const slack = await startSlack(workspaceOptions());
    const { meter, started, number } = await bot(slack);
    await started.connected;
    expect(meter.vitals().slack).toEqual({ isConnected: true, isAccepted: true });
    expect(await number('zeitwork_slack_connected')).toBe(1);
    await slack.close();
    await eventually(
      () => number('zeitwork_slack_connected'),
      (is) => is === 0,
    );
    await eventually(
      () => number('zeitwork_slack_errors_total{kind="away"}'),
      (count) => (count ?? 0) > 0,
    );
  });

  it('is a token that is refused', async () => {
    const slack = await startSlack(workspaceOptions());
    open.push(slack);
    const { meter, number } = await bot(slack, 'xoxb-revoked');
    await eventually(
      () => number('zeitwork_slack_errors_total{kind="denied"}'),
      (count) => (count ?? 0) > 0,
    );
    expect(meter.vitals().slack.isAccepted).toBe(false);
  });
});

describe('what a bot tells of its messages', () => {
  const rig = makeRig();

  it('is how far behind the journal they are, and that a journal cannot be believed', async () => {
    const meter = newMeter();
    const number = numbersOf(meter);
    const chat = { isAway: true };
    const announcer: Announcer = {
      show: async () => {
        if (chat.isAway) throw new Error('away');
      },
      alarm: async () => undefined,
      outrun: async () => undefined,
      refusing: async () => undefined,
      repair: async () => undefined,
    };
    const { redis } = rig;
    const control = rig.control();
    const publisher = rig.closeLater(
      await startPublisher({
        ...{
          redis: redis.handle,
          fleet: production,
          announcer,
          meter: meter.of(production),
          clock: systemClock,
          log: silent,
        },
        belief: belief('bot'),
        sweep: '* * * * * *',
      }),
    );
    await control.start(quickRollout('r1'));
    await eventually(
      () => number('zeitwork_message_lag_seconds{fleet="production"}'),
      (lag) => (lag ?? 0) > 1,
    );
    expect(await number('zeitwork_message_delay_seconds_count{fleet="production"}')).toBe(0);
    chat.isAway = false;
    await eventually(
      () => number('zeitwork_message_lag_seconds{fleet="production"}'),
      (lag) => lag === 0,
    );
    expect(await number('zeitwork_message_delay_seconds_count{fleet="production"}')).toBeGreaterThan(0);
    expect(await number('zeitwork_journals_not_believed{fleet="production"}')).toBe(0);
    await redis.handle.caller.hset(keysOf(production).rollout('r1'), 'hash', 'made up');
    await control.store.openIds();
    await publisher.sweep();
    await eventually(
      () => number('zeitwork_journals_not_believed{fleet="production"}'),
      (count) => count === 1,
    );
  });
});
