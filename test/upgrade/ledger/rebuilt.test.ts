import { describe, expect, it } from 'vitest';
import { emptyLedger, foundOn, rebuilt } from '../../../src/upgrade/ledger/index.ts';
import type { NodeSurvey } from '../../../src/upgrade/rollout/types.ts';
import { fleetOf, hours, newImage, oldImage, surveyOf, tuesday } from '../../support/rollouts.ts';

const env = 'e'.repeat(64);
const lies = { disk: oldImage, envSha256: env, backups: [] };
const whole: Partial<NodeSurvey> = { lies, held: tuesday };
const seenWith = (change: Partial<NodeSurvey>) =>
  surveyOf(fleetOf())
    .slice(0, 2)
    .map((seen, index) => ({ ...seen, ...whole, ...(index === 0 ? change : {}) }));
const [first = '', second = ''] = surveyOf(fleetOf()).map(({ node }) => node);
const is = { version: 'v1.0.0', sha256: oldImage, envSha256: env };

describe('what the nodes are found to be', () => {
  it('is what runs there and lies there, with the highest number that they know', () => {
    const seen = seenWith({ held: tuesday + 7 });
    expect(foundOn(seen, tuesday)).toEqual({
      found: { nodes: { [first]: is, [second]: is }, epoch: tuesday + 7 },
      leftOut: [],
    });
  });

  const faults: [string, Partial<NodeSurvey>, RegExp][] = [
    ['is sick', { healthy: false, detail: '503 starting' }, /^it is not healthy: 503 starting/],
    ['is not seen', { sha256: null, detail: 'ssh: away' }, /^what it runs is not seen: ssh: away/],
    ['has another binary on its disk', { lies: { ...lies, disk: newImage } }, /^another binary lies on its disk/],
    ['has a number from another world', { held: tuesday + hours(24 * 500) }, /^no run of ours had the number/],
  ];
  it.each(faults)('leaves out a node that %s, and says why', (_, change, why) => {
    const { found, leftOut } = foundOn(seenWith(change), tuesday);
    expect(Object.keys(found.nodes)).toEqual([second]);
    expect(found.epoch).toBe(tuesday);
    expect(leftOut).toEqual([{ node: first, why: expect.stringMatching(why) }]);
  });

  it('says so of a worker that does not tell what lies there', () => {
    const [{ lies: _, ...bare }] = seenWith({}) as [NodeSurvey];
    expect(foundOn([bare], tuesday).leftOut).toMatchObject([
      { why: expect.stringMatching(/^its worker does not tell/) },
    ]);
  });

  it('counts the number of a sick node, whose fence keeps older runs out as well', () => {
    expect(foundOn(seenWith({ healthy: false, held: tuesday + 9 }), tuesday).found.epoch).toBe(tuesday + 9);
  });
});

describe('a ledger that is made anew', () => {
  const found = { nodes: { [first]: is }, epoch: 41 };

  it('knows the nodes, and of no rollout that left them so', () => {
    expect(rebuilt(emptyLedger, found, 9)).toEqual({
      ...emptyLedger,
      nodes: { [first]: { ...is, at: 9, rollout: null } },
      epoch: 41,
    });
  });

  it('keeps what is known and still so, and never goes back to a lower number', () => {
    const left = { [first]: { ...is, at: 1, rollout: 'r1' }, [second]: { ...is, at: 1, rollout: 'r1' } };
    const before = { ...emptyLedger, nodes: left, epoch: 99 };
    expect(rebuilt(before, found, 9)).toEqual(before);
    const changed = rebuilt(before, { nodes: { [first]: { ...is, sha256: newImage } }, epoch: 100 }, 9);
    expect(changed.nodes).toEqual({ ...left, [first]: { ...is, sha256: newImage, at: 9, rollout: null } });
    expect(changed.epoch).toBe(100);
  });
});
