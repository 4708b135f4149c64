import { inWords } from '../../base/duration.ts';
import { comparisonWords } from '../comparison/index.ts';
import { afterwardsSection } from './afterwards.ts';
import type { After, NodeReport, Pack, Question, WatchReport } from './pack.ts';
import type { StepTry } from './steps.ts';
import { codeBlock, md, type Names, nameOf, short, table, took, utc } from './text.ts';
import { goalWords, type Moment } from './told.ts';

/** The pack as people read it. Equal packs give equal texts. */
export function packMarkdown(pack: Pack, names: Names = {}): string {
  const sections = [
    head(pack, names),
    ['## Who asked and who decided', '', ...decisions(pack, names)],
    ['## Nodes', '', ...nodes(pack)],
    ['## How long it took', '', ...durations(pack)],
    ['## Watched', '', ...watches(pack)],
    ...(pack.afterwards === null ? [] : [['## Watched afterwards', '', ...afterwardsSection(pack.afterwards)]]),
    ...(pack.checklist.length === 0 ? [] : [['## Checklist', '', ...checklist(pack, names)]]),
    ['## Announced', '', ...notice(pack)],
    ['## What happened, in order', '', ...timeline(pack.timeline, names)],
    ['## Whether this is true', '', ...proof(pack)],
  ];
  return `${sections.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

/** What it was for. */
export const goal = (pack: Pack): string => goalWords(pack.change, versions(pack));

/** Of several services each by its key. */
const versions = ({ release, services }: Pack): string =>
  services === undefined ? release.version : services.map(({ key, version }) => `${key} ${version}`).join(', ');

/** What became of it, in one line. */
export function outcome(pack: Pack): string {
  const { ended, change, nodes, startedAt } = pack;
  const schema =
    change?.is === 'migrate' ? `the schema ${ended.is === 'done' ? 'is' : 'was to be'} ${change.to}` : null;
  const proven = nodes.filter(({ state, after }) => state === 'done' && after.is === 'proven').length;
  const how =
    change === null ? `proven on ${versions(pack)}` : `${change.is === 'restart' ? 'restarted' : 'changed'} and proven`;
  const on = `${proven} of ${nodes.length} ${nodes.length === 1 ? 'node' : 'nodes'} ${how}`;
  const words: Record<Pack['ended']['is'], string> = {
    running: 'under way',
    paused: 'paused',
    held: 'held',
    'rolling-back': 'rolling back',
    stopping: 'stopping',
    done: 'done',
    'rolled-back': 'rolled back',
    stopped: startedAt === null ? 'stopped before it began' : 'stopped',
  };
  return `${words[ended.is]}; ${schema ?? on}`;
}

function head(pack: Pack, names: Names): string[] {
  const { rollout, service, release, fleet, requester, createdAt, startedAt, endedAt, override, ended } = pack;
  const { owner } = pack;
  const approvers = [...new Set(pack.questions.flatMap(({ given }) => given.map(({ by }) => by)))];
  const span = startedAt === null ? null : (endedAt ?? pack.timeline.at(-1)?.at ?? startedAt) - startedAt;
  return [
    `# ${md(service)} ${md(goal(pack))} on ${md(fleet)}: ${md(outcome(pack))}`,
    '',
    `- Rollout ${md(rollout)}, asked for by ${md(nameOf(requester, names))} at ${utc(createdAt)} UTC`,
    `- ${approvers.length === 0 ? nobodyApproved(pack) : `Approved by ${approvers.map((by) => md(nameOf(by, names))).join(', ')}`}`,
    ...(startedAt === null
      ? ['- No node was begun']
      : [
          `- First node ${utc(startedAt)} UTC${endedAt === null ? '; it is open still' : `, over ${utc(endedAt)} UTC`}: ${took(span ?? 0)}`,
        ]),
    ...(override === null
      ? []
      : [
          `- Windows were overridden by ${[override.by, override.with].flatMap((by) => (by === null ? [] : [md(nameOf(by, names))])).join(' and ')}: ${md(override.reason)}`,
        ]),
    ...(owner === null
      ? []
      : [`- ${md(nameOf(owner.by, names))} writes down what went wrong, since ${utc(owner.at)} UTC`]),
    ...(ended.reason === null ? [] : [`- Held: ${md(ended.reason)}`]),
    ...(pack.change?.is === 'migrate'
      ? [`- The schema of the database, from ${pack.change.from} to ${pack.change.to}; no node was touched`]
      : pack.change !== null
        ? [
            `- No binary was brought there: what ran was started anew${pack.change.is === 'config' ? `, with another environment file (${md(pack.change.keys)})` : ''}`,
          ]
        : (pack.services ?? [release]).map(archive)),
    ...(pack.services ?? [release]).map(({ binarySha256 }) => `- Its binary has the SHA-256 \`${binarySha256}\``),
  ];
}

const archive = ({ archive: name, archiveSha256, signedBy }: Pack['release']): string =>
  `- Archive ${md(name)}, SHA-256 \`${archiveSha256}\`, ${signedBy === null ? 'signed by nobody' : `signed by ${md(signedBy.name)}`}`;

const nobodyApproved = ({ questions }: Pack): string =>
  questions.length === 0 ? 'Nobody was asked to approve it' : 'Nobody approved it';

function decisions({ decisions: all, questions }: Pack, names: Names): string[] {
  return [
    ...table(
      ['UTC', 'who', 'what', 'line'],
      all.map((each) => [
        utc(each.at),
        whoIn(each, names),
        `${md(each.what)}${each.signed ? ', signed with their own key' : ''}`,
        `${each.line}`,
      ]),
    ),
    ...(questions.length === 0
      ? []
      : [
          '',
          ...table(
            ['asked for', 'since', 'until', 'wanted', 'yes', 'no'],
            questions.map((each) => questionRow(each, names)),
          ),
        ]),
  ];
}

const whoIn = ({ by, with: other }: Moment, names: Names): string =>
  [by, other].flatMap((each) => (each === null ? [] : [md(nameOf(each, names))])).join(' with ');

function questionRow({ title, askedAt, endedAt, is, needed, given, declined }: Question, names: Names): string[] {
  const until = endedAt === null ? 'still asked' : `${utc(endedAt)}${is === 'approved' ? '' : ' (not asked any more)'}`;
  return [
    md(title),
    utc(askedAt),
    until,
    `${needed}`,
    given.map(({ by, at }) => `${md(nameOf(by, names))} ${utc(at)}`).join(', ') || '-',
    declined === null ? '-' : `${md(nameOf(declined.by, names))} ${utc(declined.at)}`,
  ];
}

export function nodes({ nodes: all }: Pack): string[] {
  return table(
    ['node', 'became', 'before', 'image before', 'now', 'image now', 'environment before', 'restarts, at most'],
    all.map((node) => [
      md(node.node),
      stateWords(node),
      md(node.before?.version ?? 'not known'),
      code(node.before?.sha256 ?? null),
      versionNow(node.after),
      code(node.after.is === 'unknown' ? null : node.after.sha256),
      code(node.before?.envSha256 ?? null),
      `${node.restarts}`,
    ]),
  );
}

const code = (hash: string | null): string => (hash === null ? '-' : `\`${md(short(hash))}\``);

function stateWords({ state, changed, rehearsedAt, reason }: NodeReport): string {
  const words: Record<NodeReport['state'], string> = {
    staging: 'not begun',
    ready: changed ? 'changed, to be proven again' : rehearsedAt === null ? 'not begun' : 'back from its rehearsal',
    working: 'under way',
    done: 'proven',
    failed: 'failed, unchanged',
    unproven: 'changed, not proven',
    'rolled-back': 'rolled back',
    stuck: 'needs a person',
  };
  return `${words[state]}${reason === null ? '' : `: ${md(reason, 200)}`}`;
}

function versionNow(after: After): string {
  switch (after.is) {
    case 'proven':
      return `${md(after.version ?? 'version not told')}, healthy ${took(after.soaked)} in one process`;
    case 'unchanged':
      return `${md(after.version ?? 'not known')}, not changed`;
    case 'unknown':
      return 'not known';
  }
}

/** A step of a node with all its tries. */
function durations({ nodes: all }: Pack): string[] {
  const rows = all.flatMap(({ node, tries }) =>
    steps(tries).map(({ label, ms, tries: many, last }) => [
      md(node),
      label,
      took(ms),
      many === 1 ? '' : `${many} tries`,
      last.is === 'succeeded' ? '' : `${last.is}${last.reason === null ? '' : `: ${md(last.reason, 160)}`}`,
    ]),
  );
  return rows.length === 0
    ? ['Nothing was done on any node.']
    : table(['node', 'step', 'took', 'tries', 'ended'], rows);
}

interface StepTotal {
  label: string;
  ms: number;
  tries: number;
  last: StepTry;
}

/** Tries of one step in a row, as one: from the first intent to the last report. */
export function steps(tries: readonly StepTry[]): StepTotal[] {
  const found: StepTotal[] = [];
  for (const each of tries) {
    const label = each.direction === 'back' ? `${each.step} (way back)` : each.step;
    const before = found.at(-1);
    if (before?.label === label && before.last.run === each.run && before.last.is !== 'succeeded') {
      before.ms += each.to - before.last.to;
      before.tries += 1;
      before.last = each;
    } else found.push({ label, ms: each.to - each.from, tries: 1, last: each });
  }
  return found;
}

export function watches({ watches: all }: Pack): string[] {
  if (all.length === 0) return ['Nothing was watched.'];
  const found = all.flatMap(({ compared }) => compared);
  const lines = found.map((each) => `- ${md(each.region)}: ${md(comparisonWords(each), 300)}`);
  return [
    ...watchTable(all),
    ...(lines.length === 0 ? [] : ['', 'Held against nodes that were not upgraded:', '', ...lines]),
  ];
}

function watchTable(all: readonly WatchReport[]): string[] {
  return table(
    ['part', 'from', 'to', 'wanted', 'verdict'],
    all.map((each) => [
      md(each.title),
      utc(each.from),
      each.to === null ? '-' : utc(each.to),
      took(each.for),
      verdict(each),
    ]),
  );
}

function checklist({ checklist: all }: Pack, names: Names): string[] {
  const listed = { before: 'before the first node', during: 'before', after: 'at the end' };
  return table(
    ['no.', 'when', 'what', 'ticked by', 'UTC', 'evidence'],
    all.map(({ number, list, part, text, check, ticked, by, at, says }) => [
      `${number}`,
      `${listed[list]}${part === null ? '' : ` ${md(part)}`}`,
      md(text),
      ticked ? (check === null ? md(nameOf(by ?? '', names)) : `machine (${md(check)})`) : 'NOT TICKED',
      at === null ? '-' : utc(at),
      says === null ? '-' : md(says),
    ]),
  );
}

function verdict({ is, unwell }: WatchReport): string {
  const missed = Object.entries(unwell).map(([node, times]) => `${md(node)} missed ${times} times`);
  const words = { watched: 'healthy for as long as was wanted', 'under way': 'under way', 'broken off': 'broken off' };
  return [words[is], ...missed].join('; ');
}

function notice({ notice: of, startedAt }: Pack): string[] {
  if (of === null) return ['Nothing had to be announced.'];
  const rows = of.audiences.map(({ audience, since, before, kept }) => [
    md(audience),
    since === null ? 'never' : `${utc(since)} UTC`,
    before === null ? '-' : took(before),
    kept === null ? 'no node was begun' : kept ? 'kept' : 'NOT KEPT',
  ]);
  return [
    `Promised: ${inWords(of.wanted)} before the first node${startedAt === null ? '' : `, which was begun ${utc(startedAt)} UTC`}.`,
    '',
    ...table(['who', 'knew since', 'before the first node', 'promise'], rows),
  ];
}

export function timeline(moments: readonly Moment[], names: Names): string[] {
  return table(
    ['UTC', 'line', 'who', 'what'],
    moments.map((each) => [utc(each.at), `${each.line}`, whoIn(each, names), md(each.what)]),
  );
}

export function proof({ rollout, chain, calendars }: Pack): string[] {
  const { revision, hash, lines, unsigned, keys } = chain;
  const head = `${revision}:${hash.slice(0, 16)}`;
  const zones = Object.entries(calendars).map(([region, { zone }]) => `${md(region)} ${md(zone)}`);
  return [
    `All of it was read from the ${lines} lines of the journal of ${md(rollout)}${unsigned === 0 ? '' : `, ${unsigned} of which nobody signed`}. It stood at line ${revision}, \`${md(hash)}\`.`,
    '',
    ...Object.entries(keys).map(([key, many]) => `- ${many} lines are signed by the key ${md(key)}`),
    '',
    'With the journal in Redis, and with the file beside this one, without any Redis:',
    '',
    codeBlock([
      `zeitwork audit ${rollout} --head ${head}`,
      `zeitwork audit ${rollout} --head ${head} --file ${rollout}.jsonl`,
    ]),
    '',
    `Instants are UTC; zones of the windows: ${zones.join(', ')}.`,
  ];
}
