import type { Rollout } from '../../upgrade/rollout/types.ts';
import { directPosts } from './direct.ts';
import { endingPosts } from './ending.ts';
import { failurePosts } from './failure.ts';
import { gatePosts } from './gate.ts';
import { mainPost } from './main.ts';
import { nodePosts } from './node.ts';
import { type Post, post } from './post.ts';
import { schedulePosts } from './schedule.ts';
import { foreign, who } from './text.ts';
import { waitPosts } from './waits.ts';

export type { Place, Post } from './post.ts';

/** Everything that should stand in the chat, from the state alone: equal states give equal messages. */
export function posts(rollout: Rollout): Post[] {
  return [
    mainPost(rollout),
    ...schedulePosts(rollout),
    ...failurePosts(rollout),
    ...waitPosts(rollout),
    ...gatePosts(rollout),
    ...endingPosts(rollout),
    ...nodePosts(rollout),
    ...directPosts(rollout),
  ];
}

/**
 * What stands in the chat with buttons and is no longer part of the state (a failure that is being tried again): told
 * in one line, without buttons. `standing` are the keys of what was posted.
 */
export function outdated(rollout: Rollout, standing: string[]): Post[] {
  const current = new Set(posts(rollout).map(({ key }) => key));
  return standing.flatMap((key) => {
    const line = current.has(key) ? null : closingLine(rollout, key);
    if (line === null) return [];
    return [
      post(rollout, key, { is: 'thread', broadcast: true }, [{ is: 'lines', lines: [line] }], { onlyEdit: true }),
    ];
  });
}

function waitIsOver(key: string): string {
  const [, , name = ''] = key.split('.');
  return `The wait for *${foreign(name, 80)}* is over; the live message above says how it went on.`;
}

function closingLine({ status, run: now, unsigned }: Rollout, key: string): string | null {
  const [, gate] = /^gate\.(.+)\.\d+$/.exec(key) ?? [];
  const by = status.is === 'rolling-back' ? ` by ${who(status.by)}` : '';
  if (gate !== undefined && unsigned)
    return `*${foreign(gate, 80)}* is not being asked for before somebody adopts this rollout.`;
  if (gate !== undefined) return `*${foreign(gate, 80)}* is not being asked for any more: run ${now} goes another way.`;
  if (/^wait\./.test(key)) return waitIsOver(key);
  const [, kind, run, node] = /^(failed|stuck|finished|stopped)\.(\d+)(?:\.(.+))?$/.exec(key) ?? [];
  if (kind === undefined) return null;
  const named = node !== undefined && !node.startsWith('held-');
  const what = named
    ? `*${foreign(node, 80)}* ${kind === 'stuck' ? 'was stuck' : kind} in run ${run}`
    : `Run ${run} ${kind === 'failed' ? 'was held' : kind}`;
  return `${what}. That was decided since${by}: run ${now}, see the live message above.`;
}
