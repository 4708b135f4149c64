import { isOpen, nodesInOrder, waitsForWindows } from '../../upgrade/rollout/index.ts';
import type { Rollout } from '../../upgrade/rollout/types.ts';
import type { Freeze } from '../../windows/types.ts';
import { type Post, post } from './post.ts';
import { serving } from './serving.ts';
import { foreign, names, person, when } from './text.ts';

/** A declared freeze that keeps this rollout from beginning nodes is told in its thread, wherever it was declared. */
export function frozenPosts(rollout: Rollout): Post[] {
  if (!isOpen(rollout) || !waitsForWindows(rollout)) return [];
  const left = new Set(nodesInOrder(rollout).flatMap(({ region, state }) => (state.is === 'ready' ? [region] : [])));
  const found = new Map<string, { freeze: Freeze; regions: string[] }>();
  for (const [region, { freezes = [] }] of Object.entries(rollout.looks)) {
    for (const freeze of freezes) {
      if (freeze.id === undefined || !left.has(region)) continue;
      found.set(freeze.id, { freeze, regions: [...(found.get(freeze.id)?.regions ?? []), region] });
    }
  }
  return [...found].map(([id, { freeze, regions }]) => {
    const { start, end, author, reason: why } = freeze;
    const are = regions.length === 1 ? 'is' : 'are';
    const lines = [
      `‼ *${names(regions)} ${are} frozen* from ${when(start)} until ${when(end)}; ${serving(rollout, regions)}; it ends by itself, or with \`unfreeze\``,
      `By ${person(author, 80)}: ${foreign(why)}`,
      `No further node is begun there meanwhile. To lift it: \`/zeitwork unfreeze ${foreign(id, 40)}\``,
    ];
    return post(rollout, `freeze.${id}`, { is: 'thread', broadcast: true }, [{ is: 'lines', lines }]);
  });
}
