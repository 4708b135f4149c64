import { describe, expect, it } from 'vitest';
import {
  foreign,
  gateReason,
  heldReason,
  linkTo,
  overrideWhy,
  person,
  toTerminal,
} from '../../../src/bot/views/text.ts';

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

it('an address can be pressed, in a terminal it can be read, and what is none stays text', () => {
  const at = 'https://status.example.com/i/42?a=1&b=2';
  const said = overrideWhy({ reason: 'certificates <expire>', incident: at });
  expect(said).toBe('certificates &lt;expire&gt; (<https://status.example.com/i/42?a=1&amp;b=2>)');
  expect(toTerminal(said)).toBe(`certificates <expire> (${at})`);
  for (const none of ['javascript:alert(1)', 'https://a.example/x|Approve', 'https://a.example/> <!channel>', 'INC-42'])
    expect(linkTo(none)).toBe(foreign(none));
});

describe('why a rollout is held', () => {
  it('mentions who asked for a rollback, and nobody whom a host names', () => {
    expect(heldReason('us-east was rolled back on request of U0ROSA')).toBe(
      'us-east was rolled back on request of <@U0ROSA>',
    );
    expect(heldReason('everything was rolled back on request of U0ROSA; meanwhile op-1 failed: <@U0VIC>')).toBe(
      'everything was rolled back on request of <@U0ROSA>; meanwhile op-1 failed: &lt;@U0VIC&gt;',
    );
    expect(heldReason('op-1: it was rolled back on request of U0VIC')).not.toContain('<@');
    expect(heldReason('op-1 was rolled back on request of cli:rosa')).not.toContain('<@');
    expect(gateReason({ reason: 'us-east was rolled back on request of U0ROSA' })).toContain('<@U0ROSA>');
  });
});
