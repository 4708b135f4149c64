import {
  leftOutIn,
  nodeOf,
  nodesInOrder,
  stillAsked,
  touchedNewestFirst,
  wasOnlyOut,
} from '../../upgrade/rollout/index.ts';
import type {
  ApprovalPhase,
  Approvers,
  Foreign,
  NodeRun,
  RollbackScope,
  Rollout,
  StepName,
} from '../../upgrade/rollout/types.ts';
import { mentions } from './people.ts';
import { foreign, names, who } from './text.ts';

export interface Word {
  glyph: string;
  word: string;
}

const stepWords: Record<StepName, string> = {
  stage: 'staging',
  backup: 'backing up',
  drain: 'taking out of service',
  switch: 'restarting',
  verify: 'proving',
  undrain: 'putting back into service',
  cleanup: 'cleaning up',
  diagnose: 'finding the cause',
  restore: 'rolling back',
  'verify-restored': 'proving the rollback',
  recover: 'putting back what it ran',
  restart: 'restarting',
  configure: 'restarting',
  beside: 'coming up beside what serves',
  'lb-switch': 'switching the balancer',
  traffic: 'asking through the balancer',
  'lb-back': 'switching the balancer back',
  'traffic-back': 'asking through the balancer',
  'lb-home': 'switching the balancer home',
  retire: 'removing what ran beside',
};

/** The same on a way forward. */
const rehearsalWords: Partial<Record<StepName, string>> = {
  restore: 'rehearsing the way back',
  'verify-restored': 'proving the way back',
};

/** Somebody's work in words, safe in mrkdwn: `v2.1.0`, or `the environment file (3f9a0c1b2d4e)`. */
export function foreignWord({ what, version, sha256 }: Foreign): string {
  const mark = sha256.slice(0, 12);
  if (what === 'environment') return `the environment file (${mark})`;
  return version === null ? `the binary ${mark}` : `${foreign(version, 60)} (${mark})`;
}

/** A node's state as a glyph and a word: never the glyph alone. One that stands out of service is told as that, too. */
export function nodeWord(node: NodeRun): Word {
  const { glyph, word } = stateWord(node);
  return { glyph, word: isLeftOut(node) ? `${word}, out of service` : word };
}

/** More nodes than anybody reads one by one: they are told per region, and in detail only what goes wrong. */
export const isLarge = (rollout: Rollout): boolean => nodesInOrder(rollout).length > 30;

/** How many are in which state, with names only of what moves or fails. */
export function counted(nodes: NodeRun[]): string {
  const groups = new Map<string, string[]>();
  for (const node of nodes) {
    const { glyph, word } = nodeWord(node);
    const label = `${glyph} ${word}`;
    groups.set(label, [...(groups.get(label) ?? []), node.name]);
  }
  const quiet = /^(✓|○)/;
  return [...groups]
    .map(([label, all]) => `${all.length} ${label}${quiet.test(label) ? '' : ` (${names(all, 3)})`}`)
    .join('  ·  ');
}

/** Taken out of service, and nobody is about to put it back. */
export const isLeftOut = ({ drained, state }: NodeRun): boolean => drained && state.is !== 'working';

const unchanged: Word = { glyph: '✗', word: 'failed, unchanged' };

function stateWord(node: NodeRun): Word {
  const { state, sick, touched } = node;
  switch (state.is) {
    case 'staging':
      return { glyph: '○', word: 'staging' };
    case 'ready':
      return touched ? { glyph: '?', word: 'to be proven again' } : { glyph: '○', word: 'waiting' };
    case 'working':
      return state.direction === 'forward'
        ? { glyph: '▶', word: rehearsalWords[state.step] ?? stepWords[state.step] }
        : { glyph: '◀', word: stepWords[state.step] };
    case 'done':
      if (sick !== null) return { glyph: '✗', word: 'sick since' };
      return { glyph: '✓', word: state.already ? 'was on it already' : 'done' };
    case 'failed':
      return unchanged;
    case 'unproven':
      return { glyph: '✗', word: 'not proven' };
    case 'rolled-back':
      return wasOnlyOut(node) ? unchanged : { glyph: '↩', word: 'rolled back' };
    case 'stuck':
      return { glyph: '‼', word: 'needs a person' };
  }
}

export function stepWord(step: StepName): string {
  return stepWords[step];
}

/** Nodes that a rollback of this scope would bring back, newest first, and those that it would put back into service. */
export function touchedIn(rollout: Rollout, scope: RollbackScope): NodeRun[] {
  const touched = touchedNewestFirst(rollout, scope).map((name) => nodeOf(rollout, name));
  return [...touched, ...leftOutIn(rollout, scope)];
}

export function scopeName(scope: RollbackScope): string {
  switch (scope.is) {
    case 'all':
      return 'everything';
    case 'region':
      return scope.region;
    case 'node':
      return scope.node;
    case 'service':
      return scope.service;
    case 'nodes':
      return names(scope.nodes);
  }
}

/** Mentions that notify: groups and users who may approve. */
export function approverMentions(approvers: Approvers): string {
  const all = mentions(approvers);
  return all.length === 0 ? 'nobody (no approvers are configured)' : all.slice(0, 10).join(' ');
}

/** Whom an approval is asked of: nobody is called to what they may not do, or did. A region of several wants a yes of its own. */
export function askedOf(rollout: Rollout, phase: ApprovalPhase): string {
  const all = askedIn(rollout, phase, phase.by);
  if (all.is === 'nobody') return all.words;
  const without = stillAsked(phase).flatMap((region) => {
    const own = askedIn(rollout, phase, phase.byEach?.[region] ?? phase.by);
    return own.is === 'nobody' ? [`for ${foreign(region, 80)} ${own.words}`] : [];
  });
  return [all.words, ...without].join(', ');
}

interface AskedOf {
  is: 'somebody' | 'nobody';
  words: string;
}

function askedIn({ requester, policy }: Rollout, { given }: ApprovalPhase, by: Approvers): AskedOf {
  const said = new Set(given.map((each) => each.by));
  const users = by.users.filter((user) => !said.has(user) && (user !== requester || policy.selfApproval));
  if (users.length + by.groups.length > 0) return { is: 'somebody', words: approverMentions({ ...by, users }) };
  if (by.users.length === 0) return { is: 'nobody', words: approverMentions(by) };
  const why = by.users.map((user) =>
    said.has(user) ? `${who(user)} said yes already` : `${who(user)} asked for the rollout and may not approve it`,
  );
  return {
    is: 'nobody',
    words: `nobody (${why.slice(0, 10).join(', ')}, and no other approver is configured: the settings must name one)`,
  };
}

/** Versions that the nodes ran before, as far as recorded. */
export function versionsBefore(rollout: Rollout): string {
  const seen = nodesInOrder(rollout).flatMap(({ before }) => (before?.version ? [before.version] : []));
  return names([...new Set(seen)], 3);
}
