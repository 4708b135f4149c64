import { short } from '../../base/hash.ts';
import { nodesInOrder, regionsOf, releaseOf } from '../../upgrade/rollout/index.ts';
import {
  type NodeRun,
  type NodeSurvey,
  Refused,
  type RollbackScope,
  type Rollout,
} from '../../upgrade/rollout/types.ts';
import { type CommandContext, type Reply, withLines } from '../context.ts';
import { goalOf } from '../views/goal.ts';
import { foreign } from '../views/text.ts';
import { touchedIn } from '../views/words.ts';
import { survey } from './common.ts';
import { forgotten, forgottenWords, saidOfForgotten } from './forgotten.ts';

/**
 * Nodes that do not run what the rollout has recorded of them, a sentence each: Redis may have been put back to an
 * earlier time, or somebody worked by hand. A node that cannot be seen contradicts nothing.
 */
export function contradictions(
  rollout: Rollout,
  seen: NodeSurvey[],
  nodes: readonly NodeRun[] = nodesInOrder(rollout),
): string[] {
  return nodes.flatMap((node) => {
    const now = seen.find((each) => each.node === node.name);
    return now === undefined || now.sha256 === null || isAsRecorded(rollout, node, now.sha256)
      ? []
      : [`${node.name} runs ${now.version ?? short(now.sha256)}, ${recorded(rollout, node)}`];
  });
}

function isAsRecorded(rollout: Rollout, { name, state, before, touched }: NodeRun, sha256: string): boolean {
  const isNew = sha256 === releaseOf(rollout, name).binarySha256;
  if (state.is === 'working') return true;
  if (state.is === 'done') return isNew;
  if (touched) return isNew || sha256 === before?.sha256;
  return before === null || !isNew || before.sha256 === sha256;
}

function recorded(rollout: Rollout, { name, state, touched }: NodeRun): string {
  if (state.is === 'done') return `recorded as done on ${releaseOf(rollout, name).version}`;
  return touched ? 'which is neither the new nor the old version' : 'recorded as not changed by this rollout';
}

const some = (wrong: string[]): string =>
  wrong.slice(0, 4).join('; ') + (wrong.length > 4 ? `; and ${wrong.length - 4} more` : '');

/** A decision's answer with what the nodes say otherwise; the decision was carried out already. */
export async function withTruth(context: CommandContext, rollout: Rollout, reply: Reply): Promise<Reply> {
  const seen = await survey(context);
  const forgotten = saidOfForgotten(await forgottenWords(context, seen));
  const told = forgotten.length === 0 ? reply : withLines(reply, forgotten);
  const wrong = contradictions(rollout, seen);
  return wrong.length === 0
    ? told
    : withLines(told, [
        `‼ *Not everything is as this rollout has recorded it*: ${foreign(some(wrong), 600)}.`,
        'It works with what is recorded and does nothing about these. Was Redis put back to an earlier time? See verify.',
      ]);
}

/** @throws Refused when nodes of a finished rollout that are to go back are not what it left there; it says which of them are. */
export async function refuseIfOtherwise(
  context: CommandContext,
  rollout: Rollout,
  scope: RollbackScope,
): Promise<void> {
  const why = await otherwise(context, rollout, scope, await survey(context));
  if (why !== null) throw new Refused(`Nothing was done: ${why}`);
}

/** Why a finished rollout is not brought back there, as its nodes were seen; null when they are what it left there. */
export async function otherwise(
  context: CommandContext,
  rollout: Rollout,
  scope: RollbackScope,
  seen: NodeSurvey[],
): Promise<string | null> {
  const asked = touchedIn(rollout, scope).map(({ name }) => name);
  const lost = await forgotten(
    context,
    seen.filter(({ node }) => asked.includes(node)),
  );
  if (lost !== null) return lost;
  const isOther = (node: NodeRun) => contradictions(rollout, seen, [node]).length > 0;
  const wrong = contradictions(rollout, seen, touchedIn(rollout, scope));
  if (wrong.length === 0) return null;
  return `${goalOf(rollout)} is the newest rollout that is known, and it is not what the nodes run: ${some(wrong)}. Something came after it (somebody's hand, or a rollout that Redis has forgotten, if it was put back to an earlier time). ${others(rollout, scope, isOther)}To change versions, use upgrade.`;
}

/** What can still be brought back of this, in as few commands as that takes. */
function others(rollout: Rollout, scope: RollbackScope, isOther: (node: NodeRun) => boolean): string {
  const left = touchedIn(rollout, scope).filter((node) => !isOther(node));
  const whole = regionsOf(rollout).filter((region) => {
    const all = touchedIn(rollout, { is: 'region', region });
    return all.length > 0 && all.every((node) => left.includes(node));
  });
  const alone = left.filter(({ region }) => !whole.includes(region)).map(({ name }) => name);
  const words = [...whole, ...alone].map((each) => `rollback ${each}`);
  if (words.length === 0) return '';
  const more = words.length > 6 ? ' …' : '';
  return `The others run what it left there, and go back with ${words.slice(0, 6).join(', ')}${more}. `;
}
