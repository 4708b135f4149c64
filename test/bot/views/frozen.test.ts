import { expect, it } from 'vitest';
import { outdated, posts } from '../../../src/bot/views/posts.ts';
import type { Rollout } from '../../../src/upgrade/rollout/types.ts';
import { hours, planned, tuesday } from '../../support/rollouts.ts';

const freeze = { id: 'f-1', start: tuesday, end: tuesday + hours(2), reason: 'audit <!channel>', author: 'U0ROSA' };

function frozen(changes: Partial<typeof freeze> | null): Rollout {
  const rollout = planned();
  const ready = { is: 'ready', notBefore: 0 } as const;
  const nodes = Object.entries(rollout.nodes).map(([name, node]) => [name, { ...node, state: ready }]);
  const { id, ...written } = freeze;
  const one = changes === null ? written : { ...written, id, ...changes };
  const looks = Object.entries(rollout.looks).map(([region, each]) => [
    region,
    region === 'ap-south' ? each : { ...each, freezes: [one] },
  ]);
  return { ...rollout, nodes: Object.fromEntries(nodes), looks: Object.fromEntries(looks) };
}
const told = (rollout: Rollout) => posts(rollout).filter(({ key }) => key.startsWith('freeze.'));

it('a freeze is told once in the thread of what it holds, wherever it was declared', () => {
  const [post, ...more] = told(frozen({}));
  expect(more).toEqual([]);
  expect(post).toMatchObject({ key: 'freeze.f-1', place: { is: 'thread', broadcast: true } });
  expect(post?.text).toMatchInlineSnapshot(`
    "‼ *us-east, eu-west are frozen* from <!date^1795505400^{date_short_pretty} {time}|2026-11-24 07:30 UTC> until <!date^1795512600^{date_short_pretty} {time}|2026-11-24 09:30 UTC>; no node was restarted yet; it ends by itself, or with \`unfreeze\`
    By <@U0ROSA>: audit &lt;!channel&gt;
    No further node is begun there meanwhile. To lift it: \`/zeitwork unfreeze f-1\`"
  `);
});

it('one of the settings, and one that holds nothing, is not', () => {
  expect(told(frozen(null))).toEqual([]);
  expect(told({ ...frozen({}), status: { is: 'stopped', by: 'U1', at: tuesday } })).toEqual([]);
});

it('says below it when it is over', () => {
  const [end] = outdated(frozen(null), ['freeze.f-1']);
  expect(end).toMatchObject({ key: 'freeze.f-1', closes: true });
});
