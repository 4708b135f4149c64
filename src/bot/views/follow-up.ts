import { followUpAt } from '../../upgrade/rollout/index.ts';
import type { Rollout } from '../../upgrade/rollout/types.ts';
import { headline } from './ending.ts';
import { goalOf } from './goal.ts';
import { called, type People } from './people.ts';
import { type Post, post } from './post.ts';
import { overrideWhy, when, who } from './text.ts';

/** Once, by day: a night on which windows were overridden is looked at again by those who did. `now` is epoch ms. */
export function followUpPosts(rollout: Rollout, people: People, now: number): Post[] {
  const { override, startedAt, status } = rollout;
  const due = followUpAt(rollout);
  if (due === null || now < due || override === null || startedAt === null || !('at' in status)) return [];
  const breakers = [override.by, ...(override.with === undefined ? [] : [override.with])].map(who).join(' and ');
  const lines = [
    `○ *Follow-up: windows were overridden for ${goalOf(rollout)}* at ${when(startedAt)} by ${breakers}: ${overrideWhy(override)}`,
    // Since then another rollout may have gone over it.
    `How it ended, at ${when(status.at)}: ${headline(rollout)}`,
    'To be written down where the incident is: what could not wait for the window, and what would keep it from happening again.',
    ...called(rollout, people),
  ];
  return [post(rollout, 'follow-up', { is: 'thread', broadcast: true }, [{ is: 'lines', lines }], { once: true })];
}
