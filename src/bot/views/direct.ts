import { approvals, endOf, isOpen, sinceOf } from '../../upgrade/rollout/index.ts';
import type { Rollout } from '../../upgrade/rollout/types.ts';
import { headline } from './ending.ts';
import { decided, gateKey } from './gate.ts';
import { closing, type Post, post } from './post.ts';
import { foreign, reason, when } from './text.ts';

/** Direct messages to the requester: at a gate, at a failure, at the end. Never for somebody at a command line. */
export function directPosts(rollout: Rollout): Post[] {
  if (!/^[UW][A-Z0-9]+$/.test(rollout.requester)) return [];
  return [...gates(rollout), ...holds(rollout), ...end(rollout)];
}

function gates(rollout: Rollout): Post[] {
  return approvals(rollout).flatMap((phase) => {
    const [since, end] = [sinceOf(phase), endOf(phase)];
    if (since === null) return [];
    const key = `dm.${gateKey(phase, since)}`;
    if (end !== null) return [closing(rollout, key, { is: 'dm', user: rollout.requester }, decided(rollout, phase))];
    const text = `${rollout.release.version}: *${foreign(phase.title)}* waits for approval since ${when(since)}.`;
    return [direct(rollout, key, text)];
  });
}

function holds(rollout: Rollout): Post[] {
  const { status } = rollout;
  if (status.is !== 'held') return [];
  const text = `${rollout.release.version} is *held* since ${when(status.at)}: ${reason(status.reason, 500)}`;
  return [direct(rollout, `dm.held.${rollout.run}.${Math.floor(status.at / 1000)}`, text)];
}

function end(rollout: Rollout): Post[] {
  return isOpen(rollout) ? [] : [direct(rollout, `dm.${rollout.status.is}.${rollout.run}`, headline(rollout))];
}

function direct(rollout: Rollout, key: string, text: string): Post {
  return post(rollout, key, { is: 'dm', user: rollout.requester }, [{ is: 'lines', lines: [text] }]);
}
