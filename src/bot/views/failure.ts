import { isAny } from '../../base/is-any.ts';
import { isOpen, isQueued, leadsBack, nodesInOrder, releaseOf, wasOnlyOut } from '../../upgrade/rollout/index.ts';
import type { NextStep, NodeRun, Rollout } from '../../upgrade/rollout/types.ts';
import { diagnoseButton, foreignButtons, rollbackButtons, stopButton, wayOn } from './buttons.ts';
import { goalFirst, newOf, oldOf } from './goal.ts';
import { lastWord } from './last-word.ts';
import { evidence } from './node.ts';
import type { Button, Part } from './parts.ts';
import { called, type People } from './people.ts';
import { type Post, post } from './post.ts';
import { serving, servingWhereHeld } from './serving.ts';
import { handOf, whoActs } from './taken.ts';
import { foreign, heldReason, names, when, who } from './text.ts';
import { isLeftOut } from './words.ts';

/** A broadcast for everything that went wrong, with the ways out while a decision is needed. */
export function failurePosts(rollout: Rollout, people: People): Post[] {
  const lines = called(rollout, people);
  const nodes = nodesInOrder(rollout).flatMap((node) => [
    ...failed(rollout, node, lines),
    ...stuck(rollout, node, lines),
  ]);
  return [...nodes, ...heldWithoutNode(rollout, lines)];
}

function failed(rollout: Rollout, node: NodeRun, call: string[]): Post[] {
  if (node.failure === null) return [];
  const run = node.rolledBackInRun ?? rollout.run;
  const hand = handOf(rollout, 'held');
  const parts: Part[] = [
    {
      is: 'lines',
      lines: [
        `✗ *${foreign(node.name, 80)} failed* ${outcome(rollout, node)}; ${serving(rollout, [node.region])}${decide(rollout)}`,
        `Why: ${foreign(node.failure, 500)}`,
      ],
    },
    ...evidence(node),
    { is: 'lines', lines: [...peers(rollout, node), ...call, ...hand.lines, ...after(rollout, node)] },
    { is: 'buttons', buttons: node.state.is === 'stuck' ? [] : [...hand.buttons, ...waysOut(rollout, node)] },
  ];
  return [broadcast(rollout, `failed.${run}.${node.name}`, parts, node.name)];
}

function stuck(rollout: Rollout, node: NodeRun, call: string[]): Post[] {
  const { state } = node;
  if (state.is !== 'stuck') return [];
  const hand = handOf(rollout, 'held');
  const parts: Part[] = [
    {
      is: 'lines',
      lines: [
        `‼ *${foreign(node.name, 80)} ${problem(node, releaseOf(rollout, node.name).version)}* and needs a person; ${serving(rollout, [node.region])}${decide(rollout)}`,
        `Why: ${foreign(state.reason, 500)}`,
        elsewhere(rollout),
        ...call,
        ...hand.lines,
        ...after(rollout, node),
      ],
    },
    ...(node.failure === null ? evidence(node) : []),
    { is: 'buttons', buttons: [...hand.buttons, ...waysOut(rollout, node)] },
  ];
  return [broadcast(rollout, `stuck.${rollout.run}.${node.name}`, parts, node.name)];
}

/** What becomes of the other nodes. */
function elsewhere({ status, policy, recovery }: Rollout): string {
  if (status.is === 'rolling-back') return 'The others go on being brought back.';
  if (recovery !== undefined || (policy.atOnce === 1 && status.is === 'held'))
    return 'Everything else is stopped; other nodes are left as they are.';
  return 'No other node is begun; those under way are finished or rolled back first.';
}

function problem({ state, touched, drained }: NodeRun, version: string): string {
  if (state.is !== 'stuck' || state.direction === 'forward') return onItsWay(state, drained, version);
  if (!touched) return 'could not be put back into service';
  return drained ? 'could not be rolled back, is out of service' : 'could not be rolled back';
}

function onItsWay(state: NodeRun['state'], drained: boolean, version: string): string {
  const step = 'step' in state ? state.step : undefined;
  if (step === 'undrain') return `is proven on ${version}, could not be put back into service`;
  const what =
    step !== undefined && isAny(step, 'restore', 'verify-restored')
      ? 'did not come back in the rehearsal'
      : 'is in an unknown state';
  return drained ? `${what}, is out of service` : what;
}

/** Held by a watch, or after a region was rolled back on request. */
function heldWithoutNode(rollout: Rollout, call: string[]): Post[] {
  const { status } = rollout;
  if (status.is !== 'held') return [];
  const told = nodesInOrder(rollout).some(
    (node) => node.name === status.node && (node.failure !== null || node.state.is === 'stuck'),
  );
  if (told) return [];
  const watched = status.node !== null;
  const hand = handOf(rollout, 'held');
  const parts: Part[] = [
    {
      is: 'lines',
      lines: [
        `${watched ? '✗' : '○'} *${goalFirst(rollout)} is held*; ${servingWhereHeld(rollout)}${decide(rollout)}`,
        `Why: ${heldReason(status.reason)}`,
        ...call,
        ...hand.lines,
      ],
    },
    {
      is: 'buttons',
      buttons: [...hand.buttons, ...wayOn(rollout), ...rollbackButtons(rollout, [{ is: 'all' }]), stopButton(rollout)],
    },
  ];
  return [broadcast(rollout, `failed.${rollout.run}.held-${Math.floor(status.at / 1000)}`, parts)];
}

/**
 * Closed or being rolled back: what stands there loses its buttons, nothing new is posted; but for what fails while others are
 * brought back.
 */
function broadcast(rollout: Rollout, key: string, parts: Part[], node: string | null = null): Post {
  return post(rollout, key, { is: 'thread', broadcast: true }, parts, { onlyEdit: isLate(rollout, node) });
}

function isLate(rollout: Rollout, node: string | null): boolean {
  const { status } = rollout;
  const isNews = status.is === 'rolling-back' && node !== null && status.after?.node === node;
  return (status.is === 'rolling-back' && !isNews) || !isOpen(rollout);
}

/** Below a failure that is decided about: who had it, and who decided what. Nothing that was said of people is taken back. */
function after(rollout: Rollout, { name }: NodeRun): string[] {
  if (!isLate(rollout, name)) return [];
  const had = Object.entries(rollout.taken ?? {}).filter(([key]) => key.startsWith('held.'));
  return [...had.map(([, { by, at }]) => `→ ${who(by)} had it since ${when(at)}.`), `→ ${lastWord(rollout)}`];
}

/** What it runs now, behind "failed". */
function outcome(rollout: Rollout, node: NodeRun): string {
  const { state, touched } = node;
  const old = oldOf(rollout, node);
  switch (state.is) {
    case 'failed':
      return 'and is unchanged';
    case 'unproven':
      if (isQueued(rollout, node))
        return `and is still to be rolled back to ${old}${isLeftOut(node) ? ', out of service' : ''}`;
      return `and stays on ${newOf(rollout)}, not proven${isLeftOut(node) ? ', out of service' : ''}`;
    case 'rolled-back':
      return wasOnlyOut(node)
        ? 'and is unchanged, back in service'
        : `and runs ${old} again, proven at ${when(state.at)}`;
    case 'stuck':
      return touched ? 'and could not be brought back' : 'and is unchanged, but still out of service';
    case 'working':
      if (state.direction === 'forward') return 'and is being worked on again';
      return touched ? `and is being rolled back to ${old}` : 'and is being put back into service, unchanged';
    default:
      return 'and is being tried again';
  }
}

function decide(rollout: Rollout): string {
  const acts = whoActs(rollout);
  return acts === '' ? '' : `; ${acts}`;
}

function peers(rollout: Rollout, node: NodeRun): string[] {
  if (!leadsBack(rollout)) return [];
  const touched = nodesInOrder(rollout).filter(({ touched: is, name }) => is && name !== node.name);
  if (touched.length === 0)
    return [
      `No other node ${rollout.change === undefined ? 'runs the new version' : 'was changed'} because of this rollout.`,
    ];
  const moving = touched.filter(({ state }) => state.is === 'working');
  const going = touched.filter((each) => !moving.includes(each) && isQueued(rollout, each));
  const still = touched.filter((each) => !moving.includes(each) && !going.includes(each));
  return [
    ...listed(`On ${newOf(rollout)} and left alone`, still),
    ...listed(`On ${newOf(rollout)} and brought back, too`, going),
    ...listed('Under way, and finished or rolled back first', moving),
  ];
}

const listed = (what: string, nodes: NodeRun[]): string[] =>
  nodes.length === 0 ? [] : [`${what}: ${names(nodes.map(({ name }) => name))}`];

function waysOut(rollout: Rollout, node: NodeRun): Button[] {
  if (rollout.status.is !== 'held' || node.state.is === 'working') return [];
  const scopes = rollbackButtons(rollout, [{ is: 'region', region: node.region }, { is: 'all' }]);
  const ways = [...wayOn(rollout), ...foreignButtons(rollout, node), ...scopes];
  const all = [...ways, stopButton(rollout), diagnoseButton(rollout, node.name)];
  return safestFirst(all, node.diagnosis?.causes?.[0]?.next ?? null);
}

/** The buttons that come nearest to each next step, the nearest first. Where nothing is left to go back to, a bad build is stopped. */
const fitting: Record<NextStep, string[]> = {
  retry: ['retry', 'resume'],
  rollback: ['rollback', 'stop'],
  replace: ['replace', 'keep'],
  look: ['diagnose'],
  nothing: [],
};

/** What suits the cause comes first; nothing is offered that was not, and nothing is left out. */
function safestFirst(buttons: Button[], next: NextStep | null): Button[] {
  const wanted = next === null ? [] : fitting[next];
  const first = wanted
    .map((action) => buttons.find((button) => button.action.split(':')[0] === action))
    .find((button) => button !== undefined);
  return first === undefined ? buttons : [first, ...buttons.filter((button) => button !== first)];
}
