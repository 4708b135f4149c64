import { createHash } from 'node:crypto';
import type { Actor } from '../../base/actor.ts';
import { Refused } from '../../base/errors.ts';
import { serviceIn } from '../../base/sibling.ts';
import { paceOf, recordedFor } from '../../upgrade/ledger/index.ts';
import { planRecovery, serviceOf } from '../../upgrade/rollout/index.ts';
import type { NodeSurvey, Release, Rollout } from '../../upgrade/rollout/types.ts';
import { type CommandContext, draftTtlMs, ended, type Reply, say, withFacts } from '../context.ts';
import { rolloutFacts } from '../facts/rollout.ts';
import { recoveryPreview } from '../views/recovery.ts';
import { foreign } from '../views/text.ts';
import { demand, glance, type Handler, isSilence, survey, Unanswered, unknownName } from './common.ts';
import { newEpoch, refuseForgotten } from './forgotten.ts';
import { refuseTaken } from './upgrade.ts';

/** Answers with a plan for one broken node; nothing starts before it is confirmed. */
export const recover: Handler<'recover'> = async (context, asking, { node, from, dryRun }) => {
  await demand(context, asking, { is: 'start' });
  const known = context.fleet.regions.flatMap(({ nodes }) => nodes.map(({ name }) => name));
  for (const name of [node, ...(from === null ? [] : [from])])
    if (!known.includes(name)) throw unknownName('node', name, known);
  await refuseTaken(context);
  const seen = await glance(context, 'work');
  if (seen.every(isSilence)) throw new Unanswered(`Nothing was planned: ${seen[0]?.detail}. Is a worker running?`);
  return show(context, await planned(context, context.newId(), { node, from }, asking.actor, seen), seen, dryRun, null);
};

/** Made anew over what is there now, and started if nothing moved of what was shown. */
export async function confirmRecovery(context: CommandContext, draft: Rollout, token: string): Promise<Reply> {
  const seen = await survey(context, 'work');
  const [node = ''] = Object.keys(draft.nodes);
  const rollout = await planned(context, draft.id, { node, from: draft.recovery?.from ?? null }, draft.requester, seen);
  if (tokenOf(rollout, seen) !== token)
    return show(context, rollout, seen, false, 'What was shown has changed since. This is the new plan:');
  await context.control.start(rollout);
  context.log.info({ rollout: rollout.id, node, version: rollout.release.version }, 'recovery started');
  const words = `${foreign(node, 80)} gets ${rollout.release.version} back. Rollout ${foreign(rollout.id)}; the channel shows how it goes.`;
  return withFacts({ rollout: rolloutFacts(rollout) }, say(words));
}

async function planned(
  context: CommandContext,
  id: string,
  { node, from }: { node: string; from: string | null },
  requester: Actor,
  seen: NodeSurvey[],
): Promise<Rollout> {
  const { control, clock } = context;
  const fleet = { ...context.fleet, service: serviceOf(context.fleet, node) };
  const now = clock.now();
  // What the ledger says was proven is not the last that was, where a run is missing from it.
  const region = seen.find((each) => each.node === node)?.region;
  await refuseForgotten(
    context,
    seen.filter((each) => each.region === region),
  );
  const ledger = await control.ledger.load();
  const recorded = recordedFor(ledger, fleet, node, seen);
  if (recorded.version === null)
    throw new Refused(
      `What was proven last on ${node} told no version, so nobody could prove it again. Put binary and environment file there by hand, or start an upgrade.`,
    );
  const shelf = await onShelf(context, recorded.version, serviceIn(node));
  const epoch = await newEpoch(context);
  const pace = paceOf(ledger, fleet, shelf.shelf?.archiveBytes ?? 0);
  return planRecovery({ id, fleet, node, recorded, ...shelf, from, requester, now, epoch, survey: seen, pace });
}

/** What it does not have, or gives to nobody, a peer may. */
async function onShelf(
  { releases }: CommandContext,
  version: string,
  service: string | null,
): Promise<{ shelf: Release } | { shelf: null; lack: string }> {
  try {
    return { shelf: await releases.resolve(version, service) };
  } catch (error) {
    if (error instanceof Refused) return { shelf: null, lack: error.message };
    throw error;
  }
}

async function show(
  context: CommandContext,
  rollout: Rollout,
  seen: NodeSurvey[],
  dryRun: boolean,
  remark: string | null,
): Promise<Reply> {
  if (!dryRun) await context.control.store.saveDraft(rollout, draftTtlMs);
  const token = dryRun ? null : tokenOf(rollout, seen);
  const reply = withFacts(
    { plan: token, rollout: rolloutFacts(rollout) },
    recoveryPreview({ rollout, survey: seen, token, remark }),
  );
  return remark === null ? reply : ended('outdated', reply);
}

/** Names the plan and what it was made over: what lies there, not what runs, which changes while a service is restarted over and over. */
function tokenOf({ id, release, recovery, nodes }: Rollout, seen: NodeSurvey[]): string {
  const lies = seen.flatMap(({ node, fitness }) =>
    nodes[node] === undefined ? [] : [fitness?.seen?.disk, fitness?.seen?.env, fitness?.seen?.tornEnv],
  );
  const mark = createHash('sha256')
    .update(JSON.stringify([release.binarySha256, recovery, lies.map((each) => each ?? null)]))
    .digest('hex');
  return `${id}~${mark.slice(0, 12)}`;
}
