import { describe, expect, it } from 'vitest';
import { gates, isOpen, next, nextNode, todo } from '../../../src/upgrade/rollout/index.ts';
import type { Event } from '../../../src/upgrade/rollout/types.ts';
import { Run, scenario } from '../../support/chance.ts';
import { fc } from '../../support/fast-check.ts';
import { drive } from '../../support/simulation.ts';

/** What people do in the end, in turn: they mend machines, try again, and in the end go back or stop. */
const answers = (run: Run, round: number): Event[] => {
  const at = run.now;
  const approvals = run.rollout.phases.flatMap((phase): Event[] =>
    phase.is === 'approval' ? [{ type: 'approved', at, phase: phase.id, by: 'U-ana' }] : [],
  );
  const goOn: Event[] = [{ type: 'resumed', at, by: 'U1' }, { type: 'retried', at, by: 'U1', epoch: 0 }, ...approvals];
  if (round < 12) return goOn;
  const back: Event = { type: 'rollback-asked', at, by: 'U1', scope: { is: 'all' }, epoch: 0 };
  return round < 24 ? [back, ...goOn] : [{ type: 'stopped', at, by: 'U1' }];
};

/** Whenever it stands still, somebody can see why: it is held, asked for, waited for, or a gate says so. */
function isSeen(run: Run): boolean {
  const { rollout, now } = run;
  if (rollout.status.is !== 'running') return true;
  const node = nextNode(rollout);
  return (
    node === null || gates(rollout, node.name, now).length > 0 || node.held !== null || todo(rollout, now).length > 0
  );
}

/** Machines are mended by people, builds are not: it ends in bounded time (safety.md, liveness; 15). */
function comesToAnEnd(run: Run): void {
  run.world.freezes = [];
  run.world.alerts = { is: 'quiet' };
  for (let round = 0; round < 40 && isOpen(run.rollout); round++) {
    const { rollout, now } = drive(run.rollout, run.world, { from: run.now, limit: 400 });
    run.rollout = rollout;
    run.now = now + 1;
    expect(isSeen(run)).toBe(true);
    if (!isOpen(rollout)) break;
    if (round % 2 === 0) run.mend();
    for (const event of answers(run, round)) run.apply(event);
  }
  expect(['done', 'rolled-back', 'stopped'], JSON.stringify(run.rollout.status)).toContain(run.rollout.status.is);
}

const runs = Number(process.env.RUNS ?? 2_000);

describe('a rollout under faults', () => {
  it('keeps every invariant and comes to an end, over 2,000 seeded runs', { timeout: 600_000 + 600 * runs }, () => {
    fc.assert(
      fc.property(scenario, (chance) => {
        const run = new Run(chance);
        for (const one of chance.moves) run.step(one);
        comesToAnEnd(run);
      }),
      { numRuns: runs, endOnFailure: process.env.SHRINK === undefined },
    );
  });

  it('takes any event twice as once', () => {
    fc.assert(
      fc.property(scenario, (chance) => {
        const run = new Run(chance);
        for (const one of chance.moves) run.step(one);
        for (const event of run.sent.slice(-20)) {
          const once = next(run.rollout, event);
          expect(next(once, event)).toBe(once);
        }
      }),
      { numRuns: 100, endOnFailure: true },
    );
  });
});
