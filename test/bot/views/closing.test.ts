import { expect, it } from 'vitest';
import { closed } from '../../../src/bot/views/closing.ts';
import { message } from '../../../src/bot/views/parts.ts';

const reference = { r: 'r1', g: '', v: 3 };
const shown = message(
  [
    { is: 'title', text: 'v2.0.0: held' },
    { is: 'lines', lines: ['✗ *op-1 failed*: 503', 'It runs v1.0.0 again.'] },
    { is: 'code', text: 'panic' },
    { is: 'note', text: 'Rollout r1' },
    { is: 'buttons', buttons: [{ label: 'Retry', action: 'retry', reference, typed: 'retry' }] },
  ],
  'failed.3',
);
const line = '→ Tried again by <@U1>';

it('keeps all that was said, drops the buttons also where they are typed, and ends with the line', () => {
  const { text, blocks } = closed(shown, line);
  expect(text).toBe(
    'v2.0.0: held\n✗ *op-1 failed*: 503\nIt runs v1.0.0 again.\n```\npanic\n```\nRollout r1\n→ Tried again by <@U1>',
  );
  expect(blocks.map(({ type }) => type)).toEqual(['header', 'section', 'section', 'context', 'section']);
});

it('changes nothing when it is done again, after an edit that nobody noted', () => {
  const once = closed(shown, line);
  expect(closed(once, line)).toEqual(once);
});

it('adds the line once to a message whose blocks were refused', () => {
  const once = closed({ text: 'held', blocks: [] }, line);
  expect(once).toEqual({ text: `held\n${line}`, blocks: [] });
  expect(closed(once, line)).toEqual(once);
});

it('keeps within what Slack takes, and never cuts the line', () => {
  const long = message([{ is: 'lines', lines: Array.from({ length: 90 }, (_, at) => `${at} ${'x'.repeat(90)}`) }], 'a');
  const { text, blocks } = closed({ text: '', blocks: Array.from({ length: 50 }, () => long.blocks).flat() }, line);
  expect(text.length).toBeLessThanOrEqual(3_800);
  expect(text.endsWith(`\n${line}`)).toBe(true);
  expect(blocks).toHaveLength(50);
});
