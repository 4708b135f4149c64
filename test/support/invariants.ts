import { expect } from 'vitest';
import { nodesInOrder } from '../../src/upgrade/rollout/index.ts';
import type { Event, Rollout, Task } from '../../src/upgrade/rollout/types.ts';
import { openInterval } from '../../src/windows/index.ts';
import { parts } from './parts.ts';
import { newImage } from './rollouts.ts';
import type { World } from './simulation.ts';

/** What must hold at every change (safety.md: 2, 5, 7, 8, 10, 11, 14, 16). */
export function checkStep(before: Rollout, after: Rollout, event: Event, world: World): void {
  const nodes = nodesInOrder(after);
  expect(nodes.filter(({ state }) => state.is === 'working').length).toBeLessThanOrEqual(1);
  expect(after.epoch).toBeGreaterThanOrEqual(before.epoch);
  expect(after.run > before.run).toBe(after.epoch > before.epoch);
  for (const node of nodes) {
    const was = before.nodes[node.name];
    expect(node.attempt).toBeGreaterThanOrEqual(was?.attempt ?? 0);
    if (node.state.is === 'done' && was?.state.is !== 'done') {
      expect(node.proof?.sha256).toBe(after.release.binarySha256);
      expect(world.image[node.name]).toBe(newImage);
    }
    // What is called untouched is what it was: the file on disk too, since a chance restart would bring it up.
    if (!node.touched) {
      const initial = world.initial[node.name];
      const now = [world.image[node.name], world.disk[node.name]];
      expect(now, `${node.name} after ${event.type}`).toEqual([initial, initial]);
    }
    if (node.state.is === 'working' && node.state.direction === 'back')
      expect(node.touched || node.drained || node.failure !== null).toBe(true);
    if (!node.drained) expect(world.out.has(node.name), `${node.name} serves, after ${event.type}`).toBe(false);
    const isLeft =
      ['working', 'stuck', 'unproven'].includes(node.state.is) || (node.state.is === 'ready' && node.touched);
    if (!isLeft) expect(node.drained, `${node.name} is ${node.state.is}`).toBe(false);
    if (node.state.is === 'ready' && node.state.notBefore === 0) expect(node.touched).toBe(false);
  }
  if (after.status.is === 'done' && before.status.is !== 'done') {
    // Nobody can know more than a fresh look; what chance breaks after it is not our word.
    for (const node of nodes) expect(node.sick).toBeNull();
    for (const node of nodes) expect(event.at - (node.provenAt ?? 0)).toBeLessThanOrEqual(60_000);
  }
}

/** From a worker's intent to what it does, ms. */
export const workTakes = 500;

/** What must hold when a service is stopped (safety.md: 1, 3, 4, 6, 13, 16). */
export function checkStop(rollout: Rollout, task: Task, world: World, now: number): void {
  const stop = world.starts.at(-1);
  expect(stop?.wasDown || (stop?.peersLeft ?? 0) >= rollout.policy.minimumHealthy, `quorum at ${task.id}`).toBe(true);
  if (task.step !== 'switch') return;
  const index = parts(rollout).findIndex(({ nodes }) => nodes.includes(task.node));
  const batch = parts(rollout)[index];
  const node = rollout.nodes[task.node];
  // What may be half switched already is finished, whatever the window says: only the first intent obeys every gate.
  const isFirst = node?.touchedAt === now - workTakes;
  if (!isFirst) return;
  expect(batch?.approval === true && batch.approved === null).toBe(false);
  if (batch?.approval) expect(batch.approved?.watched).toBe(parts(rollout)[index - 1]?.bakedAt);
  expect(nodesInOrder(rollout).filter(({ state }) => state.is === 'staging')).toEqual([]);
  expect(rollout.status.is).toBe('running');
  expect(stop?.frozen).toBe(false);
  const calendar = rollout.calendars[task.region];
  if (calendar) expect(openInterval(calendar, now - workTakes)).not.toBeNull();
  for (const other of nodesInOrder(rollout)) expect(other.sick, `${other.name} is known to be sick`).toBeNull();
}
