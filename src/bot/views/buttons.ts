import {
  declineOf,
  isQueued,
  laterStart,
  next,
  nodesInOrder,
  regionsOf,
  seenNoWayBack,
  takenBy,
  turns,
  waitingForPeople,
  waitKey,
} from '../../upgrade/rollout/index.ts';
import type {
  ApprovalPhase,
  Decided,
  Event,
  Foreign,
  NodeRun,
  RollbackScope,
  Rollout,
} from '../../upgrade/rollout/types.ts';
import { describeLocal } from '../../windows/index.ts';
import { scopeWord } from '../command.ts';
import { goalFirst, goalOf, newOf } from './goal.ts';
import { knownNow } from './moved.ts';
import type { Button, Reference } from './parts.ts';
import { count } from './text.ts';
import { confirmText } from './way-back.ts';
import { foreignWord, scopeName, touchedIn } from './words.ts';

export function pauseButton(rollout: Rollout): Button {
  return { label: 'Pause', action: 'pause', reference: reference(rollout), typed: 'pause' };
}

/** At a gate: the same as a pause, named after what it means there. */
export function holdButton(rollout: Rollout): Button {
  return { ...pauseButton(rollout), label: 'Hold', action: 'hold' };
}

function resumeButton(rollout: Rollout): Button {
  return { label: 'Resume', action: 'resume', reference: reference(rollout), style: 'primary', typed: 'resume' };
}

/** Never green: after a rollback that somebody wanted, or half asleep, it must not be the obvious one. */
function retryButton(rollout: Rollout): Button {
  return {
    label: 'Retry',
    action: 'retry',
    reference: reference(rollout),
    confirm: { title: `Try ${goalOf(rollout)} again?`, text: again(rollout), yes: 'Retry' },
    typed: 'retry',
  };
}

function again(rollout: Rollout): string {
  const { status, release } = rollout;
  if (status.is === 'held' && status.pending !== null)
    return `The rollback of ${scopeName(status.pending.scope)} goes on. No node is brought to ${newOf(rollout)}.`;
  if (rollout.change?.is === 'restart')
    return 'What was restarted and is not proven is restarted once more, in its window or not; what was not begun is looked at again. Then the rest goes on in order.';
  if (rollout.recovery !== undefined)
    return `The node is tried again: it gets ${release.version} back, or is proven on it where that lies there already.`;
  return `What failed, was rolled back or is in doubt is brought to ${newOf(rollout)} or proven again, then the rest goes on in order.`;
}

/** Resume or Retry, whichever would do something now: after a hold there is at most one. None while neither would. */
export function wayOn(rollout: Rollout): Button[] {
  if (rollout.unsigned) return [];
  const common = { at: rollout.createdAt, by: rollout.requester };
  if (does(rollout, { type: 'resumed', ...common })) return [resumeButton(rollout)];
  return does(rollout, { type: 'retried', epoch: rollout.epoch + 1, ...common }) ? [retryButton(rollout)] : [];
}

const does = (rollout: Rollout, event: Event): boolean => next(rollout, event) !== rollout;

export function stopButton(rollout: Rollout, label = 'Stop'): Button {
  return {
    label,
    action: 'stop',
    reference: reference(rollout),
    style: 'danger',
    confirm: { title: `${label.replace(/ it$/, '')} ${goalOf(rollout)}?`, text: ends(rollout), yes: label },
    typed: 'stop',
  };
}

/** By one opening of the first region's windows; none where nothing can be moved. */
export function postponeButtons(rollout: Rollout): Button[] {
  const to = laterStart(rollout);
  const zone = rollout.calendars[regionsOf(rollout)[0] ?? '']?.zone;
  if (to === null || zone === undefined || rollout.unsigned) return [];
  const then = describeLocal(to, zone).replace(/ \(.*\)$/, '');
  const text = `${goalFirst(rollout)} begins ${describeLocal(to, zone)} at the earliest. What is staged stays where it is; the channel is told.`;
  return [
    {
      label: `Postpone to ${then}`,
      action: 'postpone',
      reference: reference(rollout),
      confirm: { title: 'Postpone it?', text, yes: 'Postpone' },
      typed: 'reschedule --next',
    },
  ];
}

/** Of what is over and went wrong, while nobody writes it down; another one takes it over by the verb. */
export function ownButtons(rollout: Rollout): Button[] {
  if (
    rollout.unsigned ||
    rollout.owner !== undefined ||
    !does(rollout, { type: 'owned', at: rollout.createdAt, by: rollout.requester })
  )
    return [];
  return [{ label: 'I own it', action: 'own', reference: reference(rollout), typed: `own ${rollout.id}` }];
}

/** Of an upgrade that is done: the same archive, planned on each fleet that waits for its proof here. */
export function promoteButtons(rollout: Rollout): Button[] {
  const { promotesTo = [], status, change, recovery, unsigned, onlyBack, release } = rollout;
  if (status.is !== 'done' || change !== undefined || recovery !== undefined || unsigned || onlyBack) return [];
  return promotesTo.map((fleet) => ({
    label: `Promote to ${fleet}`,
    action: `promote:${fleet}`,
    reference: { ...reference(rollout), g: `${fleet} ${release.version} ${release.archiveSha256}` },
    typed: `upgrade ${release.version} --fleet ${fleet}`,
  }));
}

/** What the settings want next, as a plan: nothing of it is begun by the button. */
export function nextButtons(rollout: Rollout): Button[] {
  const { follows, unsigned, onlyBack, release } = rollout;
  if (follows === undefined || unsigned || onlyBack) return [];
  const to = reference(rollout);
  if (follows.is === 'restart') {
    const { service } = follows;
    const typed = service === null ? 'restart' : `restart --service ${service}`;
    return [{ label: 'Restart all nodes…', action: 'restart-next', reference: { ...to, g: service ?? '' }, typed }];
  }
  const { version } = release;
  return [
    {
      label: `Migrate to ${follows.to}…`,
      action: `migrate-after:${version}`,
      reference: { ...to, g: version },
      typed: `migrate after ${version}`,
    },
  ];
}

function ends(rollout: Rollout): string {
  const { status, startedAt } = rollout;
  if (startedAt === null) return 'It does not begin, and then it is over. No node was restarted.';
  if (rollout.recovery !== undefined)
    return 'What was begun on the node is finished, then the rollout ends. Nothing goes back to what it ran before.';
  if (rollout.change?.is === 'restart')
    return 'What was begun is finished, then the rollout ends. Every node runs what it ran before, restarted or not.';
  if (status.is !== 'rolling-back')
    return 'The node under way is finished or rolled back, then the rollout ends. Nodes that are done stay as they are then; the rest stays as it was.';
  const left = nodesInOrder(rollout).filter((node) => isQueued(rollout, node)).length;
  return `The node under way is finished, then it ends. Of the ${count(left, 'node')} still to be rolled back the others stay on ${newOf(rollout)}.`;
}

/** For what waits, while nobody said that they have it. */
export function mineButtons(rollout: Rollout, what: string): Button[] {
  if (rollout.unsigned) return [];
  return waitingForPeople(rollout)
    .filter((waiting) => waiting.what === what && takenBy(rollout, waiting) === null)
    .map((waiting) => ({
      label: 'I have it',
      action: 'mine',
      reference: { ...reference(rollout), g: waitKey(waiting) },
      typed: 'mine',
    }));
}

export function approveButton(rollout: Rollout, { id, title, opens }: ApprovalPhase): Button {
  const opened = turns(rollout).filter((turn) => opens.includes(turn.id));
  const nodes = opened.flatMap((turn) => turn.nodes);
  return {
    label: `Approve ${title}`,
    action: `approve:${id}`,
    reference: { ...reference(rollout), g: id, o: knownNow(rollout) },
    style: 'primary',
    confirm: {
      title: `Approve ${title}?`,
      text: `${count(nodes.length, 'node')} of ${title} will be ${rollout.change?.is === 'restart' ? 'restarted, on what they run' : `brought to ${newOf(rollout)}`}${rollout.policy.atOnce === 1 ? ', one by one' : `, up to ${rollout.policy.atOnce} at a time`}, within the maintenance window. All others stay as they are.`,
      yes: `Approve ${title}`,
    },
    typed: `approve ${title}`,
  };
}

/** While no other no stands. It gives no reason; the verb does. */
export function declineButtons(rollout: Rollout, phase: ApprovalPhase): Button[] {
  const { id, title } = phase;
  if (declineOf(phase) !== null) return [];
  return [
    {
      label: `Decline ${title}`,
      action: `decline:${id}`,
      reference: { ...reference(rollout), g: id },
      style: 'danger',
      confirm: {
        title: `Decline ${title}?`,
        text: `Nothing begins there until an approver says yes; what was approved so far counts no more. This gives no reason. To give one, type: /zeitwork decline ${id.slice('approval/'.length)} --reason "…"`,
        yes: 'Decline',
      },
      typed: `decline ${id.slice('approval/'.length)} --reason "…"`,
    },
  ];
}

/** What can be decided about somebody's work that stands in the way; each names it. Nothing else may overwrite it. */
export function foreignButtons(rollout: Rollout, node: NodeRun): Button[] {
  const work = node.foreign;
  if (work === null || rollout.unsigned) return [];
  const goesBack = node.state.is === 'stuck' && node.state.direction === 'back';
  const ways: Decided['as'][] = work.what === 'binary' ? ['replace'] : goesBack ? ['keep', 'replace'] : ['keep'];
  const { createdAt: at, requester: by, epoch } = rollout;
  const common = { at, by, node: node.name, sha256: work.sha256, epoch: epoch + 1 };
  return ways
    .filter((as) => does(rollout, { type: 'decided', as, ...common }))
    .map((as) => foreignButton(rollout, node.name, work, as));
}

function foreignButton(rollout: Rollout, node: string, work: Foreign, as: Decided['as']): Button {
  const mark = work.sha256.slice(0, 12);
  const what = work.what === 'environment' ? 'environment' : (work.version ?? mark);
  const word = as === 'replace' ? 'Replace' : 'Keep';
  const text =
    as === 'replace'
      ? `${foreignWord(work)} on ${node} is put aside on the node and replaced by what this rollout has for it.`
      : `${foreignWord(work)} on ${node} stays as it is now; the rest goes on.`;
  return {
    label: `${word} ${what} on ${node}`,
    action: `${as}:${node}`,
    reference: { ...reference(rollout), g: `${node} ${mark}` },
    ...(as === 'replace' ? { style: 'danger' as const } : {}),
    confirm: { title: `${word} ${what}?`, text, yes: word },
    typed: `${as} ${node} ${mark}`,
  };
}

export function diagnoseButton(rollout: Rollout, node: string): Button {
  return {
    label: `Diagnose ${node}`,
    action: `diagnose:${node}`,
    reference: { ...reference(rollout), g: node },
    typed: `diagnose ${node}`,
  };
}

/** The scopes that a rollback can have now, from small to all; equal ones once. */
export function rollbackButtons(rollout: Rollout, scopes: RollbackScope[]): Button[] {
  if (rollout.superseded) return [];
  const seen = new Set<string>();
  return scopes.flatMap((scope) => {
    const touched = touchedIn(rollout, scope);
    const nodes = touched.map(({ name }) => name);
    const same = nodes.join();
    if (nodes.length === 0 || seen.has(same) || seenNoWayBack(rollout, touched) !== null) return [];
    seen.add(same);
    return [rollbackButton(rollout, scope, nodes.length)];
  });
}

function rollbackButton(rollout: Rollout, scope: RollbackScope, nodes: number): Button {
  const what = scope.is === 'all' ? 'all' : scopeName(scope);
  return {
    label: `Roll back ${what} (${count(nodes, 'node')})`,
    action: `rollback:${scopeWord(scope)}`,
    reference: { ...reference(rollout), g: scopeWord(scope) },
    style: 'danger',
    confirm: {
      title: `Roll back ${scopeName(scope)}?`,
      text: confirmText(rollout, scope),
      yes: 'Roll back',
    },
    typed: `rollback ${scopeWord(scope)}`,
  };
}

function reference({ id, revision }: Rollout): Reference {
  return { r: id, g: '', v: revision };
}
