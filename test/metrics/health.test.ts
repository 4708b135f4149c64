import { describe, expect, it } from 'vitest';
import { lacksOf, type RoleName, redisPatience, type Vitals } from '../../src/metrics/health.ts';

const well = (roles: RoleName[], changes: Partial<Vitals> = {}): Vitals => ({
  roles,
  started: new Set(roles),
  redisAt: 1_000,
  slack: { isConnected: true, isAccepted: true },
  worker: { wrongClock: new Set(), behind: new Set() },
  ...changes,
});
const lacking = (vitals: Vitals, now = 1_000) => lacksOf(vitals, now).map(({ what, reason }) => `${what}: ${reason}`);

describe('readiness', () => {
  it.each<[RoleName[]]>([[['bot']], [['worker']], [['bot', 'worker']]])(
    'lacks nothing where all is well: %j',
    (roles) => {
      expect(lacking(well(roles))).toEqual([]);
    },
  );

  it.each<[string, Vitals, number, string[]]>([
    ['Redis never answered', well(['bot'], { redisAt: null }), 1_000, ['redis: Redis has not answered yet']],
    ['Redis just answered in time', well(['bot']), 1_000 + redisPatience, []],
    ['Redis is silent', well(['bot']), 13_000, ['redis: Redis has not answered for 12 s']],
    ['it is still starting', well(['worker'], { started: new Set() }), 1_000, ['worker: it has not started yet']],
    [
      'Slack is away',
      well(['bot'], { slack: { isConnected: false, isAccepted: true } }),
      1_000,
      ['bot: Slack is not connected'],
    ],
    [
      'the token is refused',
      well(['bot'], { slack: { isConnected: true, isAccepted: false } }),
      1_000,
      ['bot: Slack has not taken the token of the bot yet'],
    ],
    ['Slack is no business of a worker', well(['worker'], { slack: { isConnected: false, isAccepted: false } }), 0, []],
    [
      'the clock is wrong',
      well(['worker'], { worker: { wrongClock: new Set(['staging']), behind: new Set() } }),
      1_000,
      ['worker: its clock and that of Redis differ too much: it takes no jobs'],
    ],
    [
      'a newer version went on',
      well(['bot', 'worker'], { worker: { wrongClock: new Set(), behind: new Set(['staging']) } }),
      1_000,
      ['worker: a newer version went on with a rollout: it takes no jobs'],
    ],
  ])('says what is lacking: %s', (_, vitals, now, expected) => {
    expect(lacking(vitals, now)).toEqual(expected);
  });
});
