import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Slack, startSlack } from '../../sandbox/slack/start.ts';
import { workspaceOptions } from '../support/slack-workspace.ts';

let slack: Slack;

beforeAll(async () => {
  slack = await startSlack({ ...workspaceOptions(), scopes: ['chat:write'] });
});
afterAll(() => slack.close());

type Reply = { ok: boolean; error?: string; needed?: string; response_metadata?: { messages: string[] } };

async function call(method: string, args: object, token = slack.botToken): Promise<Reply> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const response = await fetch(slack.apiUrl + method, { method: 'POST', headers, body: JSON.stringify(args) });
  const reply: unknown = await response.json();
  if (typeof reply !== 'object' || reply === null || !('ok' in reply)) throw new Error('not an answer of Slack');
  return { ...reply, ok: reply.ok === true };
}

const plain = (length: number) => ({ type: 'plain_text', text: 'x'.repeat(length) });
const mrkdwn = (length: number) => ({ type: 'mrkdwn', text: 'x'.repeat(length) });
const many = <T>(count: number, make: (index: number) => T) => Array.from({ length: count }, (_, index) => make(index));
const button = (extra: object = {}) => ({ type: 'button', text: plain(5), ...extra });
const actions = (...elements: object[]) => ({ type: 'actions', elements });
const confirm = (extra: object) => ({ title: plain(5), text: mrkdwn(5), confirm: plain(3), deny: plain(2), ...extra });

const limits: [string, object[], string][] = [
  ['51 blocks', many(51, () => ({ type: 'divider' })), 'no more than 50 items allowed [json-pointer:/blocks]'],
  [
    'a header of 151',
    [{ type: 'header', text: plain(151) }],
    'must be less than 151 characters [json-pointer:/blocks/0/text/text]',
  ],
  [
    'a header in mrkdwn',
    [{ type: 'header', text: mrkdwn(5) }],
    'must be plain_text [json-pointer:/blocks/0/text/type]',
  ],
  [
    'a section of 3,001',
    [{ type: 'divider' }, { type: 'section', text: mrkdwn(3001) }],
    '[json-pointer:/blocks/1/text/text]',
  ],
  [
    'an empty section',
    [{ type: 'section', text: mrkdwn(0) }],
    'must be more than 0 characters [json-pointer:/blocks/0/text/text]',
  ],
  [
    'eleven fields',
    [{ type: 'section', fields: many(11, () => mrkdwn(1)) }],
    'no more than 10 items allowed [json-pointer:/blocks/0/fields]',
  ],
  ['a field of 2,001', [{ type: 'section', fields: [mrkdwn(2001)] }], '[json-pointer:/blocks/0/fields/0/text]'],
  [
    'eleven context elements',
    [{ type: 'context', elements: many(11, () => mrkdwn(1)) }],
    '[json-pointer:/blocks/0/elements]',
  ],
  ['26 buttons', [actions(...many(26, () => button()))], 'no more than 25 items allowed'],
  ['a button text of 76', [actions(button({ text: plain(76) }))], '[json-pointer:/blocks/0/elements/0/text/text]'],
  [
    'a button value of 2,001',
    [actions(button({ value: 'x'.repeat(2001) }))],
    '[json-pointer:/blocks/0/elements/0/value]',
  ],
  ['an unknown button style', [actions(button({ style: 'green' }))], 'must be one of: primary, danger'],
  ['a confirm title of 101', [actions(button({ confirm: confirm({ title: plain(101) }) }))], '/confirm/title/text]'],
  ['a confirm text of 301', [actions(button({ confirm: confirm({ text: mrkdwn(301) }) }))], '/confirm/text/text]'],
  ['a confirm button of 31', [actions(button({ confirm: confirm({ confirm: plain(31) }) }))], '/confirm/confirm/text]'],
  [
    'two elements of one action id',
    [actions(button({ action_id: 'a' }), button({ action_id: 'a' }))],
    'action_id "a" already exists',
  ],
  ['two blocks of one id', many(2, () => ({ type: 'divider', block_id: 'b' })), 'block_id "b" already exists'],
  ['a block id of 256', [{ type: 'divider', block_id: 'x'.repeat(256) }], '[json-pointer:/blocks/0/block_id]'],
  [
    'a table of 101 rows',
    [{ type: 'table', rows: many(101, () => [{ type: 'raw_text', text: '1' }]) }],
    '/blocks/0/rows]',
  ],
  ['an unknown block', [{ type: 'marquee' }], 'unsupported block type: marquee [json-pointer:/blocks/0/type]'],
];

describe('the limits of a message', () => {
  it.each(limits)('refuse %s', async (_name, blocks, problem) => {
    const reply = await call('chat.postMessage', { channel: 'C1', text: 'x', blocks });
    expect(reply).toMatchObject({ ok: false, error: 'invalid_blocks' });
    expect(reply.response_metadata?.messages.join('\n')).toContain(problem);
  });

  it('let everything through that is exactly at the limit', async () => {
    const blocks = [
      { type: 'header', text: plain(150) },
      { type: 'section', text: { type: 'mrkdwn', text: '😀'.repeat(3000) } },
      { type: 'context', elements: many(10, () => mrkdwn(1)) },
      actions(...many(25, (index) => button({ action_id: `a${index}`, text: plain(75) }))),
    ];
    expect(await call('chat.postMessage', { channel: 'C1', text: 'x'.repeat(4000), blocks })).toMatchObject({
      ok: true,
    });
  });

  it('count the whole message too', async () => {
    const blocks = many(5, () => ({ type: 'section', text: mrkdwn(2900) }));
    expect(await call('chat.postMessage', { channel: 'C1', text: 'x', blocks })).toMatchObject({
      error: 'msg_blocks_too_long',
    });
    expect(await call('chat.postMessage', { channel: 'C1', text: 'x'.repeat(4001) })).toMatchObject({
      error: 'msg_too_long',
    });
  });

  it('include the block types that a workspace does not have', async () => {
    slack.faults.refuseBlocks('plan');
    const blocks = [{ type: 'plan', title: 'Record', tasks: [] }];
    expect(await call('chat.postMessage', { channel: 'C1', text: 'x', blocks })).toMatchObject({
      error: 'invalid_blocks',
    });
    slack.faults.refuseBlocks();
    expect(await call('chat.postMessage', { channel: 'C1', text: 'x', blocks })).toMatchObject({ ok: true });
  });
});

describe('a modal', () => {
  it('is refused with a title of 25 characters', async () => {
    const view = { type: 'modal', title: plain(25), blocks: [] };
    const reply = await call('views.open', { trigger_id: 'x', view });
    expect(reply.response_metadata?.messages.join()).toContain('[json-pointer:/view/title/text]');
  });
});

describe('the door', () => {
  it.each([
    ['no such method', 'chat.shout', {}, 'bot', 'unknown_method'],
    ['an unknown token', 'auth.test', {}, 'xoxb-wrong', 'invalid_auth'],
    ['a bot token where an app token is due', 'apps.connections.open', {}, 'bot', 'not_allowed_token_type'],
    ['a scope that was not granted', 'users.info', { user: 'U1' }, 'bot', 'missing_scope'],
    ['a channel that is not there', 'chat.postMessage', { channel: 'C9', text: 'x' }, 'bot', 'channel_not_found'],
    [
      'a thread that is not there',
      'chat.postMessage',
      { channel: 'C1', text: 'x', thread_ts: '1.2' },
      'bot',
      'thread_not_found',
    ],
    ['an edit of nothing', 'chat.update', { channel: 'C1', text: 'x', ts: '1.2' }, 'bot', 'message_not_found'],
    ['a message without anything', 'chat.postMessage', { channel: 'C1' }, 'bot', 'no_text'],
  ])('refuses %s', async (_name, method, args, token, error) => {
    expect(await call(method, args, token === 'bot' ? slack.botToken : token)).toMatchObject({ ok: false, error });
  });

  it('tells the scopes in a header', async () => {
    const response = await fetch(`${slack.apiUrl}auth.test`, {
      method: 'POST',
      headers: { authorization: `Bearer ${slack.botToken}` },
    });
    expect(response.headers.get('x-oauth-scopes')).toBe('chat:write');
  });
});

describe('the notes', () => {
  it('keep blocks without text, and mentions of everybody that were not escaped', async () => {
    const section = (text: string) => ({ type: 'section', text: { type: 'mrkdwn', text } });
    await call('chat.postMessage', { channel: 'C1', blocks: [section('&lt;!channel&gt; is harmless')] });
    expect(slack.warnings.at(-1)).toContain('blocks without text');
    expect(slack.broadcasts).toEqual([]);
    await call('chat.postMessage', { channel: 'C1', text: 'x', blocks: [section('stderr: <!channel> boo')] });
    expect(slack.broadcasts).toEqual([{ method: 'chat.postMessage', mention: '@channel', text: 'x' }]);
  });
});
