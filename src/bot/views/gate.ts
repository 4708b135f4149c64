import { nodesInOrder } from '../../upgrade/rollout/index.ts';
import type { BatchRun, Rollout } from '../../upgrade/rollout/types.ts';
import { describeLocal } from '../../windows/index.ts';
import { approveButton, holdButton, rollbackButtons } from './buttons.ts';
import { forecast } from './forecast.ts';
import { proofText } from './node.ts';
import type { Part } from './parts.ts';
import { type Post, post } from './post.ts';
import { count, foreign, names, span, when, who } from './text.ts';
import { approverMentions, nodeWord } from './words.ts';

/** A broadcast for every region that was asked for; asking again after an expiry is a new message, since edits notify nobody. */
export function gatePosts(rollout: Rollout): Post[] {
  return rollout.batches.flatMap((batch, index) => {
    if (!batch.approval || batch.askedAt === null) return [];
    const open = batch.approved === null && ['running', 'paused'].includes(rollout.status.is);
    const parts = open ? asking(rollout, batch, index) : decided(rollout, batch);
    const key = `gate.${batch.region}.${Math.floor(batch.askedAt / 1000)}`;
    return [post(rollout, key, { is: 'thread', broadcast: true }, parts, { onlyEdit: !open })];
  });
}

function asking(rollout: Rollout, batch: BatchRun, index: number): Part[] {
  const region = foreign(batch.region, 80);
  const before = rollout.batches[index - 1];
  const rollback = before === undefined ? [] : rollbackButtons(rollout, [{ is: 'region', region: before.region }]);
  return [
    {
      is: 'lines',
      lines: [
        `${approverMentions(rollout.approvers[batch.region])}: may *${region}* (${count(batch.nodes.length, 'node')}) go to ${rollout.release.version}?`,
        ...(before === undefined ? [] : [...facts(rollout, before), rest(rollout, before)]),
        ...begins(rollout, batch),
        `An approval holds for ${span(rollout.policy.approvalExpires)}. ${selfRule(rollout)}`,
      ],
    },
    { is: 'buttons', buttons: [approveButton(rollout, batch.region), holdButton(rollout), ...rollback] },
  ];
}

/** What was learned since the last gate, node by node while that is readable. */
function facts(rollout: Rollout, before: BatchRun): string[] {
  const nodes = nodesInOrder(rollout).filter(({ name }) => before.nodes.includes(name));
  const watched = before.bake === 0 ? '' : `, seen healthy for ${span(before.healthyFor)}`;
  const head = `*${foreign(before.region, 80)}* is done${watched}:`;
  const shown = nodes.slice(0, 5).map((node) => {
    const { glyph, word } = nodeWord(node);
    const proof = node.proof === null ? '' : `: ${proofText(node.proof, rollout.release.version)}`;
    return `${glyph} ${foreign(node.name, 80)} ${word}${proof}`;
  });
  return [head, ...shown, ...(nodes.length > 5 ? [`… and ${nodes.length - 5} more`] : []), ...seenNow(rollout, before)];
}

/** The region is looked at until somebody decides: an approval is given on what is true now. */
function seenNow({ looks }: Rollout, { region }: BatchRun): string[] {
  const { at = null, standing = {} } = looks[region] ?? {};
  if (at === null) return [];
  const bad = Object.keys(standing).filter((name) => standing[name] !== 'healthy');
  const all = Object.keys(standing).length;
  const now = bad.length === 0 ? `all ${count(all, 'node')} healthy` : `not healthy: ${names(bad)}`;
  return [`Now (${when(at)}): ${now}`];
}

function rest(rollout: Rollout, before: BatchRun): string {
  const after = rollout.batches.slice(rollout.batches.indexOf(before) + 1).map(({ region }) => foreign(region, 80));
  return `Not begun yet: ${after.join(', ')}`;
}

function begins(rollout: Rollout, batch: BatchRun): string[] {
  const next = forecast(rollout).regions.find(({ region }) => region === batch.region);
  const zone = rollout.calendars[batch.region]?.zone;
  if (next === undefined || zone === undefined) return [];
  return [`If approved: begins ${when(next.begin)}, ${describeLocal(next.begin, zone)}`];
}

function selfRule({ policy, requester }: Rollout): string {
  return policy.selfApproval
    ? `Self-approval is allowed here: ${who(requester)} asked for the rollout and may approve it.`
    : `${who(requester)} asked for the rollout and may not approve it.`;
}

function decided(rollout: Rollout, batch: BatchRun): Part[] {
  const region = foreign(batch.region, 80);
  const { approved } = batch;
  if (approved === null) {
    return [{ is: 'lines', lines: [`*${region}* was not approved; it is not being asked for now.`] }];
  }
  const self =
    approved.by === rollout.requester ? ' (who asked for the rollout too: self-approval is allowed here)' : '';
  return [{ is: 'lines', lines: [`✓ *${region}* approved by ${who(approved.by)} at ${when(approved.at)}${self}`] }];
}
