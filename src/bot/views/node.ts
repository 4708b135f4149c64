import { isAny } from '../../base/is-any.ts';
import { isOpen, isQueued, nodesInOrder, regionsOf, releaseOf, wasOnlyOut } from '../../upgrade/rollout/index.ts';
import type { Diagnosis, NodeRun, Proof, Rollout } from '../../upgrade/rollout/types.ts';
import { checksProven } from './checks.ts';
import { newOf, oldOf, reached, titleOf } from './goal.ts';
import { haltOf } from './halted.ts';
import type { Part } from './parts.ts';
import { type Place, type Post, post } from './post.ts';
import { serving } from './serving.ts';
import { whoActs } from './taken.ts';
import { tally } from './tally.ts';
import { codeLines, count, foreign, span, when } from './text.ts';
import { counted, foreignWord, isLarge, isLeftOut, stepWord } from './words.ts';

const inThread: Place = { is: 'thread', broadcast: false };

/**
 * A line in the thread for every node that was begun in this run, with its proof or its failure; in a large fleet one for every
 * region, and for a node only when it goes wrong.
 */
export function nodePosts(rollout: Rollout): Post[] {
  const nodes = nodesInOrder(rollout);
  if (!isLarge(rollout)) return nodes.flatMap((node) => nodePost(rollout, node));
  const regions = regionsOf(rollout).flatMap((region) => regionPost(rollout, region));
  return [...regions, ...nodes.filter(wentWrong).flatMap((node) => nodePost(rollout, node))];
}

const wentWrong = ({ failure, state }: NodeRun): boolean => failure !== null || state.is === 'stuck';

function nodePost(rollout: Rollout, node: NodeRun): Post[] {
  const parts = nodeParts(rollout, node);
  const unlessSaid = `node.${node.name}.`;
  return parts === null ? [] : [post(rollout, nodeKey(rollout, node), inThread, parts, { unlessSaid })];
}

/** Stands from its first node that is begun, and is edited in place. */
function regionPost(rollout: Rollout, region: string): Post[] {
  const nodes = nodesInOrder(rollout).filter((node) => node.region === region);
  if (nodes.every((node) => nodeParts(rollout, node) === null)) return [];
  const onNew = tally(rollout).onNew.filter((node) => node.region === region).length;
  const head = `*${foreign(region, 80)}*: ${onNew} of ${count(nodes.length, 'node')} ${reached(rollout)}`;
  const lines = [`${head}; ${serving(rollout, [region])}; ${actsIn(rollout, nodes)}`, counted(nodes)];
  const unlessSaid = `region.${region}.`;
  return [post(rollout, regionKey(rollout, region), inThread, [{ is: 'lines', lines }], { unlessSaid })];
}

function actsIn(rollout: Rollout, nodes: NodeRun[]): string {
  const acts = whoActs(rollout);
  if (acts !== '') return acts;
  if (nodes.some(({ state }) => state.is === 'working')) return 'it goes on by itself';
  return nodes.every(({ state }) => state.is === 'done') ? 'nothing is left to do here' : 'no node is under way';
}

export const regionKey = ({ run }: Rollout, region: string): string => `region.${region}.${run}`;

export const nodeKey = ({ run }: Rollout, { name }: NodeRun): string => `node.${name}.${run}`;

function nodeParts(rollout: Rollout, node: NodeRun): Part[] | null {
  const { state } = node;
  const name = `*${foreign(node.name, 80)}*`;
  const lines = (...all: string[]): Part[] => [{ is: 'lines', lines: all }];
  switch (state.is) {
    case 'staging':
      return null;
    case 'ready':
      return node.touched || node.rehearsedAt === undefined ? null : lines(backFrom(rollout, name, node));
    case 'working':
      return state.direction === 'forward'
        ? lines(`▶ ${name} ${wayOn(rollout, node)}; ${others(rollout, node)}`)
        : [
            ...lines(`◀ ${name} ${wayBack(node)}; ${others(rollout, node)}`, ...why(node)),
            ...ownEvidence(rollout, node),
          ];
    case 'done':
      return state.already
        ? null
        : lines(
            `✓ ${name} done: ${proofText(node.proof, releaseOf(rollout, node.name).version)}${rehearsedWord(node)}`,
          );
    case 'failed':
      return [
        ...lines(
          `✗ ${name} failed while ${stepWord(state.step)} and is unchanged: ${stays(node)}. A person decides`,
          `Why: ${foreign(state.reason, 500)}`,
        ),
        ...ownEvidence(rollout, node),
      ];
    case 'unproven':
      return [
        ...lines(
          `✗ ${name} was ${rollout.change?.is === 'restart' ? 'restarted' : `switched to ${newOf(rollout)}`} and is not proven (${stepWord(state.step)})${outOfService(node)}. ${isQueued(rollout, node) ? 'It is still to be rolled back' : 'A person decides'}`,
          `Why: ${foreign(state.reason, 500)}`,
        ),
        ...ownEvidence(rollout, node),
      ];
    case 'rolled-back':
      if (wasOnlyOut(node))
        return [
          ...lines(
            `✗ ${name} failed and is unchanged: it runs ${now(node)}, back in service. A person decides`,
            ...why(node),
          ),
          ...ownEvidence(rollout, node),
        ];
      return [
        ...lines(
          `↩ ${name} runs ${oldOf(rollout, node)} again, rolled back at ${when(state.at)}${provenBack(node)}`,
          ...why(node),
        ),
        ...ownEvidence(rollout, node),
      ];
    case 'stuck':
      return [
        ...lines(
          `‼ ${name} needs a person (${stepWord(state.step)})${outOfService(node)}`,
          `Why: ${foreign(state.reason, 500)}`,
          ...why(node),
        ),
        ...ownEvidence(rollout, node),
      ];
  }
}

/** It was restarted twice, and is not as if nothing had been done to it. */
const backFrom = (rollout: Rollout, name: string, node: NodeRun): string =>
  `↩ ${name} runs ${old(node)} again, back from its rehearsal${node.rehearsedAt === undefined ? '' : `, proven at ${when(node.rehearsedAt)}`}${isOpen(rollout) ? '; it is upgraded again in its turn' : ''}`;

const rehearsedWord = ({ rehearsedAt }: NodeRun): string =>
  rehearsedAt === undefined ? '' : `; its way back was rehearsed at ${when(rehearsedAt)}`;

const outOfService = (node: NodeRun): string => (isLeftOut(node) ? ', is out of service' : '');

const old = ({ before }: NodeRun): string => foreign(before?.version ?? 'what it was before', 80);

/** What a node that was not changed does for those who use it. */
const stays = (node: NodeRun): string => (isLeftOut(node) ? 'out of service' : `it runs ${now(node)}`);

/** Unchanged by us: somebody else may have put something there. */
const now = (node: NodeRun): string =>
  node.foreign?.what === 'binary' ? `${foreignWord(node.foreign)}, which somebody put there` : old(node);

/** Begun is what may have been restarted; before that it is only made ready. */
const wayOn = (rollout: Rollout, node: NodeRun): string =>
  !node.touched && node.rehearsedAt !== undefined
    ? `went back to ${old(node)} as a rehearsal, proven at ${when(node.rehearsedAt)}, and is upgraded again: ${change(rollout, node)}`
    : begunWord(rollout, node);

const begunWord = (rollout: Rollout, node: NodeRun): string =>
  node.touched
    ? `begun: ${change(rollout, node)}`
    : `is being prepared, not restarted yet${node.drained ? ', out of service' : ''}: ${change(rollout, node)}`;

const wayBack = (node: NodeRun): string =>
  node.touched ? `is being rolled back to ${old(node)}` : 'is being put back into service, unchanged';

/** While it is worked on nobody need act; what counts is who else serves. */
const others = (rollout: Rollout, node: NodeRun): string =>
  `${serving(rollout, [node.region])}, ${haltOf(rollout, node) === null ? 'it goes on by itself' : 'stopped by a file'}`;

function change(rollout: Rollout, node: NodeRun): string {
  if (rollout.change !== undefined) return titleOf(rollout);
  const before = node.before?.version ?? null;
  const { version } = releaseOf(rollout, node.name);
  return before === null ? `to ${version}` : `${foreign(before, 80)} → ${version}`;
}

/** E.g. `runs v2.0.0, healthy 30 s in one process, image a1b2c3d4e5f6`. */
export function proofText(proof: Proof | null, wanted: string): string {
  if (proof === null) return `proven on ${wanted}`;
  return `runs ${foreign(proof.version ?? wanted, 80)}, ${seenOf(proof)}`;
}

/** systemd forgets its count when the machine loses power: of no restarts nothing can be said, only that the process stayed the same. */
const seenOf = ({ soaked, sha256, restarts, checks }: Proof): string =>
  [
    `healthy ${span(soaked)} in one process`,
    `image ${foreign(sha256.slice(0, 12))}`,
    ...(restarts === 0 ? [] : [`after ${count(restarts, 'restart')} by systemd`]),
    ...checksProven(checks),
  ].join(', ');

const provenBack = ({ back }: NodeRun): string => (back === undefined ? '' : `, proven: ${seenOf(back)}`);

function why(node: NodeRun): string[] {
  return node.failure === null ? [] : [`Reason: ${foreign(node.failure, 500)}`];
}

/** Where a message to the channel has it, the thread does not say it twice. */
const ownEvidence = (rollout: Rollout, node: NodeRun): Part[] => (isToldApart(rollout, node) ? [] : evidence(node));

/** A failure is broadcast while the rollout is open: not when it ended in the same moment. */
function isToldApart(rollout: Rollout, { failure, state }: NodeRun): boolean {
  const { status } = rollout;
  if (failure === null && state.is !== 'stuck') return false;
  return isOpen(rollout) || !('at' in status && 'at' in state && status.at === state.at);
}

/** What went wrong in the moment in which the rollout ended: nobody was called for it. */
export const wrongAtTheEnd = (rollout: Rollout): NodeRun[] =>
  isOpen(rollout)
    ? []
    : nodesInOrder(rollout).filter(
        (node) => isAny(node.state.is, 'stuck', 'failed', 'unproven') && !isToldApart(rollout, node),
      );

/** What was found before a rollback destroyed it. */
export function evidence({ diagnosis }: NodeRun): Part[] {
  if (diagnosis === null) return [];
  return [
    { is: 'lines', lines: causeLines(diagnosis) },
    { is: 'code', text: codeLines(diagnosis.evidence, 8) },
  ];
}

/** A cause is called one only where a line shows it. What older versions found names none apart. */
export function causeLines({ summary, causes }: Diagnosis): string[] {
  if (causes === undefined) return [`Likely cause: ${foreign(summary, 500)}`];
  const [first, ...others] = causes;
  if (first === undefined) return [`No likely cause: ${foreign(summary, 500)}`];
  const head = others.length === 0 ? 'Likely cause' : 'Likely causes, all of them shown';
  return [`${head}: ${foreign(summary, 500)}`, `What to do: ${foreign(first.mend, 200)}`];
}
