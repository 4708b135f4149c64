import { describe, expect, it } from 'vitest';
import { asked, isOpen, lift, next } from '../../../src/upgrade/rollout/index.ts';
import type { Event, NodeRun, Rollout } from '../../../src/upgrade/rollout/types.ts';
import { bodyOf, golden1, golden2 } from '../../support/golden.ts';
import { newImage, oldImage } from '../../support/rollouts.ts';
import { drive, type World, worldOf } from '../../support/simulation.ts';

type Body = { format: number; rollout: unknown };

/** Its switch was begun, and nobody reported: here it has not happened. */
const isBefore = ({ touched, state }: NodeRun) => !touched || (state.is === 'working' && state.step === 'switch');

/** The nodes as that version left them. */
function nodesOf(rollout: Rollout): World {
  const world = worldOf(rollout);
  for (const node of Object.values(rollout.nodes)) {
    const { name, proof, drained } = node;
    world.image[name] = isBefore(node) ? oldImage : newImage;
    world.disk[name] = world.image[name];
    world.invocation[name] = proof ? Number(proof.invocation.slice(1)) : 0;
    if (drained) world.out.add(name);
  }
  return world;
}

const bodies: [string, number, Body][] = [
  ...golden1().map(([name, { stored, now }]): [string, number, Body] => [`by 0.1.0, ${name}`, now, stored]),
  ...golden2().map(([name, stored]): [string, number, Body] => [`in format 2, ${name}`, stored.now, bodyOf(stored)]),
];

describe('what was stored', () => {
  it.each(bodies)('%s: is read and brought to its end', (_name, from, stored) => {
    let rollout = lift(stored);
    const world = nodesOf(rollout);
    let now = from;
    const wasOpen = isOpen(rollout);
    for (let round = 0; round < 10 && isOpen(rollout); round += 1) {
      ({ rollout, now } = drive(rollout, world, { from: now }));
      const answers: Event[] = [
        ...asked(rollout).map(({ id, title }): Event => ({ type: 'approved', at: now, phase: id, by: `U-${title}` })),
        { type: 'retried', at: now, by: 'U1', epoch: 0 },
      ];
      world.bad.clear();
      for (const answer of answers) rollout = next(rollout, answer);
    }
    expect(isOpen(rollout)).toBe(false);
    expect(world.out.size).toBe(0);
    expect(world.starts.length > 0).toBe(wasOpen && rollout.status.is !== 'stopped');
    for (const node of Object.values(rollout.nodes)) {
      expect(world.image[node.name], node.name).toBe(node.state.is === 'done' ? newImage : oldImage);
    }
    expect(['done', 'rolled-back', 'stopped']).toContain(rollout.status.is);
    const images = new Set(Object.keys(rollout.nodes).map((name) => world.image[name]));
    if (rollout.status.is !== 'stopped') expect(images.size).toBe(1);
  });

  it('in a later format is refused with what to do', () => {
    expect(() => lift({ format: 3, rollout: {} })).toThrow(/format 3.*reads formats 1 to 2.*a newer one/);
  });
});
