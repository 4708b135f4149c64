import { isAny } from '../../base/is-any.ts';
import { standing, withFreezes } from '../../upgrade/ledger/index.ts';
import {
  gates,
  goesForward,
  isQueued,
  isWatchedAfterwards,
  knowing,
  nextNode,
  nodesInOrder,
  releaseOf,
  workingNodes,
} from '../../upgrade/rollout/index.ts';
import type { Diagnosis, Gate, GateName, NodeRun, Rollout } from '../../upgrade/rollout/types.ts';
import {
  describeLocal,
  describeWindow,
  frozenBy,
  neverCloses,
  nextOpening,
  openInterval,
} from '../../windows/index.ts';
import type { Calendar } from '../../windows/types.ts';
import { asShownNow } from '../as-shown.ts';
import { type Asking, type CommandContext, ended, say, withFacts } from '../context.ts';
import { gateFacts, nodeFacts, rolloutFacts } from '../facts/rollout.ts';
import { surveyFacts } from '../facts/survey.ts';
import { freezeFacts, windowFacts } from '../facts/windows.ts';
import { afterwardsLines } from '../views/afterwards.ts';
import { comparedLast } from '../views/comparison.ts';
import { headline } from '../views/ending.ts';
import { freezeLines } from '../views/freezes.ts';
import { goalFirst, goalOf } from '../views/goal.ts';
import { mainParts } from '../views/main.ts';
import type { Part } from '../views/parts.ts';
import { surveyLines } from '../views/survey.ts';
import { takenLines } from '../views/taken.ts';
import { codeLines, foreign, gateReason, person, span, when, who } from '../views/text.ts';
import { verdict } from '../views/verdict.ts';
import { standsStill, standstills } from '../views/waits.ts';
import { nodeWord } from '../views/words.ts';
import { linkTo } from '../workspace.ts';
import {
  demand,
  fleetNow,
  glance,
  type Handler,
  isSilence,
  surveyPatience,
  theRollout,
  unknownName,
} from './common.ts';
import { elsewhereOf } from './draft.ts';
import { forgottenWords, saidOfForgotten } from './forgotten.ts';

export const status: Handler<'status'> = async (context, asking) => {
  await demand(context, asking, { is: 'look' });
  const { store } = context.control;
  const open = await store.open();
  if (open !== null)
    return {
      parts: [...mainParts(await asShownNow(context, open)), ...(await threadOf(context, open))],
      facts: { rollout: rolloutFacts(open), last: null, nodes: null },
    };
  const [last] = await store.latest(1);
  const seen = await glance(context);
  const head = last === undefined ? 'Nothing is running.' : `Nothing is running. Last: ${headline(last)}`;
  const reply = withFacts(
    { rollout: null, last: last === undefined ? null : rolloutFacts(last), nodes: surveyFacts(seen) },
    say(
      head,
      ...(last === undefined ? [] : afterwardsLines(last, context.clock.now())),
      ...saidOfForgotten(await forgottenWords(context, seen)),
      ...surveyLines(context.fleet, seen),
    ),
  );
  return seen.some(isSilence) ? ended('unreachable', reply) : reply;
};

/** Null where nothing of it was posted, or there is no chat. */
async function linkToThread({ control, workspace }: CommandContext, { id }: Rollout, words: string) {
  if (workspace === null || workspace.url === null) return null;
  const { main } = await control.store.posted(id);
  return main === undefined ? null : linkTo(workspace, main, words);
}

async function threadOf(context: CommandContext, rollout: Rollout): Promise<Part[]> {
  const link = await linkToThread(context, rollout, 'Open the thread');
  return link === null ? [] : [{ is: 'lines', lines: [link] }];
}

/** Every gate that holds the next node (or the named one), who can open it, and when it changes by itself. */
export const why: Handler<'why'> = async (context, asking, { node: name }) => {
  await demand(context, asking, { is: 'look' });
  const rollout = (await watchedNow(context, asking)) ?? (await theRollout(context, asking));
  const [first, ...others] = name === null ? atWork(rollout) : [named(rollout, name)];
  const facts = { rollout: rolloutFacts(rollout) };
  const stands = [
    `*${goalFirst(rollout)}: ${foreign(verdict(rollout))}*`,
    ...takenLines(rollout),
    ...standstills(rollout),
    ...comparedLast(rollout),
  ];
  if (first === undefined)
    return withFacts(
      { ...facts, node: null, gates: [], others: [] },
      say(
        ...stands,
        'Every node is done.',
        ...afterwardsLines(rollout, context.clock.now()),
        ...(goesForward(rollout) && !rollout.unsigned
          ? ['It ends by itself once all of them were seen to be well, and proven, once more.']
          : []),
      ),
    );
  const now = context.clock.now();
  const known = await asOfNow(context, rollout);
  const factsOf = (node: NodeRun) => ({ node: nodeFacts(node), gates: holding(known, node, now).map(gateFacts) });
  return withFacts(
    { ...facts, ...factsOf(first), others: others.map(factsOf) },
    say(...stands, ...[first, ...others].flatMap((node) => whyLines(known, node, now))),
  );
};

/** Where nothing is running: the last one, while what it left is watched. */
async function watchedNow({ control }: CommandContext, { rollout }: Asking): Promise<Rollout | null> {
  if (rollout !== null || (await control.store.open()) !== null) return null;
  const [last] = await control.store.latest(1);
  return last !== undefined && isWatchedAfterwards(last) ? last : null;
}

/** Every node under way, else the one that is next. */
function atWork(rollout: Rollout): NodeRun[] {
  const working = workingNodes(rollout);
  const next = queued(rollout) ?? nextNode(rollout) ?? heldOver(rollout);
  return working.length > 0 || next === null ? working : [next];
}

function named({ nodes }: Rollout, name: string): NodeRun {
  const node = Object.hasOwn(nodes, name) ? nodes[name] : undefined;
  if (node === undefined) throw unknownName('node', name, Object.keys(nodes));
  return node;
}

/** A freeze, or a proof that is lacking, is told at once, and not only when a look or a step has met it. */
async function asOfNow(context: CommandContext, rollout: Rollout): Promise<Rollout> {
  const { regions } = await fleetNow(context);
  const freezes = (name: string) => regions.find((region) => region.name === name)?.calendar.freezes ?? [];
  return knowing(rollout, freezes, await elsewhereOf(context, rollout));
}

/** Of a rollback that was asked for: what waits longest to be brought back, else the first of its queue. */
function queued(rollout: Rollout): NodeRun | null {
  const queue = nodesInOrder(rollout).filter((node) => isQueued(rollout, node));
  return queue.find(({ held }) => held !== null) ?? queue[0] ?? null;
}

/** Every node is done, and yet it is held: over one that fell sick since, or by nobody's answer. */
function heldOver({ status, nodes }: Rollout): NodeRun | null {
  if (status.is !== 'held') return null;
  return nodes[status.node ?? ''] ?? Object.values(nodes).at(-1) ?? null;
}

/** One that was rolled back is not, while a rollout is held over it: it is the next to be tried again. */
function isOver(rollout: Rollout, node: NodeRun): boolean {
  const isHeld = rollout.status.is === 'held' && (nextNode(rollout) ?? heldOver(rollout))?.name === node.name;
  return isAny(node.state.is, 'done', 'rolled-back') && !isQueued(rollout, node) && !isHeld;
}

/** Gates that are closed now, and those that were closed when its worker last looked right before the stop. */
function holding(rollout: Rollout, node: NodeRun, now: number): { gate: Gate; seen: 'now' | 'before-its-stop' }[] {
  if (isOver(rollout, node)) return [];
  const closed = [...behind(rollout, node), ...gates(rollout, node.name, now)];
  const isTold = (held: Gate) => closed.some((gate) => gate.name === held.name || gate.reason.includes(held.reason));
  const seen = (node.held?.gates ?? []).filter((held) => !isTold(held));
  return [
    ...closed.map((gate) => ({ gate, seen: 'now' as const })),
    ...seen.map((gate) => ({ gate, seen: 'before-its-stop' as const })),
  ];
}

/** They are brought back one at a time, which no gate of the node tells. */
function behind(rollout: Rollout, node: NodeRun): Gate[] {
  const [busy] = workingNodes(rollout);
  if (busy === undefined || node.state.is === 'working' || !isQueued(rollout, node)) return [];
  const reason = `one is brought back at a time, and ${busy.name} is being worked on`;
  return [{ name: 'turn', reason, owner: busy.name, opensAt: null }];
}

function whyLines(rollout: Rollout, node: NodeRun, now: number): string[] {
  const { glyph, word } = nodeWord(node);
  const head = `*${foreign(node.name, 80)}*: ${glyph} ${word}`;
  const { state } = node;
  if (isOver(rollout, node)) return [head];
  const tries =
    (state.is === 'working' || state.is === 'staging') && state.lastReason !== null
      ? [`Last try: ${foreign(state.lastReason)}; the next one not before ${when(state.notBefore)}`]
      : [];
  const held = holding(rollout, node, now);
  if (held.length === 0 && tries.length === 0)
    return [
      head,
      standsStill(rollout, node.region) === null ? 'Nothing holds it.' : 'No gate holds it; what stands above does.',
    ];
  const asSeen = { now: '', 'before-its-stop': ' (as last seen right before its stop)' };
  return [head, ...tries, ...held.map(({ gate, seen }) => `${gateLine(gate)}${asSeen[seen]}`)];
}

/** They open without a decision of anybody, at a time that nobody knows before. */
const openByThemselves: GateName[] = ['notice', 'staged', 'turn', 'bake', 'quorum', 'proof'];

function gateLine(gate: Gate): string {
  const { name, owner, opensAt } = gate;
  const unknown = openByThemselves.includes(name) ? 'when is not known' : 'does not change by itself';
  const changes = opensAt === null ? unknown : `changes ${when(opensAt)}`;
  const by = owner === 'the clock' ? 'By itself' : `Opened by ${person(owner)}`;
  return `• ${name}: ${gateReason(gate)}. ${by}; ${changes}`;
}

export const windows: Handler<'windows'> = async (context, asking) => {
  await demand(context, asking, { is: 'look' });
  const now = context.clock.now();
  const ledger = await context.control.ledger.load();
  const { regions } = withFreezes(context.fleet, ledger, now);
  return withFacts(
    {
      regions: regions.map(({ name, calendar }) => windowFacts(name, calendar, now)),
      freezes: standing(ledger, now).map(freezeFacts),
    },
    say(
      ...regions.map(({ name, calendar }) => `*${foreign(name, 80)}* ${windowText(calendar, now)}`),
      ...freezeLines(context.fleet, ledger, now),
    ),
  );
};

function windowText(calendar: Calendar, now: number): string {
  const written = `${calendar.windows.map(describeWindow).join(', ')} (${calendar.zone})`;
  const open = openInterval(calendar, now);
  if (neverCloses(calendar, now)) return `open all the time. ${written}`;
  if (open !== null) return `open now until ${when(open.end)}, ${describeLocal(open.end, calendar.zone)}. ${written}`;
  const frozen = frozenBy(calendar, now);
  const why = frozen === null ? '' : `frozen by ${person(frozen.author, 80)} (${foreign(frozen.reason)}); `;
  const next = nextOpening(calendar, now);
  if (next.is === 'never') return `${why}closed: ${foreign(next.reason)}`;
  return `${why}closed; opens ${when(next.interval.start)}, ${describeLocal(next.interval.start, calendar.zone)}. ${written}`;
}

export const history: Handler<'history'> = async (context, asking) => {
  await demand(context, asking, { is: 'look' });
  const last = await context.control.store.latest(10);
  const links = await Promise.all(last.map((rollout) => linkToThread(context, rollout, 'open it')));
  const told = last.map((rollout, at) => [historyLine(rollout), links[at] ?? []].flat().join(' '));
  const lines = last.length === 0 ? ['There was no rollout yet.'] : told;
  return withFacts({ rollouts: last.map(rolloutFacts) }, say(...lines));
};

function historyLine(rollout: Rollout): string {
  const { status: current, createdAt, startedAt } = rollout;
  const took = 'at' in current && startedAt !== null ? `, took ${span(current.at - startedAt)}` : '';
  const ended = current.is === 'done' || current.is === 'stopped' || current.is === 'rolled-back' ? took : '';
  return `${when(createdAt)}  *${goalOf(rollout)}* ${verdict(rollout)}, asked for by ${who(rollout.requester)}${ended} (${foreign(rollout.id, 60)})`;
}

export const diagnose: Handler<'diagnose'> = async (context, asking, { node: name, bundle }) => {
  await demand(context, asking, { is: 'diagnose' });
  const nodes = context.fleet.regions.flatMap((region) => region.nodes);
  const node = nodes.find((each) => each.name === name);
  if (node === undefined)
    throw unknownName(
      'node',
      name,
      nodes.map((each) => each.name),
    );
  const found = await context.control.diagnose(node, surveyPatience(1));
  const before = await captured(context, node.name);
  return {
    outcome: isSilence(found) ? 'unreachable' : 'done',
    facts: {
      node: node.name,
      without: null,
      ...diagnosisFacts(found, bundle !== undefined),
      captured: capturedFacts(before, bundle !== undefined),
    },
    parts: [
      { is: 'lines', lines: [`*${foreign(node.name, 80)}* now: ${foreign(found.summary, 500)}`, ...mendLines(found)] },
      { is: 'code', text: codeLines(found.evidence, 16) },
      ...(before === null ? [] : capturedParts(before)),
    ],
  };
};

type Captured = Diagnosis & { version: string };

/** @param whole with all that was captured, which is long */
const diagnosisFacts = ({ summary, evidence, causes, bundle }: Diagnosis, whole: boolean) => ({
  summary,
  evidence,
  causes: causes?.map(({ name, says, line, mend, next }) => ({ name, says, line, mend, next })) ?? null,
  bundle: whole ? (bundle ?? null) : null,
});

const capturedFacts = (before: Captured | null, whole: boolean) =>
  before === null ? null : { version: before.version, ...diagnosisFacts(before, whole) };

const mendLines = ({ causes }: Diagnosis): string[] =>
  (causes ?? []).slice(0, 1).map(({ mend }) => `What to do: ${foreign(mend, 200)}`);

/** What was found before a rollback destroyed it, by the newest rollout: afterwards the node looks well. */
async function captured({ control }: CommandContext, name: string): Promise<Captured | null> {
  const [last] = await control.store.latest(1);
  const diagnosis = last?.nodes[name]?.diagnosis ?? null;
  if (last === undefined || diagnosis === null) return null;
  return { version: releaseOf(last, name).version, ...diagnosis };
}

const capturedParts = ({ version, ...diagnosis }: Captured): Part[] => [
  {
    is: 'lines',
    lines: [
      `When it failed on ${version}, before it was rolled back: ${foreign(diagnosis.summary, 500)}`,
      ...mendLines(diagnosis),
    ],
  },
  { is: 'code', text: codeLines(diagnosis.evidence, 16) },
];
