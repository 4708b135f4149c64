import { inWords } from '../../base/duration.ts';
import { isAny } from '../../base/is-any.ts';
import {
  asked,
  endOf,
  entriesOf,
  goesForward,
  isStaging,
  keysInWords,
  nodesInOrder,
  phaseOf,
  releaseOf,
  versionsOf,
  watching,
  worseWords,
} from '../rollout/index.ts';
import type { Actor, ApprovalPhase, NodeRun, RollbackScope, Rollout, Status } from '../rollout/types.ts';
import { endWords } from './afterwards.ts';
import type { Frame } from './lines.ts';

/** Something worth telling, and the line that proves it. */
export interface Moment {
  at: number;
  /** Revision of the journal's line. */
  line: number;
  /** `decision`: somebody said it; the others followed from what was seen. */
  is: 'decision' | 'node' | 'watch' | 'question' | 'rollout' | 'notice';
  /** In plain words; what hosts and people said stands in them as it was said. */
  what: string;
  by: Actor | null;
  /** The second person, where it took two. */
  with: Actor | null;
  node: string | null;
  /** It did not go as it should. */
  wrong: boolean;
  /** Signed by the person's own key, and not only where it was admitted. */
  signed: boolean;
}

type Told = Pick<Moment, 'is' | 'what'> & Partial<Moment>;

/** What each line changed, in order. */
export function momentsOf(frames: readonly Frame[]): Moment[] {
  return frames.flatMap((frame) =>
    toldBy(frame).map((told) => ({
      ...{
        at: frame.line.at,
        line: frame.line.revision,
        by: null,
        with: null,
        node: null,
        wrong: false,
        signed: false,
      },
      ...told,
    })),
  );
}

function toldBy(frame: Frame): Told[] {
  const { before, after } = frame;
  const decision = decisionIn(frame);
  const rest =
    before === null
      ? []
      : [
          ...noticeIn(frame),
          ...nodesIn(before, after),
          ...watchesIn(before, after),
          ...questionsIn(before, after, decision),
          ...statusIn(before, after, decision),
          ...afterwardsIn(before, after),
        ];
  return decision === null ? rest : [decision, ...rest];
}

function decisionIn({ line, after }: Frame): Told | null {
  const { event } = line;
  if (!('by' in event)) return null;
  const { by } = event;
  const told = (what: string, more: Partial<Moment> = {}): Told => ({ is: 'decision', what, by, ...more });
  const titleOf = (id: string) => phaseOf(after, id).title;
  switch (event.type) {
    case 'created':
      return told(askedFor(after), after.override?.with === undefined ? {} : { with: after.override.with });
    case 'adopted':
      return told('adopted what is stored', event.with === undefined ? {} : { with: event.with });
    case 'approved':
      return told(`approved ${titleOf(event.phase)}${event.comment === undefined ? '' : `: ${event.comment}`}`, {
        signed: event.signed !== undefined,
      });
    case 'declined':
      return told(`declined ${titleOf(event.phase)}${event.reason === null ? '' : `: ${event.reason}`}`, {
        signed: event.signed !== undefined,
      });
    case 'paused':
      return told('paused it');
    case 'resumed':
      return told('let it go on');
    case 'stopped':
      return told('stopped it');
    case 'retried':
      return told('had it tried again');
    case 'decided':
      return told(`had somebody's work on ${event.node} ${event.as === 'keep' ? 'kept' : 'replaced'}`, {
        node: event.node,
        ...(event.with === undefined ? {} : { with: event.with }),
      });
    case 'rollback-asked':
      return told(`asked to bring back ${scopeWords(event.scope)}`, { wrong: true });
    case 'taken-on':
      return told('said that they have it');
    case 'owned':
      return told('writes down what went wrong');
    case 'item-ticked':
      return told(`ticked ${itemText(after, event.item)}`);
    case 'item-unticked':
      return told(`took back the tick of ${itemText(after, event.item)}`);
    case 'rescheduled':
      return told(`moved the start to ${isoMinute(event.startAt)}`);
  }
}

const itemText = (rollout: Rollout, item: string): string =>
  entriesOf(rollout).find(({ key }) => key === item)?.item.text ?? item;

/** `restart`: what ran was started anew; `config`: with these keys of its environment file changed. No binary was brought. */
export type ChangeReport =
  | { is: 'restart' }
  | { is: 'config'; keys: string }
  /** The schema of the database, from one number to another. */
  | { is: 'migrate'; from: number; to: number };

export function changeIn({ change }: Pick<Rollout, 'change'>): ChangeReport | null {
  if (change === undefined) return null;
  if (change.is === 'migrate') return { is: 'migrate', from: change.from, to: change.to };
  return change.is === 'restart' ? { is: 'restart' } : { is: 'config', keys: keysInWords(change) };
}

/** What it was for. */
export function goalWords(change: ChangeReport | null, version: string): string {
  if (change === null) return version;
  if (change.is === 'migrate') return `migration to ${change.to} (${version})`;
  return change.is === 'restart' ? `restart of ${version}` : `change of ${change.keys}`;
}

function askedFor(rollout: Rollout): string {
  const { release, strategy, startAt, override, recovery, requester } = rollout;
  if (recovery !== undefined) return `asked that ${release.version} be given back`;
  const later = startAt === null ? '' : `, not before ${isoMinute(startAt)}`;
  const how =
    override === null
      ? ''
      : `, windows overridden by ${override.by === requester ? 'them' : override.by}: ${override.reason}`;
  const change = changeIn(rollout);
  return `asked for ${change === null ? '' : 'a '}${goalWords(change, versionsOf(rollout))} (${strategy})${later}${how}`;
}

function noticeIn({ line: { event } }: Frame): Told[] {
  if (event.type !== 'announced') return [];
  const what = event.kind === 'cancelled' ? 'was told that it does not take place' : 'was told of the start';
  return [{ is: 'notice', what: `${event.audience} ${what}` }];
}

function nodesIn(before: Rollout, after: Rollout): Told[] {
  return nodesInOrder(after).flatMap((node) => {
    const former = before.nodes[node.name];
    const what = former === undefined || former === node ? null : nodeWords(former, node, after);
    if (former === undefined || what === null) return [];
    return [{ is: 'node' as const, what: `${node.name} ${what}`, node: node.name, wrong: isWrong(former, node) }];
  });
}

function nodeWords(before: NodeRun, after: NodeRun, rollout: Rollout): string | null {
  const { version } = releaseOf(rollout, after.name);
  const { state } = after;
  if (after.sick !== null && before.sick === null) return `is not as it was proven any more: ${after.sick.reason}`;
  if (after.held !== null && !isSameHold(before, after))
    return `is kept waiting: ${after.held.gates.map(({ reason }) => reason).join('; ')}`;
  const change = changeIn(rollout);
  if (after.touched && !before.touched) {
    if (change === null) return `is switched to ${version}`;
    return change.is === 'restart' ? 'is restarted' : 'has its environment file changed';
  }
  if (after.rehearsedAt !== undefined && before.rehearsedAt === undefined) return 'is back from its rehearsal, proven';
  if (state.is === 'working' && before.state.is !== 'working')
    return state.direction === 'back' ? 'goes back' : 'has its turn';
  if (state.is === 'working' && before.state.is === 'working' && state.direction !== before.state.direction)
    return `goes back${after.failure === null ? '' : `: ${after.failure}`}`;
  if (state.is === before.state.is) return null;
  switch (state.is) {
    case 'done':
      return state.already ? `runs ${version} already, proven` : `runs ${version}, proven`;
    case 'failed':
      return `failed (${state.step}), unchanged: ${state.reason}`;
    case 'unproven':
      return `is not proven (${state.step}): ${state.reason}`;
    case 'rolled-back':
      return change?.is === 'config'
        ? `has its former environment file again: ${state.reason}`
        : `runs ${after.before?.version ?? 'what it was before'} again: ${state.reason}`;
    case 'stuck':
      return `needs a person (${state.step}): ${state.reason}`;
    default:
      return null;
  }
}

/** It fell sick, failed, or goes back because of that. */
function isWrong(before: NodeRun, after: NodeRun): boolean {
  if (after.sick !== null && before.sick === null) return true;
  if (after.failure !== null && before.failure === null) return true;
  return after.state.is !== before.state.is && isAny(after.state.is, 'failed', 'unproven', 'stuck');
}

const gatesOf = ({ held }: NodeRun): string => (held?.gates ?? []).map(({ name }) => name).join();
const isSameHold = (before: NodeRun, after: NodeRun): boolean => gatesOf(before) === gatesOf(after);

function watchesIn(before: Rollout, after: Rollout): Told[] {
  const [was, is] = [watchedIn(before), watchedIn(after)];
  const staged = after.phases.some((phase, at) => isStagingOver(phase) && !isStagingOver(before.phases[at] ?? phase));
  const told: Told[] = staged ? [{ is: 'rollout', what: 'everything is staged and verified' }] : [];
  if (was !== null && was.id !== is?.id) {
    const end = endOf(phaseOf(after, was.id));
    const what = end === null ? `the watch of ${was.title} broke off` : `${was.title} was watched`;
    told.push({ is: 'watch', what });
  }
  if (is !== null && is.id !== was?.id)
    told.push({ is: 'watch', what: `${is.title} is watched for ${inWords(is.for)}` });
  return told;
}

/** While it goes back, or is held, nobody counts how long something is well. */
const watchedIn = (rollout: Rollout) => (goesForward(rollout) ? watching(rollout) : null);

const isStagingOver = (phase: Rollout['phases'][number]): boolean => isStaging(phase) && phase.state.is === 'done';

/** What got worse once it was done, when it was well again, and how it ended. */
function afterwardsIn({ afterwards: was }: Rollout, { afterwards: is }: Rollout): Told[] {
  if (is === undefined || is === was || is.since === null) return [];
  const began: Told[] =
    was?.since === is.since ? [] : [{ is: 'watch', what: `what it left is watched for ${inWords(is.for)}` }];
  const worse = is.worse.flatMap((each, at): Told[] => {
    const before = was?.since === is.since ? was.worse[at] : undefined;
    const { node } = each;
    if (each.well === null && (before === undefined || before.well !== null))
      return [{ is: 'watch', what: `${node} got worse: ${worseWords(each)}`, node, wrong: true }];
    return each.well !== null && before?.well === null ? [{ is: 'watch', what: `${node} is well again`, node }] : [];
  });
  const ended: Told[] =
    is.end === null || was?.end === is.end ? [] : [{ is: 'watch', what: `the time after it: ${endWords[is.end.is]}` }];
  return [...began, ...worse, ...ended];
}

function questionsIn(before: Rollout, after: Rollout, decision: Told | null): Told[] {
  const open = asked(before).map(({ id }) => id);
  const now = asked(after).map(({ id }) => id);
  const news = asked(after).filter(({ id }) => !open.includes(id));
  const gone = asked(before).filter(({ id }) => !now.includes(id) && decision === null);
  const question = (phase: ApprovalPhase, what: string): Told => ({ is: 'question', what: `${phase.title} ${what}` });
  return [
    ...news.map((phase) => question(phase, 'is asked for')),
    ...gone.map((phase) => question(phase, 'is not asked for any more')),
  ];
}

function statusIn(before: Rollout, after: Rollout, decision: Told | null): Told[] {
  const what = before.status.is === after.status.is ? null : statusWords(after.status, decision !== null);
  return what === null ? [] : [{ is: 'rollout', what, wrong: isAny(after.status.is, 'held', 'rolling-back') }];
}

/** What a decision says itself is not said again. */
function statusWords(status: Status, isDecided: boolean): string | null {
  switch (status.is) {
    case 'held':
      return `held: ${status.reason}`;
    case 'rolling-back':
      return isDecided ? null : `brings back ${scopeWords(status.scope)} by itself`;
    case 'done':
      return 'done: every node is proven';
    case 'rolled-back':
      return `${scopeWords(status.scope)} was brought back`;
    case 'stopped':
      return 'stopped';
    default:
      return null;
  }
}

function scopeWords(scope: RollbackScope): string {
  if (scope.is === 'all') return 'everything';
  if (scope.is === 'nodes') return scope.nodes.join(', ');
  if (scope.is === 'service') return scope.service;
  return scope.is === 'region' ? scope.region : scope.node;
}

const isoMinute = (at: number): string => `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
