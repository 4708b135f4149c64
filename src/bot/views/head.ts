import type { Rollout } from '../../upgrade/rollout/types.ts';
import { endingPosts } from './ending.ts';
import { gatePosts } from './gate.ts';
import { type Post, post } from './post.ts';
import { foreign } from './text.ts';

/** The newest line of a rollout's journal: its number and its hash. */
export interface Head {
  revision: number;
  hash: string;
}

/**
 * Beside each approval that is asked for, and at the end, where the journal stood then: written down outside Redis,
 * where nobody who rewrites Redis can rewrite it. `zeitwork audit ROLLOUT --head` compares.
 */
export function headPosts(rollout: Rollout, head: Head | null): Post[] {
  if (head === null || rollout.unsigned) return [];
  const asked = gatePosts(rollout).filter(({ onlyEdit }) => !onlyEdit);
  return [...asked, ...endingPosts(rollout)].map(({ key }) =>
    post(rollout, `head.${key}`, { is: 'thread', broadcast: false }, [{ is: 'lines', lines: [line(rollout, head)] }], {
      once: true,
    }),
  );
}

const line = ({ id }: Rollout, head: Head): string =>
  `The journal stood at line ${head.revision}, \`${shortHash(head.hash)}\`. Whether that still holds: \`zeitwork audit ${foreign(id, 40)} --head ${head.revision}:${shortHash(head.hash)}\``;

const shortHash = (hash: string): string => hash.slice(0, 16);
