import { describe, expect, it } from 'vitest';
import { complaints, load, shortest } from './settings.ts';

const withChecks = (check: string) => `${shortest}checks:\n  - ${check}\n`;

describe('nodes that are compared', () => {
  const latency = 'name: latency, metrics: /metrics, rate: seconds_sum, per: seconds_count, over: 1m';
  const compared = (block: string, more = '') =>
    complaints(`${withChecks(`{ ${latency}, compare: true }`)}${block === '' ? '' : `compare: ${block}\n`}${more}`);

  it('need no limits, and come with what the guide says', () => {
    const { fleet } = load(withChecks(`{ ${latency}, compare: true }`));
    expect(fleet.checks?.[0]).toMatchObject({ compare: true, watch: null, bad: null });
    expect(fleet.compare).toEqual({ look: 30_000, before: 48 * 60_000, least: 24 * 60_000, margin: 1.2 });
  });

  it('are none where no check says so', () => {
    expect(load(withChecks(`{ ${latency}, bad: 1, compare: false }`)).fleet).not.toHaveProperty('compare');
    expect(complaints(withChecks(`{ ${latency}, compare: false }`))[0]).toContain('has no limit');
    expect(complaints(withChecks('{ name: log, journal: err, over: 1m, bad: 1, compare: true }'))[0]).toContain(
      'does not go with journal',
    );
  });

  it.each([
    ['{ before: 10m }', '', '10m is too short: at least 24m must be compared'],
    ['{ least: 48m, before: 40m }', '', '40m is too short: at least 48m must be compared'],
    [
      '',
      'policy: { bake: 20m }\n',
      'policy.bake (20m) is too short to compare anything: a region must be watched for 32m',
    ],
    ['{ before: 9h }', '', 'is longer than is kept: at most 4h with compare.look at 30s'],
    ['{ margin: 1 }', '', '1 is not a factor; write one above 1 and up to 10, like 1.2'],
    ['{ look: 10m }', '', 'is not a duration; write one from 100ms to 5m'],
  ])('are refused with %s %s', (block, more, words) => {
    expect(compared(block, more).join('\n')).toContain(words);
  });
});
