import { describe, expect, it } from 'vitest';
import { asked, isOpen, lift, next } from '../../../src/upgrade/rollout/index.ts';
import type { Event, NodeRun, Rollout } from '../../../src/upgrade/rollout/types.ts';
import { bodyOf, golden1, golden2, golden3 } from '../../support/golden.ts';
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
  ...golden3().map(([name, stored]): [string, number, Body] => [`in format 3, ${name}`, stored.now, bodyOf(stored)]),
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

  describe('by 0.1.0 keeps what it knew', () => {
    interface First {
      createdAt: number;
      lastNodeAt: number | null;
      batches: { region: string; bake: number; approval: boolean; watches: number; bakedAt: number | null }[];
    }
    const first = (name: string): First & Rollout => {
      const [, found] = golden1().find(([each]) => each === name) ?? [];
      if (!found) throw new Error(`there is no ${name}`);
      return structuredClone(found.stored.rollout) as First & Rollout;
    };
    const lifted = (rollout: object) => lift({ format: 1, rollout });

    it('of watches and approvals: how long, of which look on, and on what they were given', () => {
      const old = first('in the middle of the second region');
      const rollout = lifted(old);
      const watches = rollout.phases.flatMap((phase) => (phase.is === 'watch' ? [[phase.id, phase.for]] : []));
      expect(watches).toEqual([
        ['watch/us-east', 3_600_000],
        ['watch/eu-west', 3_600_000],
      ]);
      expect(rollout.looks['us-east']?.count).toBe(old.batches[0]?.watches);
      const given = rollout.phases.flatMap((phase) => (phase.is === 'approval' ? phase.given : []));
      expect(given).toMatchObject([{ by: 'U-eu-west', watched: old.batches[0]?.bakedAt }]);
    });

    it('of a region that was not to be watched but asked for: it is proven before the next one is asked for', () => {
      const old = first('at the gate of the second region');
      const rollout = lifted({ ...old, batches: old.batches.map((batch) => ({ ...batch, bake: 0 })) });
      expect(rollout.phases.map(({ id }) => id)).toContain('watch/eu-west');
    });

    it('of a try that was begun: its number is used up, and the node may be half changed', () => {
      const rollout = lifted(first('lost between the intent and the report of a switch'));
      const node = Object.values(rollout.nodes).find(({ state }) => state.is === 'working');
      expect(node).toMatchObject({ uncertain: true, begun: node?.attempt });
      const after = next(rollout, {
        type: 'begun',
        ...{ at: rollout.createdAt + 86_400_000, run: rollout.run, node: node?.name ?? '', step: 'switch' },
        attempt: node?.attempt ?? 0,
      } as Event);
      expect(after.nodes[node?.name ?? '']?.attempt).toBe((node?.attempt ?? 0) + 1);
    });

    it('of when its last node was finished and proven, and that an override ends', () => {
      const old = first('at the gate of the second region');
      const rollout = lifted({ ...old, override: { by: 'U1', reason: 'pager' } });
      expect(rollout.rest).toEqual({ ms: 0, at: old.lastNodeAt });
      const done = Object.values(rollout.nodes).filter(({ state }) => state.is === 'done');
      expect(done).toHaveLength(3);
      for (const { state, provenAt } of done) expect(provenAt).toBe('at' in state ? state.at : null);
      expect(rollout.override?.until).toBe(old.createdAt + 4 * 3_600_000);
    });
  });

  it('in a later format is refused with what to do', () => {
    expect(() => lift({ format: 4, rollout: {} })).toThrow(/format 4.*reads formats 1 to 3.*a newer one/);
  });
});
