import { isOpen } from '../../upgrade/rollout/index.ts';
import type { Rollout } from '../../upgrade/rollout/types.ts';
import { headline } from './ending.ts';
import { type Post, post } from './post.ts';
import { foreign, reason, when } from './text.ts';

/** Direct messages to the requester: at a gate, at a failure, at the end. Never for somebody at a command line. */
export function directPosts(rollout: Rollout): Post[] {
  if (!/^[UW][A-Z0-9]+$/.test(rollout.requester)) return [];
  return [...gates(rollout), ...holds(rollout), ...end(rollout)];
}

function gates(rollout: Rollout): Post[] {
  return rollout.batches.flatMap(({ region, approval, askedAt, approved }) => {
    if (!approval || askedAt === null) return [];
    const text =
      approved === null
        ? `${rollout.release.version}: *${foreign(region)}* waits for approval since ${when(askedAt)}.`
        : `${rollout.release.version}: *${foreign(region)}* was approved at ${when(approved.at)}.`;
    return [direct(rollout, `dm.gate.${region}.${Math.floor(askedAt / 1000)}`, text, approved !== null)];
  });
}

function holds(rollout: Rollout): Post[] {
  const { status } = rollout;
  if (status.is !== 'held') return [];
  const text = `${rollout.release.version} is *held* since ${when(status.at)}: ${reason(status.reason, 500)}`;
  return [direct(rollout, `dm.held.${rollout.run}.${Math.floor(status.at / 1000)}`, text, false)];
}

function end(rollout: Rollout): Post[] {
  return isOpen(rollout) ? [] : [direct(rollout, `dm.${rollout.status.is}.${rollout.run}`, headline(rollout), false)];
}

function direct(rollout: Rollout, key: string, text: string, onlyEdit: boolean): Post {
  return post(rollout, key, { is: 'dm', user: rollout.requester }, [{ is: 'lines', lines: [text] }], { onlyEdit });
}
