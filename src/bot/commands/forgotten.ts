import { Refused } from '../../base/errors.ts';
import { type Forgotten, forgottenBy } from '../../upgrade/ledger/index.ts';
import { regionsOf } from '../../upgrade/rollout/index.ts';
import type { NodeSurvey, Rollout } from '../../upgrade/rollout/types.ts';
import type { CommandContext } from '../context.ts';
import { runName } from '../views/found.ts';
import { foreign } from '../views/text.ts';
import { survey } from './common.ts';

/** What cannot be believed knows nothing; whoever needs it is told so where it is read. */
function unlessRefused(error: unknown): undefined {
  if (error instanceof Refused) return undefined;
  throw error;
}

const adoptedEpoch = async ({ control }: CommandContext): Promise<number> =>
  (await control.ledger.load().catch(unlessRefused))?.epoch ?? 0;

/** The highest number of a run that is known here: of the rollouts, or of the nodes, as two people adopted them. */
export const knownEpoch = async (context: CommandContext): Promise<number> =>
  Math.max(await context.control.store.lastEpoch(), await adoptedEpoch(context));

/** For a new run: beyond all that nodes knew when they were adopted, also where clocks were ahead then. */
export const newEpoch = async (context: CommandContext): Promise<number> =>
  context.control.store.nextEpoch(Math.max(context.clock.now(), (await adoptedEpoch(context)) + 2));

/** Nodes that were changed by a run that is not known here, a sentence each. */
export async function forgottenWords(context: CommandContext, seen: readonly NodeSurvey[]): Promise<string[]> {
  if (!seen.some(({ held = 0 }) => held > 0)) return [];
  const known = await knownEpoch(context);
  return forgottenBy(seen, known).map((each) => forgottenLine(each, known));
}

const forgottenLine = ({ node, held }: Forgotten, known: number): string =>
  `${foreign(node, 80)} was last changed by ${runName(held)}; the newest that is known here is ${known === 0 ? 'none' : runName(known)}`;

const some = (lines: string[]): string =>
  lines.slice(0, 3).join('; ') + (lines.length > 3 ? `; and ${lines.length - 3} more` : '');

export const whyForgotten =
  'Redis was emptied, put back to an earlier time, is another one, or what it holds of that run cannot be believed. Look with `/zeitwork verify`; `/zeitwork adopt ledger` goes on from what the nodes are.';

/** Which of these know more than what is known here, and what to do; null when none does. */
export async function forgotten(context: CommandContext, seen: readonly NodeSurvey[]): Promise<string | null> {
  const lines = await forgottenWords(context, seen);
  return lines.length === 0 ? null : `${some(lines)}. ${whyForgotten}`;
}

/** @param seen whose runs must be known here @throws Refused naming the nodes that know more */
export async function refuseForgotten(context: CommandContext, seen: readonly NodeSurvey[]): Promise<void> {
  const why = await forgotten(context, seen);
  if (why !== null) throw new Refused(`Nothing was done: ${why}`);
}

/** The same by a look of now, for an open rollout that is to go on: in its regions. One node elsewhere holds nobody up by what it says. */
export async function refuseToGoOn(context: CommandContext, rollout: Rollout): Promise<void> {
  const seen = await survey(context);
  const regions = regionsOf(rollout);
  await refuseForgotten(
    context,
    seen.filter(({ region }) => regions.includes(region)),
  );
}

export const saidOfForgotten = (lines: string[]): string[] =>
  lines.length === 0 ? [] : [`‼ *The store forgot something*: ${some(lines)}. ${whyForgotten}`];
