import { postMortemAt } from '../../upgrade/rollout/index.ts';
import type { Rollout } from '../../upgrade/rollout/types.ts';
import { headline } from './ending.ts';
import { goalOf } from './goal.ts';
import { ownerWords } from './owner.ts';
import { called, type People } from './people.ts';
import { type Post, post } from './post.ts';
import { foreign, sentence, when, who } from './text.ts';

/** Once, by day: whoever writes down what went wrong is reminded, or people are asked who does. `now` is epoch ms. */
export function postMortemPosts(rollout: Rollout, people: People, now: number): Post[] {
  const { status, owner, id } = rollout;
  const due = postMortemAt(rollout);
  if (due === null || now < due || !('at' in status)) return [];
  const asks =
    owner === undefined
      ? `who writes it down? \`/zeitwork own ${foreign(id, 60)}\``
      : `${who(owner.by)} wanted to write it down`;
  const lines = [
    `○ *What went wrong with ${goalOf(rollout)}* is to be written down; ${asks}`,
    // Since then another rollout may have gone over it.
    `How it ended, at ${when(status.at)}: ${headline(rollout)}`,
    `${sentence(ownerWords(rollout))}.`,
    ...(owner === undefined ? called(rollout, people) : [`Called: ${who(owner.by)}`]),
  ];
  return [post(rollout, 'post-mortem', { is: 'thread', broadcast: true }, [{ is: 'lines', lines }], { once: true })];
}
