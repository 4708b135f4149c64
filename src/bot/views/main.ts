import {
  actions,
  allBrought,
  approvals,
  asksFrom,
  currentPhase,
  declineOf,
  isBalancer,
  isBegunElsewhere,
  isOpen,
  nextNode,
  nodesInOrder,
  noticeOver,
  regionsOf,
  strategies,
  waitsForWindows,
  watchBefore,
  watchEnd,
} from '../../upgrade/rollout/index.ts';
import type { ActionPhase, ApprovalPhase, NodeRun, Rollout } from '../../upgrade/rollout/types.ts';
import { describeLocal } from '../../windows/index.ts';
import { pauseButton, rollbackButtons, stopButton, wayOn } from './buttons.ts';
import { checklistLines } from './checklist.ts';
import { checksAgainst } from './checks.ts';
import { comparedIn } from './comparison.ts';
import { declinedBy, stillOpen } from './declined.ts';
import { ranBefore, unsure } from './ending.ts';
import { forecast } from './forecast.ts';
import { broughtWords, goalFirst, reached, titled, titleOf } from './goal.ts';
import { haltLines } from './halted.ts';
import type { Button, Part } from './parts.ts';
import { type Post, post } from './post.ts';
import { finishedFirst, recoveryLine } from './recovery.ts';
import { signedWord, unaskedLines } from './signed.ts';
import { takenLines } from './taken.ts';
import { tally } from './tally.ts';
import { count, foreign, gateReason, heldReason, names, overrideWhy, person, when, who } from './text.ts';
import { verdict } from './verdict.ts';
import { standstills } from './waits.ts';
import { readinessLines, rehearsalLines } from './way-back.ts';
import { askedOf, counted, isLarge, nodeWord, scopeName, versionsBefore } from './words.ts';

/** The one live message of a rollout: everything that matters now. */
export function mainPost(rollout: Rollout): Post {
  return post(rollout, 'main', { is: 'channel' }, mainParts(rollout));
}

export function mainParts(rollout: Rollout): Part[] {
  return [
    { is: 'title', text: `${titled(rollout, titleOf(rollout))}: ${verdict(rollout)}` },
    {
      is: 'lines',
      lines: [
        progress(rollout),
        ...readinessLines(rollout),
        ...(isOpen(rollout) ? rehearsalLines(rollout) : []),
        ...statusLines(rollout),
        ...(isOpen(rollout) ? haltLines(rollout) : []),
        ...standstills(rollout),
        ...waitingLines(rollout),
        ...checklistLines(rollout),
        ...takenLines(rollout),
      ],
    },
    { is: 'lines', lines: regionsOf(rollout).map((region) => regionLine(rollout, region)) },
    { is: 'lines', lines: [what(rollout), ...unsigned(rollout), ...unaskedLines(rollout)] },
    { is: 'note', text: note(rollout) },
    { is: 'buttons', buttons: mainButtons(rollout) },
  ];
}

function what(rollout: Rollout): string {
  if (rollout.recovery !== undefined) return recoveryLine(rollout);
  if (rollout.change?.is === 'migrate')
    return `*${goalFirst(rollout)}* of the database of ${foreign(rollout.fleet)}, from ${rollout.change.from}, asked for by ${who(rollout.requester)}`;
  const before = versionsBefore(rollout);
  const nodes = count(nodesInOrder(rollout).filter((node) => !isBalancer(node)).length, 'node');
  const change =
    rollout.change !== undefined
      ? titleOf(rollout).replace(/^./, (first) => first.toUpperCase())
      : before === ''
        ? `to ${broughtWords(rollout)}`
        : `${before} → ${broughtWords(rollout)}`;
  return `*${change}* on ${nodes} of ${foreign(rollout.fleet)}, ${strategies[rollout.strategy].way}, asked for by ${who(rollout.requester)}`;
}

/** Signed is said in the note; what nobody signed is said aloud. */
const unsigned = ({ release, recovery, change }: Rollout): string[] =>
  release.signed === null && recovery?.from === undefined && change === undefined ? [signedWord(release)] : [];

/** A bar of ten with the numbers beside it. */
export function progress(rollout: Rollout): string {
  const acts = actions(rollout);
  if (nodesInOrder(rollout).length === 0 && acts.length > 0) return acts.map(actionWords).join('\n');
  const { all, onNew } = tally(rollout);
  const filled = all === 0 ? 0 : Math.floor((10 * onNew.length) / all);
  return `\`${'█'.repeat(filled)}${'░'.repeat(10 - filled)}\` ${onNew.length} of ${count(all, 'node')} ${reached(rollout)}${ranBefore(rollout)}${unsure(rollout)}`;
}

/** How an action stands, in one line. */
export function actionWords({ title, work: { state, facts } }: ActionPhase): string {
  const name = foreign(title, 80);
  switch (state.is) {
    case 'waiting':
      return `○ ${name} was not begun`;
    case 'working': {
      const how = state.lastReason === null ? '' : `: ${foreign(state.lastReason, 200)}`;
      return `● ${name} ${state.direction === 'back' ? 'goes back' : 'is under way'} since ${when(state.underWaySince ?? state.since ?? 0)}${how}`;
    }
    case 'done':
      return `✓ ${name} is done${facts.schema === undefined ? '' : `, the schema is ${facts.schema}`}, at ${when(state.at)}`;
    case 'failed':
      return `✗ ${name} failed before anything was changed: ${foreign(state.reason, 600)}`;
    case 'undone':
      return `↩ ${name} was brought back: ${foreign(state.reason, 300)}`;
    case 'stuck':
      return `✗ ${name} needs a person, nothing brings it back by itself: ${foreign(state.reason, 1_500)}`;
  }
}

function statusLines(rollout: Rollout): string[] {
  const { override } = rollout;
  const overridden = override
    ? [
        `Maintenance windows ${isOpen(rollout) ? 'are' : 'were'} overridden until ${when(override.until)} by ${who(override.by)}${override.with === undefined ? '' : ` with ${who(override.with)}`}: ${overrideWhy(override)}`,
      ]
    : [];
  return [...overridden, ...statusLine(rollout)];
}

function statusLine(rollout: Rollout): string[] {
  const { status } = rollout;
  switch (status.is) {
    case 'paused':
      return [`Paused by ${who(status.by)} at ${when(status.at)}; no further node is begun`];
    case 'held':
      return [
        `*Held* since ${when(status.at)}: ${heldReason(status.reason)}`,
        ...(status.pending === null
          ? []
          : [`The rollback of ${foreign(scopeName(status.pending.scope), 80)} was cut short${goesOnWithIt(rollout)}`]),
      ];
    case 'rolling-back':
      return [
        `Rolling back ${scopeName(status.scope)}, asked by ${who(status.by)} at ${when(status.at)}; still to go: ${names(status.queue)}`,
      ];
    case 'stopping':
      return [`Being stopped by ${who(status.by)}; the node under way is ${finishedFirst(rollout)} first`];
    case 'done':
      return [`Finished at ${when(status.at)}`];
    case 'rolled-back':
      return [`Rolled back (${scopeName(status.scope)}) at ${when(status.at)}`];
    case 'stopped':
      return [`Stopped by ${who(status.by)} at ${when(status.at)}`];
    default:
      return [];
  }
}

/** Nothing goes on with it before it is adopted, or while a node still goes back. */
const goesOnWithIt = (rollout: Rollout): string =>
  wayOn(rollout).some(({ action }) => action === 'retry') ? '; `retry` goes on with it' : '';

/** Every node while that is readable, else numbers and only what moves or fails. */
function regionLine(rollout: Rollout, region: string): string {
  const nodes = nodesInOrder(rollout).filter((node) => node.region === region);
  const named = !isLarge(rollout) && nodes.length <= 10;
  const inside = named ? nodes.map((node) => nodeText(node, region)).join('  ·  ') : counted(nodes);
  return `*${foreign(region)}*  ${inside}`;
}

function nodeText(node: NodeRun, region: string): string {
  const { glyph, word } = nodeWord(node);
  const short = node.name.startsWith(`${region}-`) ? node.name.slice(region.length + 1) : node.name;
  return `${glyph} ${foreign(short, 60)} ${word}`;
}

function waitingLines(rollout: Rollout): string[] {
  if (rollout.status.is !== 'running' && rollout.status.is !== 'paused') return [];
  const node = nextNode(rollout);
  if (node === null) return [];
  return [
    ...phaseLines(rollout),
    ...windowLines(rollout, node),
    ...(waitsForWindows(rollout) ? lookedLines(rollout, node) : []),
    ...heldLines(node),
  ];
}

function phaseLines(rollout: Rollout): string[] {
  const phase = currentPhase(rollout);
  if (phase?.is === 'approval' && phase.state.is === 'pending') return askedLater(rollout, phase);
  if (phase?.state.is !== 'active') return [];
  if (phase.is === 'watch' && phase.for > 0)
    return [
      `Watching ${foreign(phase.title)} until ${when(watchEnd(rollout, phase) ?? 0)}`,
      ...phase.regions.flatMap((region) => checksAgainst(rollout, region)),
    ];
  if (phase.is !== 'approval') return [];
  const no = declineOf(phase);
  if (no !== null) return [`✗ ${declinedBy(phase, no)}`, stillOpen(phase)];
  return [
    `Waiting for approval of *${foreign(phase.title)}* by ${askedOf(rollout, phase)}`,
    ...comparedIn(watchBefore(rollout, phase)),
  ];
}

/** A start that is far ahead is asked about when it is near, and nobody at night where that can wait. */
function askedLater(rollout: Rollout, phase: ApprovalPhase): string[] {
  const from = asksFrom(rollout, phase);
  if (from === null) return [];
  // When everybody is told, and with that when it begins, nobody knows.
  const isKnown = rollout.startedAt !== null || noticeOver(rollout) !== null;
  const then = isKnown ? `from ${when(from)} on` : 'once everybody was told of the start';
  return [`Approval of *${foreign(phase.title)}* is asked for ${then}`];
}

function windowLines(rollout: Rollout, node: NodeRun): string[] {
  if (node.state.is === 'working' || approvals(rollout).some((phase) => declineOf(phase) !== null)) return [];
  const next = forecast(rollout).regions.find(({ region }) => region === node.region);
  const calendar = rollout.calendars[node.region];
  if (next === undefined || calendar === undefined) return [];
  return [`Next: ${foreign(node.name)}, not before ${when(next.begin)}, ${describeLocal(next.begin, calendar.zone)}`];
}

/** What the last looks found that keeps it from beginning, before a worker was kept by it. */
const lookedLines = (rollout: Rollout, node: NodeRun): string[] => [
  ...alertLines(rollout, node),
  ...proofLines(rollout, node),
  ...compatibleLines(rollout, node),
];

/** What the last look was told: nothing is begun on it, and people see why before a worker was kept by it. */
function alertLines({ looks }: Rollout, { region, state }: NodeRun): string[] {
  const { at = null, alerts } = looks[region] ?? {};
  if (at === null || state.is !== 'ready' || alerts === undefined || alerts.is === 'quiet') return [];
  const what =
    alerts.is === 'firing'
      ? `alerts fired for ${foreign(region)}: ${foreign(alerts.names.join(', '))}`
      : `nobody could say whether alerts fire for ${foreign(region)}: ${foreign(alerts.reason)}`;
  return [`‼ At ${when(at)} ${what}. No node is begun there until that ends.`];
}

/** What was begun goes on without it. */
function proofLines(rollout: Rollout, { name, region, state }: NodeRun): string[] {
  const said = rollout.looks[region]?.elsewhere;
  if (state.is !== 'ready' || isBegunElsewhere(rollout, name)) return [];
  if (said?.is === 'doubted') return [`‼ Begun all the same, as the settings want: ${foreign(said.reason, 500)}`];
  if (said?.is !== 'unproven') return [];
  const none = rollout.startedAt === null ? 'No node is begun yet' : 'No further node is begun';
  return [`‼ ${none}: ${foreign(said.reason, 500)}`];
}

/** A region that was begun goes on. */
function compatibleLines(rollout: Rollout, { name, region, state }: NodeRun): string[] {
  const said = rollout.looks[region]?.compatibility;
  const isBegun = nodesInOrder(rollout).some(
    (other) => other.region === region && other.touched && other.name !== name,
  );
  if (state.is !== 'ready' || said?.is !== 'refused' || isBegun) return [];
  return [`‼ No node is begun in ${foreign(region, 80)}: ${foreign(said.reasons.join('; '), 700)}`];
}

/** A file that stops everything is told above. */
function heldLines({ name, held, state }: NodeRun): string[] {
  if (held === null || state.is === 'working') return [];
  const others = held.gates.filter((gate) => gate.name !== 'halt');
  return others.map((gate) => `${foreign(name)} could not be begun: ${gateReason(gate)} (${person(gate.owner, 80)})`);
}

function note(rollout: Rollout): string {
  const { end, regions } = forecast(rollout);
  const isAsked = approvals(rollout).some(({ state }) => state.is !== 'done');
  const without = isAsked ? ', not counting the time that approvals take' : '';
  const goesOn = rollout.status.is === 'running' && approvals(rollout).every((phase) => declineOf(phase) === null);
  const expected = end === null || regions.length === 0 || !goesOn ? [] : [`Expected end: ${when(end)}${without}`];
  const self =
    rollout.policy.selfApproval && approvals(rollout).length > 0
      ? ['The requester may approve their own rollout here']
      : [];
  const signed = allBrought(rollout).flatMap(({ release }) => (release.signed === null ? [] : [signedWord(release)]));
  return [
    ...expected,
    ...self,
    ...signed,
    `Rollout ${foreign(rollout.id)}, run ${rollout.run}. Details are in the thread.`,
  ].join('. ');
}

function mainButtons(rollout: Rollout): Button[] {
  const back = rollbackButtons(rollout, [{ is: 'all' }]);
  if (!isOpen(rollout)) return [];
  if (rollout.unsigned) return rollout.status.is === 'stopping' ? back : [stopButton(rollout), ...back];
  switch (rollout.status.is) {
    case 'running':
      return [pauseButton(rollout), stopButton(rollout), ...back];
    case 'paused':
    case 'held':
      return [...wayOn(rollout), stopButton(rollout), ...back];
    case 'rolling-back':
      return [stopButton(rollout)];
    case 'stopping':
      return back;
    default:
      return [];
  }
}
