import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Fleet } from '../../../src/upgrade/rollout/types.ts';
import { comeBack, findWayBack } from '../../../src/upgrade/steps/come-back.ts';
import { fleetOf } from '../../support/rollouts.ts';
import { binary, Trial } from './trial.ts';

let trial: Trial;
beforeEach(() => {
  trial = new Trial();
});
afterEach(() => trial.close());

/** Brings the node back with nothing but what lies on it; `body` is the program that puts it into service again. */
async function goBack(body: string) {
  const program = trial.node.path('bin/balancer');
  trial.node.write('bin/balancer', `#!/bin/sh\necho "$*" >>${trial.node.path('calls')}\n${body}\n`, 0o755);
  await trial.go('stage', 'backup', 'switch', 'verify');
  const traffic = { drain: [program, 'out'], undrain: [program, 'in', '{name}'], limit: 60_000 };
  const fleet: Fleet = { ...fleetOf(), policy: trial.plan.policy, service: { ...trial.plan.service, traffic } };
  const way = await findWayBack({
    fleet,
    node: { name: 'us-east-op-1', region: 'us-east' },
    shell: trial.node,
    probe: trial.node,
    clock: trial.clock,
    signal: new AbortController().signal,
  });
  if ('is' in way) throw new Error(JSON.stringify(way));
  return comeBack(way);
}

describe('a node that is brought back without its rollout', () => {
  it('is put into service again, asking until its balancer finds it healthy', async () => {
    const before = trial.node.read(binary);
    expect(
      await goBack(`[ "$(wc -l <${trial.node.path('calls')})" -ge 3 ] || { echo finds it DOWN; exit 75; }`),
    ).toEqual({
      is: 'succeeded',
      facts: {},
    });
    expect(trial.node.read(binary)).toBe(before);
    expect(trial.node.read('calls')).toBe('in us-east-op-1\n'.repeat(3));
  });

  it('is told to be out of service when that does not end within the limit', async () => {
    expect(await goBack('echo finds it DOWN; exit 75')).toMatchObject({ is: 'later', reason: 'finds it DOWN' });
    expect(trial.node.read('calls').split('\n').length).toBeGreaterThan(20);
  });
});
