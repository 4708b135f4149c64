import { nodesInOrder } from '../../upgrade/rollout/index.ts';
import type { Approvers, NodeRun, RollbackScope, Rollout, StepName } from '../../upgrade/rollout/types.ts';
import { names, who } from './text.ts';

export interface Word {
  glyph: string;
  word: string;
}

const stepWords: Record<StepName, string> = {
  stage: 'staging',
  backup: 'backing up',
  switch: 'restarting',
  verify: 'proving',
  cleanup: 'cleaning up',
  diagnose: 'finding the cause',
  restore: 'rolling back',
  'verify-restored': 'proving the rollback',
};

/** A node's state as a glyph and a word: never the glyph alone. */
export function nodeWord({ state }: NodeRun): Word {
  switch (state.is) {
    case 'staging':
      return { glyph: '○', word: 'staging' };
    case 'ready':
      return { glyph: '○', word: 'waiting' };
    case 'working':
      return { glyph: state.direction === 'forward' ? '▶' : '◀', word: stepWords[state.step] };
    case 'done':
      return { glyph: '✓', word: state.already ? 'was on it already' : 'done' };
    case 'failed':
      return { glyph: '✗', word: 'failed, unchanged' };
    case 'unproven':
      return { glyph: '✗', word: 'not proven' };
    case 'rolled-back':
      return { glyph: '↩', word: 'rolled back' };
    case 'stuck':
      return { glyph: '‼', word: 'needs a person' };
  }
}

export function stepWord(step: StepName): string {
  return stepWords[step];
}

/** The rollout's status for a title. */
export function statusWord({ status, startedAt }: Rollout): string {
  switch (status.is) {
    case 'running':
      return startedAt === null ? 'prepared' : 'running';
    case 'paused':
      return 'paused';
    case 'held':
      return 'held, a decision is needed';
    case 'rolling-back':
      return 'rolling back';
    case 'stopping':
      return 'stopping';
    case 'done':
      return 'done';
    case 'rolled-back':
      return 'rolled back';
    case 'stopped':
      return 'stopped';
  }
}

/** Nodes that a rollback of this scope would bring back, newest first. */
export function touchedIn(rollout: Rollout, scope: RollbackScope): NodeRun[] {
  return nodesInOrder(rollout)
    .filter((node) => node.touched && inside(node, scope))
    .sort((a, b) => (b.touchedAt ?? 0) - (a.touchedAt ?? 0));
}

function inside(node: NodeRun, scope: RollbackScope): boolean {
  if (scope.is === 'region') return node.region === scope.region;
  return scope.is === 'all' || node.name === scope.node;
}

export function scopeName(scope: RollbackScope): string {
  if (scope.is === 'region') return scope.region;
  return scope.is === 'node' ? scope.node : 'everything';
}

/** Mentions that notify: groups and users who may approve. */
export function approverMentions(approvers: Approvers | undefined): string {
  const groups = (approvers?.groups ?? []).map((group) => `<!subteam^${group}>`);
  const all = [...groups, ...(approvers?.users ?? []).map(who)];
  return all.length === 0 ? 'nobody (no approvers are configured)' : all.slice(0, 10).join(' ');
}

/** Versions that the nodes ran before, as far as recorded. */
export function versionsBefore(rollout: Rollout): string {
  const seen = nodesInOrder(rollout).flatMap(({ before }) => (before?.version ? [before.version] : []));
  return names([...new Set(seen)], 3);
}
