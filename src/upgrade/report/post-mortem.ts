import { afterwardsSection } from './afterwards.ts';
import type { Healths } from './health.ts';
import { goal, nodes, outcome, proof, steps, timeline, watches } from './markdown.ts';
import type { Cause, Pack } from './pack.ts';
import { codeBlock, md, type Names, nameOf, table, took, utc } from './text.ts';

/** What people write about a night that did not go as it should; what a machine knows of it stands there already. null: it went well. */
export function postMortem(pack: Pack, names: Names = {}): string | null {
  const wrong = pack.timeline.filter((moment) => moment.wrong);
  if (wrong.length === 0) return null;
  const told = pack.timeline.filter((moment) => moment.wrong || moment.is === 'decision' || moment.is === 'rollout');
  const sections = [
    head(pack, names),
    ['## What happened', '', ...timeline(told, names)],
    ['## Cause', '', ...causes(pack.causes)],
    ['## Impact', '', ...impact(pack)],
    ['## Verdicts', '', ...verdicts(pack), '', ...watches(pack)],
    ...(pack.afterwards === null ? [] : [['## Watched afterwards', '', ...afterwardsSection(pack.afterwards)]]),
    ['## What was there, and what is there now', '', ...nodes(pack)],
    ...forPeople,
    ['## Whether this is true', '', ...proof(pack)],
  ];
  return `${sections.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

/** Empty on purpose: no machine knows these. */
const forPeople: string[][] = [
  ['## Who noticed it, and how', '', '_To be written._'],
  ['## Why it came so far', '', '_To be written._'],
  ['## What went well', '', '_To be written._'],
  ['## What changes, by whom, until when', '', '_To be written._'],
];

function head(pack: Pack, names: Names): string[] {
  const { service, fleet, rollout, owner, startedAt, endedAt } = pack;
  return [
    `# What went wrong: ${md(service)} ${md(goal(pack))} on ${md(fleet)}`,
    '',
    `- ${owner === null ? 'Nobody owns this yet' : `Owner: ${md(nameOf(owner.by, names))}, since ${utc(owner.at)} UTC`}`,
    `- Rollout ${md(rollout)}: ${md(outcome(pack))}`,
    `- From ${startedAt === null ? 'before the first node' : `${utc(startedAt)} UTC`} to ${endedAt === null ? 'now; it is open still' : `${utc(endedAt)} UTC`}`,
  ];
}

function causes(found: readonly Cause[]): string[] {
  if (found.length === 0) return ['Nothing was captured: no node was diagnosed.'];
  // None of it in a list: there, what is indented like code is a part of an item, and read as markup.
  return found.flatMap(({ node, at, line, summary, evidence, causes: all }, index) => [
    ...(index === 0 ? [] : ['']),
    `${md(node)}, ${utc(at)} UTC (line ${line}): ${md(summary)}`,
    ...all.flatMap(({ says, mend }) => ['', `${md(says)} What to do: ${md(mend)}`]),
    ...(evidence.length === 0 ? [] : ['', codeBlock(evidence, 20)]),
  ]);
}

/** As the looks saw it: between two looks nobody knows. */
function impact({ health }: Pack): string[] {
  const regions = Object.keys(health);
  if (regions.length === 0) return ['Nobody looked at any region, so how many answered is not known.'];
  return [
    ...table(
      ['region', 'fewest healthy', 'healthy again after'],
      regions.map((region) => [md(region), fewest(health, region), away(health, region)]),
    ),
    '',
    ...table(
      ['region', 'from (UTC)', 'healthy', 'not healthy'],
      regions.flatMap((region) =>
        (health[region] ?? []).map(({ at, healthy, of, missing }) => [
          md(region),
          utc(at),
          `${healthy} of ${of}`,
          missing.map((name) => md(name)).join(', ') || '-',
        ]),
      ),
    ),
  ];
}

function fewest(health: Healths, region: string): string {
  const all = health[region] ?? [];
  const least = all.toSorted((a, b) => a.healthy - b.healthy)[0];
  return least === undefined ? 'not looked at' : `${least.healthy} of ${least.of}`;
}

/** How long fewer than all were seen, all such stretches together. */
function away(health: Healths, region: string): string {
  const all = health[region] ?? [];
  let ms = 0;
  for (const [index, { at, healthy, of }] of all.entries()) {
    const until = all[index + 1]?.at;
    if (healthy < of && until === undefined) return 'not seen again';
    if (healthy < of && until !== undefined) ms += until - at;
  }
  return ms === 0 ? 'always all' : took(ms);
}

/** Steps that did not end well. */
function verdicts({ nodes: all }: Pack): string[] {
  const rows = all.flatMap(({ node, tries }) =>
    steps(tries).flatMap(({ label, ms, tries: many, last }) =>
      last.is === 'succeeded'
        ? []
        : [[md(node), label, last.is, `${many}`, took(ms), last.reason === null ? '' : md(last.reason)]],
    ),
  );
  return rows.length === 0
    ? ['Every step ended well in the end.']
    : table(['node', 'step', 'ended', 'tries', 'took', 'why'], rows);
}
