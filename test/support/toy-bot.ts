import { App, LogLevel } from '@slack/bolt';
import type { Button, ConfirmationDialog, KnownBlock, PlainTextElement, View } from '@slack/types';
import type { Slack } from '../../sandbox/slack/start.ts';

const plain = (text: string): PlainTextElement => ({ type: 'plain_text', text });
const section = (text: string): KnownBlock => ({ type: 'section', text: { type: 'mrkdwn', text } });

const confirm: ConfirmationDialog = {
  title: plain('Approve eu-west?'),
  text: { type: 'mrkdwn', text: 'Three nodes go to *v2.0.0*, one at a time. The other regions stay as they are.' },
  confirm: plain('Approve eu-west'),
  deny: plain('Not yet'),
};

/** A bot of a few lines that shows every kind of thing the page must draw. */
export async function startToyBot(slack: Slack): Promise<App> {
  const app = new App({
    token: slack.botToken,
    appToken: slack.appToken,
    socketMode: true,
    logLevel: LogLevel.ERROR,
    clientOptions: { slackApiUrl: slack.apiUrl },
  });
  app.command('/zeitwork', async ({ ack, command, respond, client }) => {
    await ack();
    if (command.text === 'freeze') await client.views.open({ trigger_id: command.trigger_id, view: freezeModal });
    else if (command.text.startsWith('upgrade')) await post(app, command.user_id);
    else await respond({ text: `You typed \`${command.text}\`. Try \`/zeitwork upgrade v2.0.0\`.` });
  });
  app.action('approve', async ({ ack, body, client, respond }) => {
    await ack();
    if (body.type !== 'block_actions' || !body.message || !body.channel) return;
    const ts = body.message.ts;
    const text = 'Upgrade to v2.0.0: eu-west approved';
    const blocks = [...opening('eu-west runs'), section(`eu-west approved by <@${body.user.id}>`)];
    await client.chat.update({ channel: body.channel.id, ts, text, blocks });
    await client.chat.postMessage({
      channel: body.channel.id,
      thread_ts: ts,
      text: 'eu-west-1: *draining* 12 of 40 connections left',
    });
    await client.chat.postMessage({
      channel: body.channel.id,
      thread_ts: ts,
      text: '`eu-west-1`: done in 41 s, healthy for 30 s',
    });
    await respond({ text: 'Your approval is noted.', replace_original: false });
    await client.chat.postMessage({
      channel: body.user.id,
      text: 'You approved *eu-west*. I tell you here how it ends.',
    });
  });
  app.view('freeze', async ({ ack, view, client, body }) => {
    await ack();
    const reason = view.state.values.why?.reason?.value ?? '';
    await client.chat.postMessage({
      channel: slack.state.channel.id,
      text: `<@${body.user.id}> froze all upgrades: ${reason}`,
    });
  });
  app.event('app_home_opened', async ({ event, client }) => {
    await client.views.publish({ user_id: event.user, view: home });
  });
  await app.start();
  return app;
}

function opening(state: string): KnownBlock[] {
  return [
    { type: 'header', text: plain('Upgrade to v2.0.0') },
    section(
      `*v1.4.2* → *v2.0.0*, nine nodes, one at a time. ${state}.\n\`▰▰▰▱▱▱▱▱▱\` 3 of 9 · ends about <!date^1795000000^{date_short} {time}|22 Nov>`,
    ),
    {
      type: 'section',
      fields: [
        { type: 'mrkdwn', text: '*eu-west*\n◌ waiting for approval' },
        { type: 'mrkdwn', text: '*us-east*\n◌ waiting for window' },
      ],
    },
    {
      type: 'context',
      elements: [{ type: 'mrkdwn', text: 'Approvers: <!subteam^S1> · checks: sha256, `/health`, quorum' }],
    },
  ];
}

async function post(app: App, user: string): Promise<void> {
  const button = (id: string, text: string, extra: Partial<Button> = {}): Button => ({
    type: 'button',
    action_id: id,
    text: plain(text),
    value: 'r1',
    ...extra,
  });
  const elements = [
    button('approve', 'Approve eu-west', { style: 'primary', confirm }),
    button('pause', 'Pause'),
    button('stop', 'Stop', {
      style: 'danger',
      confirm: { ...confirm, title: plain('Stop?'), confirm: plain('Stop'), style: 'danger' },
    }),
  ];
  const blocks: KnownBlock[] = [...opening(`Asked for by <@${user}>`), { type: 'actions', elements }];
  const { ts, channel } = await app.client.chat.postMessage({ channel: 'C1', text: 'Upgrade to v2.0.0', blocks });
  if (!ts || !channel) throw new Error('the post has no timestamp');
  await app.client.chat.postMessage({
    channel,
    thread_ts: ts,
    reply_broadcast: true,
    text: '<!subteam^S1> eu-west waits for you: *Approve eu-west* is in the message above.',
  });
}

const freezeModal: View = {
  type: 'modal',
  callback_id: 'freeze',
  title: plain('Freeze upgrades'),
  submit: plain('Freeze'),
  close: plain('Cancel'),
  blocks: [
    section('No upgrade starts while a freeze holds. A running one goes on.'),
    {
      type: 'input',
      block_id: 'why',
      label: plain('Reason'),
      element: { type: 'plain_text_input', action_id: 'reason', placeholder: plain('the autumn sale') },
    },
    {
      type: 'input',
      block_id: 'where',
      label: plain('Where'),
      optional: true,
      element: {
        type: 'static_select',
        action_id: 'region',
        options: ['eu-west', 'us-east'].map((name) => ({ text: plain(name), value: name })),
      },
    },
  ],
};

const home: View = {
  type: 'home',
  blocks: [
    { type: 'header', text: plain('The fleet') },
    {
      type: 'section',
      text: { type: 'mrkdwn', text: '● *eu-west* v1.4.2 · 3 of 3 healthy' },
      accessory: { type: 'button', action_id: 'plan', text: plain('Upgrade…'), style: 'primary' },
    },
    { type: 'divider' },
    section('● *us-east* v1.4.2 · 3 of 3 healthy'),
  ],
};

/** Blocks beyond the plain ones, with text from a host that tries to be markup. */
export const record: KnownBlock[] = [
  {
    type: 'plan',
    title: 'Record of the upgrade',
    tasks: [
      { type: 'task_card', task_id: 't1', title: 'eu-west-1 upgraded', status: 'complete' },
      { type: 'task_card', task_id: 't2', title: 'eu-west-2 restarting', status: 'in_progress' },
    ],
  },
  {
    type: 'table',
    rows: [
      [
        { type: 'raw_text', text: 'node' },
        { type: 'raw_text', text: 'p99' },
      ],
      [
        { type: 'raw_text', text: '10.0.0.1' },
        { type: 'raw_text', text: '12 ms' },
      ],
    ],
  },
  section('stderr: ```&lt;b&gt;not bold&lt;/b&gt;``` and &lt;!channel&gt; <!channel>'),
];
