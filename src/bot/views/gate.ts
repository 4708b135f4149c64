import {
  approvals,
  balancerTurns,
  declineOf,
  goesForward,
  healthyFor,
  isBalancer,
  isTurn,
  nodeOf,
  nodesInOrder,
  phaseOf,
  releaseOf,
  sinceOf,
  stillAsked,
  takesNodes,
  watchBefore,
} from '../../upgrade/rollout/index.ts';
import type { Approval, ApprovalPhase, RollbackScope, Rollout, WatchPhase } from '../../upgrade/rollout/types.ts';
import { describeLocal } from '../../windows/index.ts';
import { approveButton, declineButtons, holdButton, rollbackButtons } from './buttons.ts';
import { checksNow } from './checks.ts';
import { comparedIn } from './comparison.ts';
import { declinedBy, declinedLines } from './declined.ts';
import { forecast } from './forecast.ts';
import { askedFor } from './goal.ts';
import { whyOver } from './last-word.ts';
import { proofText } from './node.ts';
import type { Button, Part } from './parts.ts';
import { closing, type Post, post } from './post.ts';
import { servingAt } from './serving.ts';
import { count, foreign, marked, names, partFirst, sentence, span, when, who } from './text.ts';
import { askedOf, nodeWord } from './words.ts';

/** A broadcast for every approval that was asked for; asking again after an expiry is a new message, since edits notify nobody. */
export function gatePosts(rollout: Rollout): Post[] {
  if (rollout.unsigned) return [];
  return approvals(rollout).flatMap((phase) => {
    const since = sinceOf(phase);
    if (since === null) return [];
    const open = isAsking(rollout, phase);
    const [key, place] = [gateKey(phase, since), { is: 'thread', broadcast: true } as const];
    return [
      open ? post(rollout, key, place, asking(rollout, phase)) : closing(rollout, key, place, decided(rollout, phase)),
    ];
  });
}

/** It is asked for, and a yes would count. */
export const isAsking = (rollout: Rollout, { state }: ApprovalPhase): boolean =>
  state.is === 'active' && goesForward(rollout) && !rollout.unsigned;

/** Names the message of one ask. */
export const gateKey = ({ id }: ApprovalPhase, since: number): string =>
  `gate.${id.slice('approval/'.length)}.${Math.floor(since / 1000)}`;

function asking(rollout: Rollout, phase: ApprovalPhase): Part[] {
  const title = foreign(phase.title, 80);
  const switched = switchedBy(rollout, phase);
  const watch = switched === null ? watchBefore(rollout, phase) : null;
  const scopes = switched ?? (watch === null ? [] : scopesOf(watch));
  const nodes = phase.opens.flatMap((id) => nodesOf(rollout, id));
  const no = declineOf(phase);
  return [
    {
      is: 'lines',
      lines: [
        ...(no === null ? [] : marked('✗', declinedLines(rollout, phase, no))),
        `${askedOf(rollout, phase)}: may *${title}* (${count(nodes.length, 'node')}) ${askedFor(rollout)}? ${sentence(servingAt(rollout, phase))}.`,
        ...overruled(phase),
        ...said(phase),
        ...(switched === null ? [] : [switching(rollout, phase)]),
        ...(watch === null ? [] : [...facts(rollout, watch), rest(rollout, watch)]),
        ...begins(rollout, phase),
        ...bySignature(phase),
        `An approval holds for ${span(rollout.policy.approvalExpires)}. ${selfRule(rollout)}`,
      ],
    },
    {
      is: 'buttons',
      buttons: [...decisions(rollout, phase), ...rollbackButtons(rollout, scopes)],
    },
  ];
}

/** No button would do it: what does stands where it would be. */
const bySignature = ({ by, id }: ApprovalPhase): string[] =>
  by.onlySigned
    ? [
        `To approve, sign with your own key, on a shell with the settings: \`zeitwork approve ${foreign(id.slice('approval/'.length), 80)}\`; \`decline\`, with a reason, says no.`,
      ]
    : [];
/** What is held already cannot be held. */
function decisions(rollout: Rollout, phase: ApprovalPhase): Button[] {
  return [
    ...(phase.by.onlySigned ? [] : [approveButton(rollout, phase), ...declineButtons(rollout, phase)]),
    ...(rollout.status.is === 'running' ? [holdButton(rollout)] : []),
  ];
}

function nodesOf(rollout: Rollout, id: string): string[] {
  const phase = phaseOf(rollout, id);
  return phase.is === 'nodes' ? phase.nodes.filter((name) => !isBalancer(nodeOf(rollout, name))) : [];
}

/** What is rolled back instead, where a switch of the balancer is asked for: what runs beside. null: another thing is asked for. */
function switchedBy(rollout: Rollout, { opens }: ApprovalPhase): RollbackScope[] | null {
  const names = opens
    .flatMap((id) => phaseOf(rollout, id))
    .flatMap((phase) => (phase.is === 'nodes' ? phase.nodes : []));
  const regions = names.map((name) => nodeOf(rollout, name).region);
  const region = regions.find((each) => names.includes(balancerTurns(each).switch));
  return region === undefined ? null : [{ is: 'node', node: balancerTurns(region).beside }];
}

/** What clients get, and what they would get. */
function switching(rollout: Rollout, phase: ApprovalPhase): string {
  const nodes = phase.opens.flatMap((id) => nodesOf(rollout, id)).map((name) => nodeOf(rollout, name));
  const before = [...new Set(nodes.flatMap(({ before }) => before?.version ?? []))].map((version) =>
    foreign(version, 60),
  );
  const port = rollout.service.slots?.port;
  const warm = span(rollout.service.slots?.warm ?? 0);
  return `${nodes.length} ${rollout.release.version} proven beside${port === undefined ? '' : ` on ${port}`}, traffic still on ${before.join(', ') || 'what ran before'}. A yes switches the balancer of *${foreign(phase.title, 80)}*; what serves now stays ready for ${warm} to have the traffic back.`;
}

const scopesOf = ({ regions, nodes }: WatchPhase): RollbackScope[] => {
  const [region, ...others] = regions;
  return region !== undefined && others.length === 0 ? [{ is: 'region', region }] : [{ is: 'nodes', nodes }];
};

/** A no that somebody said yes to since: whoever is asked next knows of it. */
const overruled = (phase: ApprovalPhase): string[] =>
  phase.declined === undefined || phase.given.length === 0 ? [] : [`Before that, ${declinedBy(phase, phase.declined)}`];

/** Who said yes while more are needed. */
function said(phase: ApprovalPhase): string[] {
  const { given, needed } = phase;
  const lacking = stillAsked(phase);
  const own = lacking.length === 0 ? [] : [`Each region wants its own approvers; lacking: ${names(lacking)}`];
  if (needed === 1 && given.length === 0) return own;
  if (given.length === 0) return [`${needed} different people must say yes`, ...own];
  return [
    `${given.length} of ${needed} said yes: ${given.map((each) => who(each.by) + comment(each)).join(', ')}`,
    ...own,
  ];
}

/** What was learned since the last gate, node by node while that is readable. */
function facts(rollout: Rollout, watch: WatchPhase): string[] {
  const nodes = nodesInOrder(rollout).filter(({ name }) => watch.nodes.includes(name));
  const watched = watch.for === 0 ? '' : `, seen healthy for ${span(healthyFor(watch))}`;
  const head = `*${partFirst(watch.title)}* is done${watched}:`;
  const shown = nodes.slice(0, 5).map((node) => {
    const { glyph, word } = nodeWord(node);
    const proof = node.proof === null ? '' : `: ${proofText(node.proof, releaseOf(rollout, node.name).version)}`;
    return `${glyph} ${foreign(node.name, 80)} ${word}${proof}`;
  });
  const more = nodes.length > 5 ? [`… and ${nodes.length - 5} more`] : [];
  return [
    head,
    ...shown,
    ...more,
    ...watch.regions.flatMap((region) => seenNow(rollout, region, watch)),
    ...comparedIn(watch),
  ];
}

/** The region is looked at until somebody decides: an approval is given on what is true now. */
function seenNow(rollout: Rollout, region: string, { regions }: WatchPhase): string[] {
  const { at = null, standing = {} } = rollout.looks[region] ?? {};
  if (at === null) return [];
  const bad = Object.keys(standing).filter((name) => standing[name] !== 'healthy');
  const all = Object.keys(standing).length;
  const now = bad.length === 0 ? `all ${count(all, 'node')} healthy` : `not healthy: ${names(bad)}`;
  return [
    `Now (${when(at)})${regions.length > 1 ? `, ${foreign(region, 80)}` : ''}: ${now}`,
    ...checksNow(rollout, region),
  ];
}

function rest(rollout: Rollout, watch: WatchPhase): string {
  const after = rollout.phases
    .slice(rollout.phases.indexOf(watch) + 1)
    .filter((phase) => isTurn(phase) && takesNodes(phase));
  return `Not begun yet: ${after.map(({ title }) => foreign(title, 80)).join(', ')}`;
}

/** When what it opens begins if nothing else holds it, for whoever reads it and there; null where nobody knows. */
export function beginOf(rollout: Rollout, { opens }: ApprovalPhase): string | null {
  const next = forecast(rollout).regions.find(({ phase }) => opens.includes(phase));
  const zone = rollout.calendars[next?.region ?? '']?.zone;
  return next === undefined || zone === undefined ? null : `${when(next.begin)}, ${describeLocal(next.begin, zone)}`;
}

function begins(rollout: Rollout, phase: ApprovalPhase): string[] {
  const then = beginOf(rollout, phase);
  if (then === null) return [];
  return rollout.status.is === 'paused'
    ? [`If approved, and once it is resumed: not before ${then}`]
    : [`If approved: begins ${then}`];
}

function selfRule({ policy, requester }: Rollout): string {
  return policy.selfApproval
    ? `Self-approval is allowed here: ${who(requester)} asked for the rollout and may approve it.`
    : `${who(requester)} asked for the rollout and may not approve it.`;
}

const comment = ({ comment: said }: Approval): string => (said === undefined ? '' : ` (“${foreign(said)}”)`);

/** How an ask ended, in one line. */
export function decided(rollout: Rollout, phase: ApprovalPhase): string {
  const title = partFirst(phase.title);
  if (phase.state.is !== 'done') {
    return `→ *${title}* was not approved; it is not being asked for now. ${whyOver(rollout)}`;
  }
  const isSelf = phase.given.some(({ by }) => by === rollout.requester);
  const self = isSelf ? ' (who asked for the rollout too: self-approval is allowed here)' : '';
  const by = phase.given.map((each) => `${who(each.by)} at ${when(each.at)}${comment(each)}`).join(', ');
  return [`✓ *${title}* approved by ${by}${self}`, ...overruled(phase)].join('. ');
}
