import { asked, next } from '../../src/upgrade/rollout/index.ts';
import type { Event, Rollout } from '../../src/upgrade/rollout/types.ts';
import { drive, type World } from './simulation.ts';

/** What somebody says once, as soon as it fits. */
export interface Said {
  when(rollout: Rollout, world: World): boolean;
  says(rollout: Rollout, at: number, world: World): Event | null;
}

/**
 * How it goes on, change by change, when `script` is said, whatever is asked gets its yes, and what was paused or failed goes
 * on. `alone`: only what the script says is said.
 */
export function* onwards(
  begin: Rollout,
  world: World,
  from: number,
  { script = [], alone = false, most = 400 }: { script?: Said[]; alone?: boolean; most?: number } = {},
): Generator<{ rollout: Rollout; now: number }> {
  const left = [...script];
  let at = { rollout: begin, now: from };
  for (let step = 0; step < most; step++) {
    const { rollout } = at;
    const now = at.now + 1_000;
    const turn = left.findIndex(({ when }) => when(rollout, world));
    const [said] = turn < 0 ? [] : left.splice(turn, 1);
    const event = said === undefined ? (alone ? null : answerTo(rollout, now)) : said.says(rollout, now, world);
    if (said !== undefined && event === null) continue;
    const after = event === null ? rollout : next(rollout, event);
    at =
      after === rollout
        ? drive(rollout, world, { from: at.now, limit: 1 })
        : { rollout: after, now: Math.max(now, event?.at ?? 0) };
    if (at.rollout === rollout) return;
    at = { ...at, rollout: { ...at.rollout, revision: rollout.revision + 1 } };
    yield at;
  }
}

function answerTo(rollout: Rollout, at: number): Event | null {
  const by = 'U0OTTO';
  if (rollout.status.is === 'paused') return { type: 'resumed', at, by };
  if (rollout.status.is === 'held') return { type: 'retried', at, by, epoch: at };
  const [phase] = asked(rollout);
  // Whoever said yes already is not counted twice.
  return phase === undefined ? null : { type: 'approved', at, phase: phase.id, by: `U0INES${phase.given.length}` };
}
