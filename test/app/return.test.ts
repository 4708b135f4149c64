import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Ended } from '../../src/app/cli/exit.ts';
import { bringBack } from '../../src/app/return.ts';
import type { Fleet, Halt } from '../../src/upgrade/rollout/types.ts';
import type { ReturnParts } from '../../src/upgrade/steps/come-back.ts';
import { fleetOf } from '../support/rollouts.ts';
import { build } from '../upgrade/steps/little-node.ts';
import { binary, quickClock, Trial } from '../upgrade/steps/trial.ts';

const node = { name: 'us-east-op-1', region: 'us-east' };
const peers = ['us-east-op-2', 'us-east-op-3'].map((name) => ({ name, region: 'us-east' }));

// Every command is some seventy processes behind a login of its own; on a busy machine that adds up.
describe('a node that is brought back from a shell while somebody stops everything by a file', {
  timeout: 120_000,
}, () => {
  let trial: Trial;
  let said: Halt;
  beforeEach(async () => {
    trial = new Trial();
    said = { is: 'clear' };
    vi.spyOn(console, 'log').mockReturnValue();
    expect(await trial.go('stage', 'backup', 'switch', 'verify')).toMatchObject({ is: 'succeeded' });
  });
  afterEach(() => {
    vi.restoreAllMocks();
    trial.close();
  });

  const parts = (): ReturnParts => ({
    fleet: {
      ...fleetOf(),
      service: trial.plan.service,
      policy: trial.plan.policy,
      regions: [{ ...fleetOf().regions[0], name: 'us-east', nodes: [node, ...peers] }] as Fleet['regions'],
    },
    node,
    shell: trial.node,
    probe: {
      health: async (name) =>
        name === node.name ? trial.node.health() : { is: 'healthy', version: 'v1.0.0', hostname: null },
    },
    clock: quickClock(),
    signal: new AbortController().signal,
  });
  const lies = () => {
    said = { is: 'lies', reason: 'STOP lies on the worker of us-east (worker-1)' };
  };
  const ends = (isMeant: () => Promise<boolean>) => bringBack(parts(), async () => said, isMeant);

  it('is left as it is, also where the file comes while somebody is asked', async () => {
    const before = trial.node.snapshot();
    const meaning = async () => {
      lies();
      return true;
    };
    const ended = await ends(meaning).catch((error: unknown) => error);
    expect(ended).toBeInstanceOf(Ended);
    expect(ended).toMatchObject({ end: 'refused', message: expect.stringContaining('STOP lies on the worker') });
    expect(trial.node.snapshot()).toBe(before);
    expect(trial.node.read(binary)).toBe(build('v2.0.0'));
    await expect(ends(async () => true)).rejects.toThrow(/^Nothing was done: STOP lies/);
    said = { is: 'clear' };
    expect(await ends(async () => true)).toBe('done');
    expect(trial.node.read(binary)).toBe(build('v1.0.0'));
  });
});
