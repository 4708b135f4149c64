import { Refused } from '../../base/errors.ts';
import type { NodeSurvey, Release } from '../../upgrade/rollout/types.ts';
import { type CommandContext, ended, type Outcome, say, withFacts } from '../context.ts';
import { surveyFacts } from '../facts/survey.ts';
import { driftLines } from '../views/drift.ts';
import { surveyLines } from '../views/survey.ts';
import { count, foreign, names } from '../views/text.ts';
import { demand, glance, type Handler, isSilence } from './common.ts';
import { type Complaint, complaintLine, complaintsAbout } from './complaints.ts';
import { forgottenWords, saidOfForgotten } from './forgotten.ts';

/** Looks at every node and says plainly which are not right. */
export const verify: Handler<'verify'> = async (context, asking) => {
  await demand(context, asking, { is: 'look' });
  const seen = await glance(context);
  const releases = await known(context, seen);
  const wrong = seen.flatMap((node) => complaintsAbout(node, releases.get(node.version ?? '') ?? null));
  const { newest, refused } = await newestOf(context);
  const complaints = wrong.map(({ is, seen: { node } }) => ({ node, is }));
  const notCompared = [...releases].flatMap(([version, release]) => (release === null ? [version] : []));
  const forgotten = await forgottenWords(context, seen);
  const reply = say(
    wrong.length + forgotten.length === 0
      ? `✓ All ${count(seen.length, 'node')} are right: healthy, running, and no image differs from its release.`
      : `✗ ${count(wrong.length + forgotten.length, 'thing')} not right:`,
    ...wrong.map(complaintLine),
    ...saidOfForgotten(forgotten),
    ...(await drift(context, seen)),
    ...uncompared(seen, releases),
    ...mixed(seen, newest),
    ...refused.map(({ version, reason }) => `○ ${foreign(version, 60)} is not accepted: ${foreign(reason, 200)}`),
    ...surveyLines(context.fleet, seen),
  );
  const facts = {
    right: wrong.length + forgotten.length === 0,
    forgotten,
    without: null,
    complaints,
    notCompared,
    newestRelease: newest,
    notAccepted: refused.map(({ version }) => version),
    nodes: surveyFacts(seen),
  };
  return ended(forgotten.length > 0 ? 'wrong' : outcomeOf(seen, wrong), withFacts(facts, reply));
};

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
  const versions = [...new Set(seen.flatMap(({ version }) => (version === null ? [] : [version])))].slice(0, 5);
  const found = await Promise.all(versions.map(async (version) => [version, await release(context, version)] as const));
  return new Map(found);
}

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
async function release({ releases }: CommandContext, version: string): Promise<Release | null> {
  try {
    return await releases.resolve(version.startsWith('v') ? version : `v${version}`);
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
  return [...releases].flatMap(([version, release]) => {
    const nodes = seen.filter((each) => each.version === version).map(({ node }) => node);
    return release === null
      ? [`○ Images not compared, there is no archive of ${foreign(version, 60)} that is accepted: ${names(nodes)}`]
      : [];
  });
}

function mixed(seen: NodeSurvey[], newest: string | null): string[] {
  const versions = [...new Set(seen.map(({ version }) => version ?? 'unknown'))].sort();
  const run = versions.length === 1 ? `All run ${names(versions)}` : `Mixed versions: ${names(versions)}`;
  return [newest === null ? run : `${run}; the newest release is ${foreign(newest, 60)}`];
}
