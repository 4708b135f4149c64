import { expect, it } from 'vitest';
import { gateReason, person } from '../../../src/bot/views/text.ts';

it('whoever a gate names is mentioned, and nobody whose id only stands in its words', () => {
  expect(gateReason({ reason: 'paused', by: 'U0ROSA' })).toBe('paused by <@U0ROSA>');
  expect(gateReason({ reason: 'paused', by: 'cli:rosa' })).toBe('paused by cli:rosa');
  expect(gateReason({ reason: 'alerts fire for us-east: US1, U0ROSA <!channel>' })).toBe(
    'alerts fire for us-east: US1, U0ROSA &lt;!channel&gt;',
  );
});

it('a person who stands where a name may stand is mentioned, and a name is not', () => {
  expect(['U0ROSA', 'the platform team of US1', 'whoever may resume'].map((each) => person(each))).toEqual([
    '<@U0ROSA>',
    'the platform team of US1',
    'whoever may resume',
  ]);
});
