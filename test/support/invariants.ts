import assert from 'node:assert/strict';
import { serviceIn } from '../../src/base/sibling.ts';
import { nodesInOrder, releaseOf, turnOf } from '../../src/upgrade/rollout/index.ts';
import type { Event, Rollout, Task } from '../../src/upgrade/rollout/types.ts';
import { openInterval } from '../../src/windows/index.ts';
import { parts } from './parts.ts';
import { newImage } from './rollouts.ts';
import type { World } from './simulation.ts';

/** Asked millions of times in a long run: a matcher of the test runner costs as much as the core that is checked. */
const holds: (fact: unknown, what: string) => asserts fact = assert;

/** What must hold at every change (safety.md: 2, 5, 7, 8, 10, 11, 14, 16). */
export function checkStep(before: Rollout, after: Rollout, event: Event, world: World): void {
  const nodes = nodesInOrder(after);
  const working = nodes.filter(({ state }) => state.is === 'working');
  holds(working.length <= after.policy.atOnce, 'as many nodes at a time as the policy says');
  holds(after.epoch >= before.epoch, 'an epoch only rises');
  holds(after.run > before.run === after.epoch > before.epoch, 'a new run has a new epoch');
  for (const node of nodes) {
    const was = before.nodes[node.name];
    holds(node.attempt >= (was?.attempt ?? 0), `the number of a try only rises: ${node.name}`);
    if (node.state.is === 'done' && was?.state.is !== 'done') {
      holds(node.proof?.sha256 === releaseOf(after, node.name).binarySha256, `${node.name} is done with a proof`);
      holds(world.image[node.name] === newImage, `${node.name} is done and runs the release`);
    }
    // What is called untouched is what it was: the file on disk too, since a chance restart would bring it up.
    if (!node.touched) {
      const initial = world.initial[node.name];
      const isOld = world.image[node.name] === initial && world.disk[node.name] === initial;
      holds(isOld, `${node.name} is as it was, after ${event.type}`);
    }
    if (node.state.is === 'working' && node.state.direction === 'back')
      holds(node.touched || node.drained || node.failure !== null, `${node.name} has something to go back from`);
    if (!node.drained) holds(!world.out.has(node.name), `${node.name} serves, after ${event.type}`);
    const isLeft =
      ['working', 'stuck', 'unproven'].includes(node.state.is) || (node.state.is === 'ready' && node.touched);
    if (!isLeft) holds(!node.drained, `${node.name} is ${node.state.is} and in service`);
    if (node.state.is === 'ready' && node.state.notBefore === 0) holds(!node.touched, `${node.name} is not begun`);
  }
  if (after.status.is === 'done' && before.status.is !== 'done') {
    // Nobody can know more than a fresh look; what chance breaks after it is not our word.
    for (const node of nodes) holds(node.sick === null, `${node.name} is well at the end`);
    for (const node of nodes) holds(event.at - (node.provenAt ?? 0) <= 60_000, `${node.name} is proven at the end`);
  }
}

/** Nothing of a service is brought back while one that came after it has still to be, unless that was tried. */
function checkOrder(rollout: Rollout, { node }: Task): void {
  const { status, nodes } = rollout;
  if (status.is !== 'rolling-back' || !status.queue.includes(node)) return;
  const keys = [...new Set(nodesInOrder(rollout).map(({ name }) => serviceIn(name)))];
  const place = (name: string) => keys.indexOf(serviceIn(name));
  const later = status.queue.filter((name) => place(name) > place(node) && nodes[name]?.state.is !== 'stuck');
  holds(later.length === 0, `${node} goes back before ${later.join(', ')}`);
}

/** From a worker's intent to what it does, ms. */
export const workTakes = 500;

/** What must hold when a service is stopped (safety.md: 1, 3, 4, 6, 13, 16). */
export function checkStop(rollout: Rollout, task: Task, world: World, now: number): void {
  const stop = world.starts.at(-1);
  const node = rollout.nodes[task.node];
  // What may be half switched already is finished, whatever the window says: only the first intent obeys every gate.
  const isFirst = task.step === 'switch' && node?.touchedAt === now - workTakes;
  // What is out of service costs nobody anything; before it was changed it goes back there instead.
  const isOut = stop?.wasOut && !isFirst;
  holds(stop?.wasDown || isOut || (stop?.peersLeft ?? 0) >= rollout.policy.minimumHealthy, `quorum at ${task.id}`);
  const blinded = stop?.blindedLeft ?? null;
  const costs = blinded !== null && !stop?.wasDown && !isOut;
  holds(!costs || blinded >= rollout.policy.minimumHealthy, `quorum of what is blinded at ${task.id}`);
  if (task.step === 'restore') checkOrder(rollout, task);
  if (task.step !== 'switch') return;
  holds(turnOf(rollout, task.node).path.includes('switch'), `nothing was to be changed at ${task.id}`);
  const index = parts(rollout).findIndex(({ nodes }) => nodes.includes(task.node));
  const batch = parts(rollout)[index];
  if (!isFirst) return;
  holds(batch?.approval !== true || batch.approved !== null, `approved at ${task.id}`);
  if (batch?.approval)
    holds(batch.approved?.watched === parts(rollout)[index - 1]?.bakedAt, 'approved after its watch');
  holds(!nodesInOrder(rollout).some(({ state }) => state.is === 'staging'), 'all nodes are staged');
  holds(rollout.status.is === 'running', 'a node is begun while the rollout runs');
  holds(stop?.frozen === false, 'no freeze');
  holds(stop?.alerts.is === 'quiet', 'no alert');
  holds(!stop?.isFirstOfAll || stop.elsewhere.is !== 'unproven', 'proven elsewhere');
  holds(!stop?.isFirstThere || stop.compatibility.is !== 'refused', 'versions go together');
  const calendar = rollout.calendars[task.region];
  if (calendar) holds(openInterval(calendar, now - workTakes) !== null, 'the window is open');
  for (const other of nodesInOrder(rollout)) holds(other.sick === null, `${other.name} is known to be sick`);
}
