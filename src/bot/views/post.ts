import type { KnownBlock } from '@slack/types';
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
  /** Not posted when a message whose key begins so says the same already. */
  unlessSaid: string | null;
}

export function post(
  rollout: Rollout,
  key: string,
  place: Place,
  parts: Part[],
  options: { onlyEdit?: boolean; once?: boolean; unlessSaid?: string } = {},
): Post {
  return {
    key,
    place,
    ...message(parts, `${key}.${rollout.revision}`),
    onlyEdit: options.onlyEdit ?? false,
    once: options.once ?? false,
    unlessSaid: options.unlessSaid ?? null,
  };
}
