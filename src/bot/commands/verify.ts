import { Refused } from '../../base/errors.ts';
import { isMeantBy, serviceIn } from '../../base/sibling.ts';
import { isAskedChecks } from '../../upgrade/rollout/index.ts';
import type { Fleet, NodeSurvey, Release } from '../../upgrade/rollout/types.ts';
import { type CommandContext, ended, type Outcome, say, withFacts } from '../context.ts';
import { checkFacts, surveyFacts } from '../facts/survey.ts';
import { asksChecks, checkTable, unmetIn, unmetLines, withUnasked } from '../views/checks.ts';
import { driftLines } from '../views/drift.ts';
import { surveyLines } from '../views/survey.ts';
import { count, foreign, names } from '../views/text.ts';
import { demand, type Handler, isSilence, surveyPatience, unknownName } from './common.ts';
import { type Complaint, complaintLine, complaintsAbout } from './complaints.ts';
import { forgottenWords, saidOfForgotten } from './forgotten.ts';

/** Looks at every node and says plainly which are not right. */
export const verify: Handler<'verify'> = async (context, asking, { where }) => {
  await demand(context, asking, { is: 'look' });
  const fleet = where === null ? context.fleet : narrowed(context.fleet, where);
  const all = await looked(context, fleet, where);
  const isAsked = ({ node }: NodeSurvey) => isAskedChecks(context.fleet, node);
  const seen = all.flatMap((each) => (isAsked(each) ? withUnasked(context.fleet.checks ?? [], [each]) : [each]));
  const releases = await known(context, seen);
  const wrong = seen.flatMap((node) => complaintsAbout(node, releases.get(keyOf(node)) ?? null));
  const { newest, refused } = await newestOf(context);
  const complaints = wrong.map(({ is, seen: { node } }) => ({ node, is }));
  const notCompared = [...releases].flatMap(([key, release]) => (release === null ? [key] : []));
  const forgotten = await forgottenWords(context, seen);
  const unmet = unmetIn(seen);
  const things = wrong.length + forgotten.length + unmet.length;
  const reply = say(
    things === 0
      ? `✓ ${allOf(seen)} right: healthy, running, and no image differs from its release${asksChecks(seen) ? '; nothing that is asked of them is bad' : ''}.`
      : `✗ ${count(things, 'thing')} not right:`,
    ...wrong.map(complaintLine),
    ...unmetLines(unmet),
    ...saidOfForgotten(forgotten),
    ...(await drift(context, seen)),
    ...uncompared(seen, releases),
    ...mixed(seen, newest),
    ...refused.map(({ version, reason }) => `○ ${foreign(version, 60)} is not accepted: ${foreign(reason, 200)}`),
    ...surveyLines(fleet, seen),
  );
  const facts = {
    right: things === 0,
    forgotten,
    without: null,
    complaints,
    notCompared,
    newestRelease: newest,
    notAccepted: refused.map(({ version }) => version),
    checks: checkFacts(seen),
    nodes: surveyFacts(seen),
  };
  const shown = { ...reply, parts: [...reply.parts, ...checkTable(seen)] };
  return ended(forgotten.length + unmet.length > 0 ? 'wrong' : outcomeOf(seen, wrong), withFacts(facts, shown));
};

const allOf = ([first, ...others]: NodeSurvey[]): string =>
  first !== undefined && others.length === 0
    ? `${foreign(first.node, 80)} is`
    : `All ${count(others.length + 1, 'node')} are`;

/** @throws Refused naming what exists */
function narrowed(fleet: Fleet, where: string): Fleet {
  const regions = fleet.regions
    .map((region) => ({
      ...region,
      nodes: region.nodes.filter(({ name }) => isMeantBy(region.name, where) || isMeantBy(name, where)),
    }))
    .filter(({ nodes }) => nodes.length > 0);
  const known = fleet.regions.flatMap(({ name, nodes }) => [name, ...nodes.map((node) => node.name)]);
  if (regions.length === 0) throw unknownName('node or region', where, known);
  return { ...fleet, regions };
}

/** Of all nodes an answer of a moment ago will do; and what is asked takes a little longer than a look. */
function looked(context: CommandContext, fleet: Fleet, where: string | null): Promise<NodeSurvey[]> {
  const nodes = fleet.regions.flatMap((region) => region.nodes);
  const look = () => context.control.survey(nodes, surveyPatience(nodes.length) + checksPatience, 'checked');
  return where === null ? context.looks.shared(look, 'checked') : look();
}

/** Two samples, and the time between them. */
const checksPatience = 20_000;

/** What a rollout that is under way does is none. What cannot be believed is told elsewhere. */
async function drift({ control }: CommandContext, seen: NodeSurvey[]): Promise<string[]> {
  try {
    const [open, ledger] = await Promise.all([control.store.open(), control.ledger.load()]);
    return open === null ? driftLines(ledger, seen) : [];
  } catch (error) {
    if (error instanceof Refused) return [];
    throw error;
  }
}

async function known(context: CommandContext, seen: NodeSurvey[]): Promise<Map<string, Release | null>> {
  const told = new Map(seen.flatMap((each) => (each.version === null ? [] : [[keyOf(each), each] as const])));
  const found = await Promise.all(
    [...told].slice(0, 5).map(async ([key, { node, version }]) => {
      return [key, await release(context, version ?? '', serviceIn(node))] as const;
    }),
  );
  return new Map(found);
}

/** A version, of one of several services. */
const keyOf = ({ node, version }: NodeSurvey): string => `${serviceIn(node) ?? ''} ${version ?? ''}`.trim();

/** Reading an archive takes a while, so only the newest are read. */
const readThrough = 5;

/** The newest release is one that would be accepted; what lies there and is newer is named with why it is none. */
async function newestOf({ releases }: CommandContext) {
  const refused: { version: string; reason: string }[] = [];
  for (const version of (await releases.versions()).toReversed().slice(0, readThrough)) {
    try {
      await releases.resolve(version);
      return { newest: version, refused };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      refused.push({ version, reason: error.message });
    }
  }
  return { newest: null, refused };
}

/** null when there is no archive to compare with that is accepted. */
async function release({ releases }: CommandContext, version: string, service: string | null): Promise<Release | null> {
  try {
    return await releases.resolve(version.startsWith('v') ? version : `v${version}`, service);
  } catch (error) {
    if (error instanceof Refused) return null;
    throw error;
  }
}

/** A worker that is silent says nothing about its nodes; a look that did come back and found fault counts more. */
function outcomeOf(seen: NodeSurvey[], wrong: Complaint[]): Outcome {
  if (wrong.some((complaint) => !isSilence(complaint.seen))) return 'wrong';
  return seen.some(isSilence) ? 'unreachable' : 'done';
}

function uncompared(seen: NodeSurvey[], releases: Map<string, Release | null>): string[] {
  return [...releases].flatMap(([key, release]) => {
    const nodes = seen.filter((each) => keyOf(each) === key).map(({ node }) => node);
    return release === null
      ? [`○ Images not compared, there is no archive of ${foreign(key, 80)} that is accepted: ${names(nodes)}`]
      : [];
  });
}

/** Of several services each may run another version: they are told one by one, and no newest is. */
function mixedOf(key: string | null, seen: NodeSurvey[]): string[] {
  const lines = mixed(
    seen.filter(({ node }) => serviceIn(node) === key),
    null,
  );
  return lines.map((line) => `${key}: ${line}`);
}

function mixed(seen: NodeSurvey[], newest: string | null): string[] {
  const services = new Set(seen.map(({ node }) => serviceIn(node)));
  if (services.size > 1) return [...services].flatMap((key) => mixedOf(key, seen));
  const versions = [...new Set(seen.map(({ version }) => version ?? 'unknown'))].sort();
  const run = versions.length === 1 ? `All run ${names(versions)}` : `Mixed versions: ${names(versions)}`;
  return [newest === null ? run : `${run}; the newest release is ${foreign(newest, 60)}`];
}
