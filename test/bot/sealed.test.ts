import { describe, expect, it } from 'vitest';
import { readSealed, sealedBlocks, stillOffers } from '../../src/bot/sealed.ts';
import { gatePosts } from '../../src/bot/views/gate.ts';
import { knownNow, movedSince } from '../../src/bot/views/moved.ts';
import { asked, plan } from '../../src/upgrade/rollout/index.ts';
import type { Rollout } from '../../src/upgrade/rollout/types.ts';
import { inputOf, oneRegion, planned, tuesday } from '../support/rollouts.ts';
import { drive, worldOf } from '../support/simulation.ts';
import { seals } from './support.ts';

const place = { fleet: 'production', channel: 'C0' };
const action = 'zw:approve:approval/eu-west';

/** The blocks of the message that asks for eu-west. */
function gate(rollout: Rollout) {
  const [post] = gatePosts(rollout);
  if (!post) throw new Error('nothing is asked');
  return post.blocks;
}

describe('a sealed button', () => {
  const begin = planned({ bake: 0, pause: 0 }, { strategy: 'regions' });
  const { rollout } = drive(begin, worldOf(begin), { from: tuesday, until: (each) => asked(each).length > 0 });
  const [value] = sealedBlocks(gate(rollout), seals, place).flatMap((block) =>
    block.type === 'actions'
      ? block.elements.flatMap((each) => (each.type === 'button' && each.action_id === action ? [each.value] : []))
      : [],
  );
  const sealed = readSealed(value, action, seals, place);

  it('counts while the message says the same', () => {
    expect(sealed).not.toBeNull();
    expect(sealed !== null && stillOffers(gate(rollout), action, sealed)).toBe(true);
  });

  it.each<[string, (rollout: Rollout) => Rollout]>([
    ['another release', (each) => ({ ...each, release: { ...each.release, version: 'v6.6.6' } })],
    ['several at a time', (each) => ({ ...each, policy: { ...each.policy, atOnce: 3 } })],
  ])('does not once its words say otherwise: %s', (_, other) => {
    expect(sealed !== null && stillOffers(gate(other(rollout)), action, sealed)).toBe(false);
  });

  it.each(['r', 'g', 'v', 'f', 's', 'o'])('does not when its %s was changed', (key) => {
    const read = JSON.parse(value ?? '{}');
    const other = JSON.stringify({ ...read, [key]: typeof read[key] === 'number' ? read[key] + 1 : `${read[key]}x` });
    expect(readSealed(other, action, seals, place)).toBeNull();
  });
});

describe('what a button knows of the nodes', () => {
  const of = (nodes: number) => plan(inputOf(oneRegion(nodes, {})));
  const sick = (rollout: Rollout, ...names: string[]): Rollout => ({
    ...rollout,
    nodes: Object.fromEntries(
      Object.entries(rollout.nodes).map(([name, node]) => [
        name,
        names.includes(name) ? { ...node, sick: { reason: 'refused', at: tuesday } } : node,
      ]),
    ),
  });

  it('names exactly those that moved since, and how they are now', () => {
    const rollout = of(300);
    expect(
      movedSince(sick(rollout, 'op-007', 'op-300'), knownNow(rollout))?.map(([name, now]) => `${name} ${now}`),
    ).toEqual([expect.stringMatching(/^op-007 staging .* sick$/), expect.stringMatching(/^op-300 staging .* sick$/)]);
    expect(knownNow(rollout).length).toBeLessThan(1_400);
    expect(movedSince(rollout, knownNow(rollout))).toBeNull();
  });

  it('fits into a button however many they are, and then names none', () => {
    const rollout = of(301);
    expect(knownNow(rollout).length).toBeLessThan(100);
    expect(knownNow(sick(rollout, 'op-007'))).not.toBe(knownNow(rollout));
    expect(movedSince(sick(rollout, 'op-007'), knownNow(rollout))).toBeNull();
  });
});
