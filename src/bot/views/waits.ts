import { alarmedSince, gates, isOpen, neglected, nodesInOrder, waitAtGate } from '../../upgrade/rollout/index.ts';
import type { NodeRun, Rollout, Unattended } from '../../upgrade/rollout/types.ts';
import { called, type People } from './people.ts';
import { type Post, post } from './post.ts';
import { handOf } from './taken.ts';
import { count, foreign, gateReason, when } from './text.ts';
import { stepWord } from './words.ts';

/** Whatever a rollout waits for without anybody having said so: broadcast once each, then kept true. */
export function waitPosts(rollout: Rollout, people: People): Post[] {
  const call = called(rollout, people);
  if (!isOpen(rollout)) return [];
  if (rollout.unsigned) return [adoption(rollout, call)];
  const back = rollout.onlyBack && rollout.status.is === 'held' ? [adoption(rollout, call)] : [];
  return [
    ...back,
    ...nodesInOrder(rollout).flatMap((node) => [...silent(rollout, node, call), ...gated(rollout, node, call)]),
    ...neglected(rollout).map((each) => unattended(rollout, each, call)),
  ];
}

/** Told after the first try that nobody could make sense of: it may be switched, and does not answer or says nothing of use. */
function silent(rollout: Rollout, node: NodeRun, call: string[]): Post[] {
  const { state, silentSince, touched } = node;
  if (state.is !== 'working' || silentSince === null || !touched || state.unknowns === 0) return [];
  const after = node.uncertain ? `while ${stepWord(state.step)}` : 'after its restart';
  const name = foreign(node.name, 80);
  const head = state.silent ? `${name} does not answer` : `Nobody knows yet what ${name} did`;
  return [
    wait(rollout, node.name, silentSince, [
      `? *${head}* since ${when(silentSince)} (${after}): ${foreign(state.lastReason ?? 'nothing came back')}`,
      `Tried ${state.unknowns} of ${rollout.policy.unknownAttempts}, then a person is called. ${serving(rollout, node)} ${elsewhere(rollout)}`,
      ...call,
    ]),
  ];
}

/** What a node that waits means for the others. */
const elsewhere = ({ policy }: Rollout): string =>
  policy.atOnce === 1 ? 'Nothing else is begun.' : 'Others go on as far as the quorum leaves room.';

/** What still serves in its region, as the last look at it saw it. */
function serving({ looks, peers }: Rollout, { name, region }: NodeRun): string {
  const { at = null, standing = {} } = looks[region] ?? {};
  if (at === null) return '';
  const others = (peers[region] ?? []).filter((peer) => peer !== name);
  const healthy = others.filter((peer) => standing[peer] === 'healthy').length;
  return `Of the others in ${foreign(region, 80)} ${healthy} of ${others.length} were healthy at ${when(at)}.`;
}

function gated(rollout: Rollout, node: NodeRun, call: string[]): Post[] {
  const { name } = node;
  const held = waitAtGate(rollout, node);
  if (held === null) return alarmed(rollout, node, call);
  const gates = held.gates.map((gate) => gateReason(gate)).join('; ');
  return [
    wait(
      rollout,
      name,
      held.since,
      [
        `‼ *Stuck: ${foreign(name, 80)} waits* since ${when(held.since)}: ${gates}`,
        `Asked ${count(held.times, 'time')}, the last time ${when(held.at)}. It goes on by itself when that changes; until then ${elsewhere(rollout).toLowerCase()}`,
        ...call,
      ],
      `node ${name}`,
    ),
  ];
}

/** Before any step asked, so nothing counts how often. */
function alarmed(rollout: Rollout, node: NodeRun, call: string[]): Post[] {
  const since = alarmedSince(rollout, node);
  const { at } = rollout.looks[node.region] ?? {};
  if (since === null || at == null) return [];
  const why = gates(rollout, node.name, at).map((gate) => gateReason(gate));
  const lines = [
    `‼ *Stuck: ${foreign(node.name, 80)} waits* since ${when(since)}: ${why.join('; ')}`,
    `It is looked at again every minute, and goes on by itself when that ends; until then ${elsewhere(rollout).toLowerCase()}`,
    ...call,
  ];
  return [wait(rollout, node.name, since, lines, `node ${node.name}`)];
}

const because: Record<Unattended['why'], (region: string, since: string) => string[]> = {
  'no worker': (region, since) => [
    `‼ *No living worker serves ${region}* since ${since}: nothing moves there.`,
    `Start one where its nodes can be reached: \`zeitwork worker --region ${region}\`. One that is older than the bot counts when it is updated.`,
  ],
  'not taken up': (region, since) => [
    `‼ *Work for ${region} waits* since ${since} and no worker takes it up.`,
    'Its workers live; is the queue paused, or Redis in trouble?',
  ],
  'no report': (region, since) => [
    `? *A step in ${region} takes longer than it should*, noticed ${since}: no report arrives.`,
    '`/zeitwork status` shows which.',
  ],
};

function unattended(rollout: Rollout, { region, why, since }: Unattended, call: string[]): Post {
  const lines = [...because[why](foreign(region, 80), when(since)), ...call];
  return wait(rollout, region, since, lines, `region ${region}`);
}

function adoption(rollout: Rollout, call: string[]): Post {
  const id = foreign(rollout.id, 80);
  return wait(rollout, 'adopt', rollout.createdAt, [
    `*Nobody signed what led to this*: it was begun by a version that did not. Nothing goes on until a breaker has looked what the nodes run (\`/zeitwork verify\`) and says \`/zeitwork adopt ${id}\`.`,
    'Rollback and stop work as they are.',
    ...call,
  ]);
}

/** `what`: of all that waits for people, this; somebody may say that they have it. */
function wait(rollout: Rollout, name: string, since: number, lines: string[], what: string | null = null): Post {
  const key = `wait.${rollout.run}.${name}.${Math.floor(since / 1000)}`;
  const hand = what === null ? { lines: [], buttons: [] } : handOf(rollout, what);
  return post(rollout, key, { is: 'thread', broadcast: true }, [
    { is: 'lines', lines: [...lines, ...hand.lines] },
    { is: 'buttons', buttons: hand.buttons },
  ]);
}
