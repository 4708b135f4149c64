import type { KnownBlock } from '@slack/types';
import type { DueNotice } from '../../upgrade/rollout/index.ts';
import type { Rollout } from '../../upgrade/rollout/types.ts';
import { message, type Part } from './parts.ts';

export type Place = { is: 'channel' } | { is: 'thread'; broadcast: boolean } | { is: 'dm'; user: string };

/** One message that should stand in the chat. */
export interface Post {
  /** The same message for ever: it is posted once and edited from then on. */
  key: string;
  place: Place;
  text: string;
  blocks: KnownBlock[];
  /** Only edits a message that stands there already. */
  onlyEdit: boolean;
  /** Says what was so when it was posted: it is never edited. */
  once: boolean;
  /** What stands there stays: its buttons go, and this is put below it, once. */
  closes: boolean;
  /** Key of the message that it leads to; null: it leads nowhere. */
  about: string | null;
  /** Not posted when a message whose key begins so says the same already. */
  unlessSaid: string | null;
  /** What is announced with it; whoever posts it tells that it stands there. */
  announces?: DueNotice;
}

export function post(
  rollout: Rollout,
  key: string,
  place: Place,
  parts: Part[],
  options: Partial<Pick<Post, 'onlyEdit' | 'once' | 'closes' | 'about' | 'unlessSaid' | 'announces'>> = {},
): Post {
  return {
    key,
    place,
    ...message(parts, `${key}.${rollout.revision}`),
    onlyEdit: options.onlyEdit ?? options.closes ?? false,
    closes: options.closes ?? false,
    once: options.once ?? false,
    about: options.about ?? null,
    unlessSaid: options.unlessSaid ?? null,
    ...(options.announces === undefined ? {} : { announces: options.announces }),
  };
}

/** The end of a message that is over: who decided what, below what it said. */
export function closing(rollout: Rollout, key: string, place: Place, line: string): Post {
  return post(rollout, key, place, [{ is: 'lines', lines: [line] }], { closes: true });
}
