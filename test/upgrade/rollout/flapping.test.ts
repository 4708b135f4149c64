import { expect, it } from 'vitest';
import { posts } from '../../../src/bot/views/posts.ts';
import { next, plan, watching, whyWaiting } from '../../../src/upgrade/rollout/index.ts';
import type { Rollout, Seen } from '../../../src/upgrade/rollout/types.ts';
import { fleetOf, inputOf, minutes, quiet, tuesday } from '../../support/rollouts.ts';
import { drive, worldOf } from '../../support/simulation.ts';

const sick = 'us-east-op-1';

/** The first region is finished, and is watched for ten minutes. */
function baking(): { rollout: Rollout; now: number } {
  const begun = plan(inputOf(fleetOf({ bake: minutes(10) }), { strategy: 'regions' }));
  return drive(begun, worldOf(begun), { from: tuesday, until: (rollout) => watching(rollout) !== null });
}

/** One look, at which one node answers so and the others are well. */
function looked(rollout: Rollout, at: number, standing: Seen['standing']): Rollout {
  const attempt = (rollout.looks['us-east']?.count ?? 0) + 1;
  const well: Seen = { standing: 'healthy', detail: 'healthy', proof: 'holds' };
  const seen = Object.fromEntries(
    (rollout.peers['us-east'] ?? []).map((name): [string, Seen] => [
      name,
      name === sick && standing !== 'healthy' ? { standing, detail: 'HTTP 503', proof: 'not asked' } : well,
    ]),
  );
  return next(rollout, { type: 'watched', at, run: rollout.run, region: 'us-east', attempt, seen, alerts: quiet });
}

/** The first instant behind these words, epoch ms; NaN when nothing is said. */
const said = (text: string, words: string): number =>
  Number(new RegExp(`${words} <!date\\^(\\d+)`).exec(text)?.[1]) * 1_000;

it.each(['down', 'unclear'] as const)(
  'a watch that a look cost its time (%s) does not say that it ends before now, nor sooner than it can',
  (standing) => {
    let { rollout, now } = baking();
    for (let turn = 0; turn <= 10; turn += 1) {
      now += minutes(1);
      rollout = looked(rollout, now, turn % 2 === 0 ? standing : 'healthy');
    }
    expect(rollout.status.is).toBe('running');
    const phase = watching(rollout);
    if (phase === null) throw new Error('it is not watched any more');
    const lacking = minutes(10) - (phase.healthy['us-east']?.ms ?? 0);
    const main = posts(rollout).find(({ key }) => key === 'main')?.text ?? '';
    for (const words of ['Watching us-east until', 'Next: eu-west-op-1, not before', 'Expected end:'])
      expect(said(main, words), words).toBeGreaterThanOrEqual(now + lacking - 1_000);
    const bake = whyWaiting(rollout, now).find(({ name }) => name === 'bake');
    expect(bake?.opensAt).toBeGreaterThanOrEqual(now + lacking);
  },
);
