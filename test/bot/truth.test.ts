import { expect, it } from 'vitest';
import { asText, runCommand } from '../../src/bot/run.ts';
import { next } from '../../src/upgrade/rollout/index.ts';
import type { Event, NodeRun, RollbackScope, Rollout } from '../../src/upgrade/rollout/types.ts';
import { hours, minutes, newImage, planned, surveyOf, tuesday } from '../support/rollouts.ts';
import { drive, worldOf } from '../support/simulation.ts';
import { trial } from './support.ts';

const node = (rollout: Rollout, name: string): NodeRun => rollout.nodes[name] as NodeRun;
const back = (at: number, scope: RollbackScope): Event => ({ type: 'rollback-asked', at, by: 'U1', scope, epoch: 0 });
const waiting = () => {
  const start = planned({ pause: 0 });
  const world = worldOf(start);
  const d = drive(start, world, { from: tuesday });
  world.silent.add('us-east-op-2');
  const asked = next(d.rollout, back(d.now, { is: 'node', node: 'us-east-op-3' }));
  return drive(asked, world, {
    from: d.now,
    limit: 80,
    until: (r, at) => at > d.now + minutes(10) && !Object.values(r.nodes).some((n) => n.state.is === 'working'),
  });
};

it('why says what holds a rollback that waits for the quorum', async () => {
  const { rollout, now } = waiting();
  const here = trial();
  here.control.rollouts.set(rollout.id, rollout);
  here.clock.at = now;
  const text = asText(await runCommand(here.context, 'U0ROSA', 'why'));
  expect(text).toContain('would leave 1 healthy');
});
it('why NODE says what holds a rollback that waits for the quorum', async () => {
  const { rollout, now } = waiting();
  const here = trial();
  here.control.rollouts.set(rollout.id, rollout);
  here.clock.at = now;
  const text = asText(await runCommand(here.context, 'U0ROSA', 'why us-east-op-3'));
  expect(text).toContain('would leave 1 healthy');
});

it('why says what holds a rollout that is held over a node that was rolled back, and who opens it', async () => {
  const start = planned();
  const world = worldOf(start);
  world.bad.add('us-east-op-1');
  const back = (rollout: Rollout) => node(rollout, 'us-east-op-1').state.is === 'rolled-back';
  const { rollout, now } = drive(start, world, { from: tuesday, until: back });
  const here = trial();
  here.control.rollouts.set(rollout.id, rollout);
  here.clock.at = now;
  for (const typed of ['why', 'why us-east-op-1']) {
    const reply = await runCommand(here.context, 'U0ROSA', typed);
    expect(asText(reply)).toMatch(
      /↩ rolled back\n• state: us-east-op-1: .*\. Opened by whoever may retry or roll back/,
    );
    expect(reply.facts?.gates).toContainEqual(expect.objectContaining({ gate: 'state', opensAt: null }));
  }
});
it('why does not say of what goes on by itself that it does not', async () => {
  const start = planned();
  const here = trial();
  here.control.rollouts.set(start.id, start);
  here.clock.at = tuesday;
  expect(asText(await runCommand(here.context, 'U0ROSA', 'why'))).toMatch(/• staged: .*; when is not known$/m);
});

it('rollback all after Redis was put back to before the last rollout does not take the one before it without a word', async () => {
  // r0: v1 -> v2, done. Then r1 (v3) ran and reached 3 nodes; Redis was put back to before r1.
  const start = planned({ pause: 0 });
  const d = drive(start, worldOf(start), { from: tuesday });
  const here = trial();
  here.control.rollouts.set(d.rollout.id, d.rollout);
  here.clock.at = d.now + hours(24 * 30);
  const v3 = { version: 'v3.0.0', sha256: 'f'.repeat(64) };
  const v2 = { version: 'v2.0.0', sha256: newImage };
  here.control.looks = surveyOf(here.context.fleet).map((each, i) => ({ ...each, ...(i < 3 ? v3 : v2) }));
  const reply = asText(await runCommand(here.context, 'U0ROSA', 'rollback all'));
  const status = here.control.rollouts.get(d.rollout.id)?.status.is;
  expect({ reply, status }, reply).toMatchObject({ status: 'done' });
});

it('the answer to a second rollback says what will be done', async () => {
  const start = planned({ pause: 0 });
  const d = drive(start, worldOf(start), { from: tuesday });
  const here = trial();
  here.control.rollouts.set(d.rollout.id, d.rollout);
  here.clock.at = d.now;
  here.control.looks = surveyOf(here.context.fleet).map((each) => ({ ...each, version: 'v2.0.0', sha256: newImage }));
  await runCommand(here.context, 'U0ROSA', 'rollback us-east');
  const reply = asText(await runCommand(here.context, 'U0ROSA', 'rollback eu-west'));
  const status = here.control.rollouts.get(d.rollout.id)?.status;
  expect(status?.is === 'rolling-back' ? status.queue.length : 0, reply).toBe(6);
});

/** Redis was put back to its middle: the state knows two nodes, the third was switched and proven since. */
const rewound = () => {
  const start = planned();
  const world = worldOf(start);
  const two = drive(start, world, { from: tuesday, until: (r) => node(r, 'us-east-op-2').state.is === 'done' });
  const three = drive(two.rollout, world, { from: two.now, until: (r) => node(r, 'us-east-op-3').state.is === 'done' });
  expect(world.image['us-east-op-3']).toBe(newImage);
  return { world, rollout: two.rollout, now: three.now };
};

it('the verbs of a rollout that was put back say what the nodes really run', async () => {
  const { rollout, now } = rewound();
  const here = trial();
  here.control.rollouts.set(rollout.id, rollout);
  here.clock.at = now;
  const v2 = { version: 'v2.0.0', sha256: newImage };
  here.control.looks = surveyOf(here.context.fleet).map((each, i) => ({ ...each, ...(i < 3 ? v2 : {}) }));
  const reply = asText(await runCommand(here.context, 'U0ROSA', 'rollback all'));
  expect(reply).toMatch(/us-east-op-3|3 on v2\.0\.0/);
});
