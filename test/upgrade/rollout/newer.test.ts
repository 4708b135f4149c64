import { describe, expect, it } from 'vitest';
import { Refused } from '../../../src/base/errors.ts';
import { plan } from '../../../src/upgrade/rollout/index.ts';
import { fleetOf, inputOf, surveyOf } from '../../support/rollouts.ts';

const planWith = (version: string) => {
  const fleet = fleetOf();
  return plan(inputOf(fleet, { survey: surveyOf(fleet, { 'eu-west-op-2': { version } }) }));
};

describe('a plan', () => {
  it.each(['v2.0.1', 'v10.0.0', 'v2.1.0-rc.1'])('is refused when a node runs %s already', (version) => {
    expect(() => planWith(version)).toThrow(Refused);
    expect(() => planWith(version)).toThrow(/is older than what runs on eu-west-op-2/);
  });

  it.each(['v1.2.3.4', 'v3.0.0 or so', 'v3', '', `v${'9'.repeat(300)}.0.0`, '__proto__', 'v2.0.0-rc.1', 'v2.0.0'])(
    'is made although a node says that it is %j',
    (version) => {
      expect(planWith(version).id).toBe('r1');
    },
  );
});
