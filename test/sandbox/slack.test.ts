import { App, LogLevel } from '@slack/bolt';
import { SocketModeClient } from '@slack/socket-mode';
import type { Button, KnownBlock, PlainTextElement, View } from '@slack/types';
import { afterEach, describe, expect, it } from 'vitest';
import { type Slack, startSlack } from '../../sandbox/slack/start.ts';
import type { SlackOptions } from '../../sandbox/slack/types.ts';
import { workspaceOptions } from '../support/slack-workspace.ts';

const open: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function slackWith(options: Partial<SlackOptions> = {}): Promise<Slack> {
  const slack = await startSlack({ ...workspaceOptions(), ...options });
  open.push(() => slack.close());
  return slack;
}

async function boltOn(slack: Slack, listen: (app: App) => void = () => {}): Promise<App> {
  const app = new App({
    token: slack.botToken,
    appToken: slack.appToken,
    socketMode: true,
    logLevel: LogLevel.ERROR,
    clientOptions: { slackApiUrl: slack.apiUrl, retryConfig: { retries: 2, minTimeout: 10, maxTimeout: 20 } },
  });
  listen(app);
  await app.start();
  open.push(async () => {
    await app.stop();
  });
  return app;
}

async function until(slack: Slack, holds: () => boolean): Promise<void> {
  if (holds()) return;
  await new Promise<void>((resolve) => {
    const off = slack.onChange(() => {
      if (!holds()) return;
      off();
      resolve();
    });
  });
}

const section = (text: string): KnownBlock => ({ type: 'section', text: { type: 'mrkdwn', text } });

const plain = (text: string): PlainTextElement => ({ type: 'plain_text', text });

describe('a slash command', () => {
  it('reaches the app with its text escaped, and what the app responds is seen by one person', async () => {
    const slack = await slackWith();
    const heard: string[] = [];
    await boltOn(slack, (app) => {
      app.command('/zeitwork', async ({ ack, command, respond }) => {
        await ack();
        heard.push(`${command.user_id} ${command.text}`);
        await respond(`You said ${command.text}`);
      });
    });
    const outcome = await slack.command('U1', '/zeitwork why <eu> @ines');
    await until(slack, () => slack.ephemerals('U1').length > 0);
    expect(outcome).toMatchObject({ acked: true, error: null });
    expect(heard).toEqual(['U1 why &lt;eu&gt; <@U2|ines>']);
    expect(outcome.responses.map((message) => message.visibleTo)).toEqual(['U1']);
    expect(slack.ephemerals('U2')).toEqual([]);
    expect(slack.messages()).toEqual([]);
  });

  it('that nobody acknowledges is shown as failed, and delivered once more', async () => {
    const slack = await slackWith({ ackTimeoutMs: 150 });
    const seen: string[] = [];
    await boltOn(slack, (app) => {
      app.command('/zeitwork', async ({ ack, command }) => {
        seen.push(command.trigger_id);
        if (seen.length === 2) await ack();
      });
    });
    const outcome = await slack.command('U1', '/zeitwork status');
    expect(outcome).toMatchObject({ acked: false, error: 'operation_timeout' });
    expect(slack.ephemerals('U1').at(-1)?.text).toBe('`/zeitwork` failed with the error `operation_timeout`');
    await expect.poll(() => slack.warnings).toContain('slash_commands acknowledged only at delivery 2');
    expect(new Set(seen).size).toBe(1);
  });

  it('fails with dispatch_failed when no app is connected', async () => {
    const slack = await slackWith({ ackTimeoutMs: 50 });
    expect(await slack.command('U1', '/zeitwork status')).toMatchObject({ acked: false, error: 'dispatch_failed' });
  });

  it('comes twice when deliveries are doubled, with the same trigger', async () => {
    const slack = await slackWith();
    const triggers: string[] = [];
    await boltOn(slack, (app) => {
      app.command('/zeitwork', async ({ ack, command }) => {
        triggers.push(command.trigger_id);
        await ack();
      });
    });
    slack.faults.duplicateDeliveries(true);
    await slack.command('U1', '/zeitwork status');
    await expect.poll(() => triggers.length).toBe(2);
    expect(triggers[0]).toBe(triggers[1]);
  });

  it('goes to one of two connections, in turn', async () => {
    const slack = await slackWith();
    const served: string[] = [];
    for (const name of ['first', 'second']) {
      await boltOn(slack, (app) => {
        app.command('/zeitwork', async ({ ack }) => {
          served.push(name);
          await ack();
        });
      });
    }
    for (let turn = 0; turn < 4; turn += 1) await slack.command('U1', '/zeitwork status');
    expect(served).toEqual(['first', 'second', 'first', 'second']);
  });

  it('survives a lost connection: what was not acknowledged goes to the next one', async () => {
    const slack = await slackWith();
    const served: string[] = [];
    const first = await boltOn(slack, (app) => {
      app.command('/zeitwork', async () => {
        served.push('first');
        await first.stop();
      });
    });
    await boltOn(slack, (app) => {
      app.command('/zeitwork', async ({ ack }) => {
        served.push('second');
        await ack();
      });
    });
    expect(await slack.command('U1', '/zeitwork status')).toMatchObject({ acked: true });
    expect(served).toEqual(['first', 'second']);
  });
});

describe('messages and buttons', () => {
  it('go round: post, edit, thread, broadcast reply, click', async () => {
    const slack = await slackWith();
    const app = await boltOn(slack, (one) => {
      one.action('approve', async ({ ack, body, client, respond }) => {
        await ack();
        if (body.type !== 'block_actions' || !body.message) throw new Error('an action on a message was expected');
        await client.chat.update({ channel: 'C1', ts: body.message.ts, text: `approved by <@${body.user.id}>` });
        await respond({ text: 'Thank you.', response_type: 'ephemeral', replace_original: false });
      });
    });
    const button = {
      type: 'button',
      action_id: 'approve',
      value: 'r1',
      text: { type: 'plain_text', text: 'Approve eu-west' },
    };
    const blocks = [section('eu-west waits'), { type: 'actions', elements: [button] }];
    const metadata = { event_type: 'rollout', event_payload: { id: 'r1' } };
    const posted = await app.client.chat.postMessage({ channel: 'C1', text: 'eu-west waits', blocks, metadata });
    const ts = posted.ts ?? '';
    await app.client.chat.postMessage({ channel: 'C1', text: 'node 1 done', thread_ts: ts });
    await app.client.chat.postMessage({ channel: 'C1', text: 'gate!', thread_ts: ts, reply_broadcast: true });

    const outcome = await slack.click('U2', ts, 'Approve eu-west');
    await until(slack, () => slack.ephemerals('U2').length === 1);
    expect(outcome.acked).toBe(true);
    expect(slack.messages().map((message) => [message.text, message.edits])).toEqual([
      ['approved by <@U2>', 1],
      ['gate!', 0],
    ]);
    expect(slack.thread(ts).map((message) => message.text)).toEqual(['approved by <@U2>', 'node 1 done', 'gate!']);
    const found = await app.client.conversations.replies({ channel: 'C1', ts, include_all_metadata: true });
    expect(found.messages?.[0]).toMatchObject({ ts, metadata, reply_count: 2, bot_id: 'B0ZEITWORK' });
  });

  it('do nothing when the person says no in the confirm dialog', async () => {
    const slack = await slackWith();
    const app = await boltOn(slack);
    const confirm = {
      title: plain('Sure?'),
      text: plain('This stops it.'),
      confirm: plain('Stop'),
      deny: plain('Back'),
    };
    const button: Button = { type: 'button', action_id: 'stop', text: plain('Stop'), confirm };
    const { ts } = await app.client.chat.postMessage({
      channel: 'C1',
      text: 'x',
      blocks: [{ type: 'actions', elements: [button] }],
    });
    const before = slack.envelopes();
    expect(await slack.click('U1', ts ?? '', 'stop', { confirm: false })).toMatchObject({ error: 'cancelled' });
    expect(slack.envelopes()).toBe(before);
  });

  it('reach one person directly', async () => {
    const slack = await slackWith();
    const app = await boltOn(slack);
    const opened = await app.client.conversations.open({ users: 'U1' });
    await app.client.chat.postMessage({ channel: opened.channel?.id ?? '', text: 'Your upgrade ended.' });
    expect(slack.dms('U1').map((message) => message.text)).toEqual(['Your upgrade ended.']);
    expect(slack.dms('U2')).toEqual([]);
  });
});

describe('views', () => {
  it('open by a fresh trigger, come back with what was put in, and close', async () => {
    const slack = await slackWith();
    const submitted: unknown[] = [];
    const field = { type: 'plain_text_input', action_id: 'reason' } as const;
    const view: View = {
      type: 'modal',
      callback_id: 'freeze',
      title: plain('Freeze'),
      submit: plain('Freeze'),
      blocks: [{ type: 'input', block_id: 'why', label: plain('Reason'), element: field }],
    };
    await boltOn(slack, (app) => {
      app.command('/zeitwork', async ({ ack, command, client }) => {
        await ack();
        await client.views.open({ trigger_id: command.trigger_id, view });
      });
      app.view('freeze', async ({ ack, view }) => {
        submitted.push(view.state.values.why?.reason?.value);
        await ack();
      });
    });
    await slack.command('U1', '/zeitwork freeze');
    await until(slack, () => (slack.state.modals.get('U1')?.length ?? 0) > 0);
    expect(await slack.submit('U1', {})).toMatchObject({ acked: false, error: 'incomplete' });
    expect(await slack.submit('U1', { reason: 'the sale' })).toMatchObject({ acked: true });
    expect(submitted).toEqual(['the sale']);
    expect(slack.state.modals.get('U1')).toEqual([]);
  });

  it('of the Home tab are published when a person opens it', async () => {
    const slack = await slackWith();
    await boltOn(slack, (app) => {
      app.event('app_home_opened', async ({ event, client }) => {
        await client.views.publish({ user_id: event.user, view: { type: 'home', blocks: [section('The fleet')] } });
      });
    });
    await slack.openHome('U1');
    await until(slack, () => slack.state.homes.has('U1'));
    expect(slack.state.homes.get('U1')?.blocks).toHaveLength(1);
  });

  it('refuse a trigger that was already used', async () => {
    const slack = await slackWith();
    const errors: unknown[] = [];
    await boltOn(slack, (app) => {
      app.command('/zeitwork', async ({ ack, command, client }) => {
        await ack();
        const view: View = { type: 'modal', title: plain('One'), blocks: [section('x')] };
        await client.views.open({ trigger_id: command.trigger_id, view });
        await client.views
          .open({ trigger_id: command.trigger_id, view })
          .catch((error) => errors.push(error.data.error));
      });
    });
    await slack.command('U1', '/zeitwork upgrade');
    await expect.poll(() => errors).toEqual(['exchanged_trigger_id']);
  });
});

describe('what Slack allows only for a while', () => {
  it('is a trigger', async () => {
    const slack = await slackWith({ triggerLifeMs: 0 });
    const errors: unknown[] = [];
    await boltOn(slack, (app) => {
      app.command('/zeitwork', async ({ ack, command, client }) => {
        await ack();
        const view: View = { type: 'modal', title: plain('Late'), blocks: [section('x')] };
        await client.views
          .open({ trigger_id: command.trigger_id, view })
          .catch((error) => errors.push(error.data.error));
      });
    });
    await slack.command('U1', '/zeitwork upgrade');
    await expect.poll(() => errors).toEqual(['expired_trigger_id']);
  });

  it('is a response_url: five posts, the sixth is refused', async () => {
    const slack = await slackWith();
    const statuses: number[] = [];
    await boltOn(slack, (app) => {
      app.command('/zeitwork', async ({ ack, command }) => {
        await ack();
        for (let post = 0; post < 6; post += 1) {
          const headers = { 'content-type': 'application/json' };
          const response = await fetch(command.response_url, { method: 'POST', headers, body: '{"text":"again"}' });
          statuses.push(response.status);
        }
      });
    });
    await slack.command('U1', '/zeitwork status');
    await expect.poll(() => statuses).toEqual([200, 200, 200, 200, 200, 404]);
    expect(slack.ephemerals('U1')).toHaveLength(5);
  });
});

describe('events', () => {
  it('that nobody acknowledges come again, with their number, at most three times', async () => {
    const slack = await slackWith({ ackTimeoutMs: 60 });
    const client = new SocketModeClient({ appToken: slack.appToken, clientOptions: { slackApiUrl: slack.apiUrl } });
    open.push(() => client.disconnect());
    const numbers: unknown[] = [];
    client.on('app_mention', ({ retry_num, event }) => numbers.push([retry_num, event.text]));
    await client.start();
    await slack.say('U1', 'hello @zeitwork');
    await expect.poll(() => numbers.length).toBe(3);
    expect(numbers).toEqual([0, 1, 2].map((number) => [number, 'hello <@U0ZEITWORK|zeitwork>']));
    await slack.say('U1', 'nobody is meant');
    expect(slack.envelopes()).toBe(3);
  });
});

describe('trouble on the way', () => {
  it('429 with Retry-After is honoured by the client, and the message arrives once', async () => {
    const slack = await slackWith();
    const app = await boltOn(slack);
    slack.faults.rateLimitNext('chat.postMessage', 1, 1);
    const began = performance.now();
    await app.client.chat.postMessage({ channel: 'C1', text: 'late' });
    expect(performance.now() - began).toBeGreaterThan(950);
    expect(slack.messages().map((message) => message.text)).toEqual(['late']);
    expect(slack.calls.filter((call) => call.method === 'chat.postMessage').map((call) => call.error)).toEqual([
      'ratelimited',
      null,
    ]);
  });

  it('a lost reply makes a careless client post twice', async () => {
    const slack = await slackWith();
    const app = await boltOn(slack);
    slack.faults.dropReplyOf('chat.postMessage');
    await app.client.chat.postMessage({ channel: 'C1', text: 'twice' });
    expect(slack.messages().map((message) => message.text)).toEqual(['twice', 'twice']);
  });

  it('a client told to refresh comes back by itself', async () => {
    const slack = await slackWith();
    await boltOn(slack, (app) => app.command('/zeitwork', async ({ ack }) => ack()));
    slack.faults.disconnectSockets();
    expect(slack.connections()).toBe(0);
    await expect.poll(() => slack.connections(), { timeout: 10_000 }).toBe(1);
    expect(await slack.command('U1', '/zeitwork status')).toMatchObject({ acked: true });
  });

  it('while Slack is down nothing answers, and afterwards it does', async () => {
    const slack = await slackWith();
    slack.faults.down(true);
    await expect(fetch(`${slack.apiUrl}auth.test`, { method: 'POST' })).rejects.toThrow();
    slack.faults.down(false);
    expect((await fetch(`${slack.apiUrl}auth.test`, { method: 'POST' })).status).toBe(200);
  });
});
