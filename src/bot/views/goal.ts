import type { Rollout } from '../../upgrade/rollout/types.ts';

type Goal = Pick<Rollout, 'release' | 'change'>;

/** What a rollout is called in a sentence: `v2.0.0`, or `the restart of v1.1.0`. */
export const goalOf = ({ release, change }: Goal): string =>
  change === undefined ? release.version : `the restart of ${release.version}`;

/** The same where a sentence begins. */
export const goalFirst = (rollout: Goal): string =>
  rollout.change === undefined ? rollout.release.version : `The restart of ${rollout.release.version}`;

/** What it is called in a title, behind the name of the service. */
export const titleOf = ({ release, change }: Goal): string =>
  change === undefined ? release.version : `restart of ${release.version}`;

/** What is asked of the approvers of a part: may it … */
export const askedFor = ({ release, change }: Goal): string =>
  change === undefined ? `go to ${release.version}` : `be restarted (${release.version})`;

/** Where nodes are counted that it has finished: 3 of 9 nodes … */
export const reached = ({ release, change }: Goal): string =>
  change === undefined ? `on ${release.version}` : 'restarted';
