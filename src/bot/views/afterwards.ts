import { inWords } from '../../base/duration.ts';
import {
  isWatchedAfterwards,
  nodesInOrder,
  ratesAfterwards,
  silentAfterwards,
  wellFor,
  worseWords,
} from '../../upgrade/rollout/index.ts';
import type { Afterwards, Rollout, Worse } from '../../upgrade/rollout/types.ts';
import { diagnoseButton } from './buttons.ts';
import { broughtWords } from './goal.ts';
import { called, type People } from './people.ts';
import { type Post, post } from './post.ts';
import { count, foreign, names, span, when } from './text.ts';

/** So much of what got worse is told by a message of its own; all of it stands in the one that is edited, as far as there is room. */
const mostTold = 10;
const mostListed = 20;

const place = { is: 'thread', broadcast: true } as const;

/** What became of an upgrade since it was done, in lines; none where it is not watched. `now` (epoch ms) shows where nobody looks. */
export function afterwardsLines(rollout: Rollout, now: number): string[] {
  const { afterwards } = rollout;
  if (afterwards === undefined || afterwards.since === null) return [];
  const { worse } = afterwards;
  const silent = silentAfterwards(rollout, now).map(
    ({ region, since }) =>
      `‼ ${foreign(region, 80)}: nobody has looked since ${when(since)}, so nobody knows. Does a worker of it run?`,
  );
  const more = worse.length > mostListed ? [`… and ${worse.length - mostListed} more`] : [];
  return [head(rollout, afterwards), ...silent, ...worse.slice(-mostListed).map(worseLine), ...more, ...apart(rollout)];
}

function head(rollout: Rollout, afterwards: Afterwards): string {
  const version = foreign(broughtWords(rollout), 120);
  const { worse, end } = afterwards;
  const wanted = inWords(afterwards.for);
  const so = `well for ${span(inSteps(afterwards))} of ${wanted}`;
  switch (end?.is) {
    case undefined:
      return `○ *Watched after ${version}*: ${so}; ${numbers(afterwards)}`;
    case 'well':
      return worse.length === 0
        ? `✓ *${wanted} after ${version}: nothing got worse*; ${numbers(afterwards)}`
        : `✓ *Well for ${wanted} after ${version}*, once ${count(worse.length, 'thing')} had got worse and well again; ${numbers(afterwards)}`;
    case 'unwell':
      return worse.length === 0
        ? `✗ *Whether all stayed well after ${version} is not known*: nobody could see it for long enough; ${so}`
        : `✗ *Not well after ${version}* for ${wanted} on end; ${numbers(afterwards)}`;
    case 'superseded':
      return `→ *Not watched to its end after ${version}*: rollout ${foreign(end.rollout, 60)} began, ${when(end.at)}; until then ${so}`;
    case 'brought back':
      return `→ *Not watched to its end after ${version}*: it was to be brought back, ${when(end.at)}; until then ${so}`;
  }
}

/** In steps, so that a message is not edited for each look. */
const inSteps = (afterwards: Afterwards): number => {
  const step = afterwards.for / 24;
  return step * Math.floor(wellFor(afterwards) / step);
};

/** What was counted: nodes as the last looks found them, and rates at their highest. */
function numbers(afterwards: Afterwards): string {
  const regions = Object.values(afterwards.regions);
  const sum = (what: 'good' | 'of' | 'count') => regions.reduce((all, region) => all + region[what], 0);
  const rates = Object.entries(ratesAfterwards(afterwards, 'highest')).slice(0, 5);
  const highest = rates.map(([check, { says }]) => `${foreign(check, 40)} at most ${foreign(says, 80)}`);
  const looks = afterwards.end === null ? [] : [`${count(sum('count'), 'look')}`];
  return [`${sum('good')} of ${count(sum('of'), 'node')} well at the last look`, ...looks, ...highest].join('; ');
}

const words = (each: Worse): string => foreign(worseWords(each), 250);

function worseLine(each: Worse): string {
  const { node, since, times, well } = each;
  const again = times === 1 ? '' : `, ${times} times`;
  const until = well === null ? `since ${when(since)}` : `from ${when(since)} to ${when(well)}`;
  return `${well === null ? '✗' : '○'} ${foreign(node, 80)}: ${words(each)}; ${until}${again}`;
}

/** What does not count: time in which nobody looked, and what was bad before. */
function apart(rollout: Rollout): string[] {
  const { regions = {}, every = 0 } = rollout.afterwards ?? {};
  const unseen = Object.entries(regions).flatMap(([region, { unseen: ms }]) =>
    ms < every ? [] : [`○ ${foreign(region, 80)}: nobody looked for ${span(ms)}, which does not count`],
  );
  const ill = nodesInOrder(rollout).flatMap(({ name, illBefore = [] }) =>
    illBefore.flatMap(({ check, counts }) => (counts === 'bad' ? [`${check} on ${name}`] : [])),
  );
  return ill.length === 0 ? unseen : [...unseen, `○ Bad before the upgrade, and not counted: ${names(ill)}`];
}

/** The one message of that time, which is edited. */
export function afterwardsPosts(rollout: Rollout, now: number): Post[] {
  const lines = afterwardsLines(rollout, now);
  return lines.length === 0 ? [] : [post(rollout, `afterwards.${rollout.run}`, place, [{ is: 'lines', lines }])];
}

/** What got worse, each once; and once that it is well again. */
export function worsePosts(rollout: Rollout, people: People): Post[] {
  const all = rollout.afterwards?.worse ?? [];
  const key = (what: string) => `after.${rollout.run}.${what}`;
  const told = all
    .slice(0, mostTold)
    .flatMap((each, index) => [
      worsePost(rollout, each, key(`worse.${index}`), people),
      ...(each.well === null ? [] : [wellPost(rollout, each, each.well, key(`well.${index}`))]),
    ]);
  const line = `✗ *More than ${mostTold} things got worse after ${foreign(broughtWords(rollout), 120)}*: \`/zeitwork status\` tells of them`;
  const more = [{ is: 'lines' as const, lines: [line, ...called(rollout, people)] }];
  return all.length > mostTold ? [...told, post(rollout, key('more'), place, more)] : told;
}

function worsePost(rollout: Rollout, each: Worse, key: string, people: People): Post {
  const { node, since, times, well, is } = each;
  const later = span(since - (rollout.afterwards?.since ?? since));
  const lines = [
    `✗ *${foreign(node, 80)} ${is === 'bad' ? 'got worse' : 'cannot be seen to be well'}*, ${later} after ${foreign(broughtWords(rollout), 120)} was done`,
    `Why: ${words(each)}${times === 1 ? '' : ` (${times} times)`}`,
    'Nothing was done about it, and nothing is held. What to do is what its diagnosis says.',
    ...called(rollout, people),
  ];
  const isOpen = well === null && isWatchedAfterwards(rollout);
  const buttons = isOpen ? [diagnoseButton(rollout, node)] : [];
  return post(rollout, key, place, [
    { is: 'lines', lines },
    { is: 'buttons', buttons },
  ]);
}

function wellPost(rollout: Rollout, { node, what, since }: Worse, well: number, key: string): Post {
  const of = what === 'service' ? '' : ` (${foreign(what.check, 40)})`;
  const line = `✓ *${foreign(node, 80)} is well again*${of}, as of ${when(well)}; it was not since ${when(since)}`;
  return post(rollout, key, place, [{ is: 'lines', lines: [line] }]);
}
