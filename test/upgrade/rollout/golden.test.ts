import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isOpen, lift, next } from '../../../src/upgrade/rollout/index.ts';
import type { Event, Rollout } from '../../../src/upgrade/rollout/types.ts';
import { newImage, oldImage } from '../../support/rollouts.ts';
import { drive, type World, worldOf } from '../../support/simulation.ts';

interface Stored {
  name: string;
  now: number;
  stored: { format: number; rollout: unknown };
}

/** Written by the version that had the format; never written again. */
const golden = (format: number): Stored[] =>
  JSON.parse(readFileSync(join(import.meta.dirname, `../../golden/format-${format}.json`), 'utf8'));

/** The nodes as that version left them. */
function nodesOf(rollout: Rollout): World {
  const world = worldOf(rollout);
  for (const { name, state, touched, proof } of Object.values(rollout.nodes)) {
    const isNew = touched && !(state.is === 'working' && state.step === 'switch');
    world.image[name] = isNew ? newImage : oldImage;
    world.disk[name] = world.image[name];
    world.invocation[name] = proof ? Number(proof.invocation.slice(1)) : 0;
  }
  return world;
}

describe('what version 0.1.0 stored', () => {
  it.each(golden(1).map((each): [string, Stored] => [each.name, each]))(
    '%s: is read and brought to its end',
    (_name, { stored, now: from }) => {
      let rollout = lift(stored);
      const world = nodesOf(rollout);
      let now = from;
      const wasOpen = isOpen(rollout);
      for (let round = 0; round < 10 && isOpen(rollout); round += 1) {
        ({ rollout, now } = drive(rollout, world, { from: now }));
        const answers: Event[] = [
          { type: 'approved', at: now, phase: 'approval/eu-west', by: 'U-eu-west' },
          { type: 'approved', at: now, phase: 'approval/ap-south', by: 'U-ap-south' },
          { type: 'retried', at: now, by: 'U1', epoch: 0 },
        ];
        world.bad.clear();
        for (const answer of answers) rollout = next(rollout, answer);
      }
      expect(['done', 'rolled-back']).toContain(rollout.status.is);
      const image = rollout.status.is === 'done' ? newImage : oldImage;
      expect(new Set(Object.values(world.image))).toEqual(new Set([image]));
      expect(world.starts.length > 0).toBe(wasOpen);
    },
  );

  it('of a later format is refused with what to do', () => {
    expect(() => lift({ format: 3, rollout: {} })).toThrow(/format 3.*reads formats 1 to 2.*a newer one/);
  });
});
