import { expect, it } from 'vitest';
import { isHeldBeforeLooks } from '../../../src/upgrade/rollout/gates.ts';
import { gates } from '../../../src/upgrade/rollout/index.ts';
import { turns } from '../../../src/upgrade/rollout/phases.ts';
import type { Rollout } from '../../../src/upgrade/rollout/types.ts';
import { hours, minutes, noHalt, notWanted, planned, quiet, tuesday } from '../../support/rollouts.ts';

const rollout = planned({ pause: 0 }, { startAt: tuesday + hours(1) });
const [first = '', second = ''] = turns(rollout).flatMap(({ nodes }) => nodes);
const openEvidence = {
  sight: { down: false, unchanged: true },
  standing: Object.fromEntries((rollout.peers['us-east'] ?? []).map((name) => [name, 'healthy' as const])),
  ...{ freezes: [], alerts: quiet, elsewhere: notWanted, compatibility: notWanted, halt: noHalt },
};
const names = (of: Rollout, node: string, now: number) => gates(of, node, now).map(({ name }) => name);

it('what shut the gates a moment ago is asked anew the next moment, and of each node', () => {
  expect(names(rollout, first, tuesday)).toContain('schedule');
  expect(names(rollout, first, tuesday + hours(1) + minutes(1))).not.toContain('schedule');
  expect(names(rollout, first, tuesday)).toContain('schedule');
  expect(names(rollout, first, tuesday)).not.toContain('turn');
  expect(names(rollout, second, tuesday)).toContain('turn');
  expect(isHeldBeforeLooks(rollout, first, tuesday)).toBe(true);
});

it('of a rollout that somebody paused, other gates are shut than before', () => {
  expect(names(rollout, first, tuesday)).not.toContain('pause');
  const paused: Rollout = { ...rollout, status: { is: 'paused', by: 'U1', at: tuesday } };
  expect(names(paused, first, tuesday)).toContain('pause');
  expect(names(rollout, first, tuesday)).not.toContain('pause');
});

it('what is remembered of gates is nobody else’s to change', () => {
  gates(rollout, first, tuesday).length = 0;
  expect(names(rollout, first, tuesday)).toContain('schedule');
});

it('what was found out right before a stop is asked about, also where the same was just asked without it', () => {
  expect(names(rollout, first, tuesday)).not.toContain('halt');
  const said = { ...openEvidence, halt: { is: 'lies' as const, reason: 'somebody wants nothing to be done' } };
  expect(gates(rollout, first, tuesday, said).map(({ name }) => name)).toContain('halt');
  expect(gates(rollout, first, tuesday, openEvidence).map(({ name }) => name)).not.toContain('halt');
  expect(names(rollout, first, tuesday)).not.toContain('halt');
});

it('of other phases there are other turns', () => {
  const staged = turns(rollout).length;
  expect(staged).toBeGreaterThan(0);
  const fewer = { ...rollout, phases: rollout.phases.filter(({ is }) => is !== 'nodes') };
  expect(turns(fewer)).toEqual([]);
  const emptied = rollout.phases.map((phase) => (phase.is === 'nodes' ? { ...phase, nodes: [] } : phase));
  expect(turns({ phases: emptied }).flatMap(({ nodes }) => nodes)).toEqual([]);
  expect(turns(rollout)).toHaveLength(staged);
});
