import {
  gates,
  isOpen,
  isQueued,
  keptSince,
  longWatch,
  neglected,
  nodesInOrder,
  regionsOf,
  silentFrom,
  startOf,
  waitAtGate,
} from '../../upgrade/rollout/index.ts';
import type { NodeRun, Rollout, Unattended } from '../../upgrade/rollout/types.ts';
import { goalFirst, newOf } from './goal.ts';
import { called, type People } from './people.ts';
import { type Post, post } from './post.ts';
import { serving } from './serving.ts';
import { handOf, whoActsOn } from './taken.ts';
import { count, foreign, gateReason, span, when } from './text.ts';
import { stepWord } from './words.ts';

interface Wait {
  /** Of all that waits for people, this; somebody may say that they have it. null: nobody can. */
  what: string | null;
  /** A node, a region, a watch, or what is to be done: names the message, together with `since` (epoch ms). */
  name: string;
  since: number;
  glyph: '?' | '‼';
  /** How it stands, in a few words. */
  state: string;
  regions: string[];
  /** The same in fewer words, for a title; absent where that tells of it already. */
  short?: string;
  /** Why, where `state` does not say it; absent where lines beside it do. */
  cause?: string;
  /** What is so, whoever has it. */
  still: string;
  why: string[];
}

/** Whatever a rollout waits for without anybody having said so: broadcast once each, then kept true. */
export function waitPosts(rollout: Rollout, people: People): Post[] {
  const call = called(rollout, people);
  return waits(rollout).map((wait) => {
    const { what, name, since, glyph, state, regions, still, why } = wait;
    const hand = what === null ? { lines: [], buttons: [] } : handOf(rollout, what);
    const acts = what === null ? still : whoActsOn(rollout, what, still);
    const lines = [`${glyph} *${state}*; ${serving(rollout, regions)}; ${acts}`, ...why, ...call, ...hand.lines];
    const key = `wait.${rollout.run}.${name}.${Math.floor(since / 1000)}`;
    return post(rollout, key, { is: 'thread', broadcast: true }, [
      { is: 'lines', lines },
      { is: 'buttons', buttons: hand.buttons },
    ]);
  });
}

/** How that which waits stands, and where, for whoever is called again; null when no message tells of it. */
export function waitOf(rollout: Rollout, what: string): Pick<Wait, 'state' | 'regions'> | null {
  return waits(rollout).find((wait) => wait.what === what) ?? null;
}

/** What stands still, for whoever reads the live message, or asks: what is told there by other lines is left out. */
export function standstills(rollout: Rollout): string[] {
  return waits(rollout).flatMap(({ short, glyph, state, since, cause, still }) => {
    const why = cause === undefined ? '' : ` (${cause})`;
    return short === undefined ? [] : [`${glyph} *${state}* since ${when(since)}${why}; ${still}`];
  });
}

/** The worst of that, for a title: all of it, or of a region. */
export const standsStill = (rollout: Rollout, region: string | null = null): string | null =>
  waits(rollout).find(({ short, regions }) => short !== undefined && (region === null || regions.includes(region)))
    ?.short ?? null;

function waits(rollout: Rollout): Wait[] {
  if (!isOpen(rollout)) return [];
  if (rollout.unsigned) return [adoption(rollout)];
  const back = rollout.onlyBack && rollout.status.is === 'held' ? [adoption(rollout)] : [];
  return [
    ...back,
    ...nodesInOrder(rollout).flatMap((node) => [...silent(rollout, node), ...gated(rollout, node)]),
    ...neglected(rollout).map((each) => unattended(rollout, each)),
    ...endless(rollout),
  ];
}

/** Since when and how often, not for how long: what a look that saw nothing new would edit. */
function endless(rollout: Rollout): Wait[] {
  const watch = longWatch(rollout);
  if (watch === null) return [];
  const { phase, from, since, flapping } = watch;
  const title = foreign(phase.title, 80);
  const all = flapping.map(([name, times]) => `${foreign(name, 80)} (${count(times, 'time')})`).join(', ');
  const why =
    flapping.length === 0
      ? 'All looks found it well, but they come too seldom: are its workers busy, or does a node answer slowly?'
      : `Found unwell, and well again before it counted as gone: ${all}. Each time the watch begins anew, or stands still.`;
  return [
    {
      ...{ what: phase.id, name: phase.id, since, glyph: '‼', regions: phase.regions },
      short: 'that watch does not end',
      state: `${flaps(flapping)}the ${phase.for === 0 ? '' : `${span(phase.for)} `}watch of ${title} has not ended since ${when(from)}`,
      still: 'it goes on by itself once all stay well',
      why: [`${why} Nothing else is begun before its end.`, wayBack(rollout, flapping)],
    },
  ];
}

/** The worst of them, in a few words. */
function flaps([first, ...others]: [string, number][]): string {
  if (first === undefined) return '';
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  return `${foreign(first[0], 60)}${more} ${more === '' ? 'flaps' : 'flap'} (${count(first[1], 'time')}): `;
}

function wayBack(rollout: Rollout, [worst]: [string, number][]): string {
  const look = worst === undefined ? '' : `\`/zeitwork diagnose ${foreign(worst[0], 80)}\` looks at it; `;
  if (rollout.change?.is === 'restart')
    return look === '' ? 'Nothing was changed there.' : `${look}nothing was changed there.`;
  return `${look}if ${newOf(rollout)} is why, roll back.`;
}

/** Told after the first try that nobody could make sense of: it may be switched, and does not answer or says nothing of use. */
function silent(rollout: Rollout, node: NodeRun): Wait[] {
  const { name, region, state, uncertain } = node;
  const since = silentFrom(node);
  if (state.is !== 'working' || since === null) return [];
  const after = uncertain ? `while ${stepWord(state.step)}` : 'after its restart';
  const named = foreign(name, 80);
  return [
    {
      ...{ what: `node ${name}`, name, since, glyph: '?', regions: [region] },
      state: state.silent ? `${named} does not answer` : `Nobody knows yet what ${named} did`,
      short: state.silent ? `${named} does not answer` : `what ${named} did is not known`,
      still: `after ${rollout.policy.unknownAttempts} tries a person decides`,
      why: [
        `Since ${when(since)} (${after}): ${foreign(state.lastReason ?? 'nothing came back')}`,
        `Tried ${state.unknowns} of ${rollout.policy.unknownAttempts}. ${elsewhere(rollout, true)}`,
      ],
    },
  ];
}

/** What a node that waits means for the others. */
const elsewhere = ({ policy, status }: Rollout, isUnderWay: boolean): string => {
  if (status.is === 'rolling-back' && !isUnderWay) return 'Others go back meanwhile where they can.';
  return policy.atOnce === 1 ? 'Nothing else is begun.' : 'Others go on as far as the quorum leaves room.';
};

function gated(rollout: Rollout, node: NodeRun): Wait[] {
  const held = waitAtGate(rollout, node);
  if (held === null) return kept(rollout, node);
  const shut = held.gates.map((gate) => gateReason(gate)).join('; ');
  const asked = `Asked ${count(held.times, 'time')}, the last time ${when(held.at)}. ${elsewhere(rollout, node.state.is === 'working')}`;
  const wait = stuck(node, held.since, shut, asked);
  // What is next is told by lines of its own, and so is a file.
  const isTold =
    !(node.state.is === 'working' || isQueued(rollout, node)) || held.gates.every(({ name }) => name === 'halt');
  return [isTold ? wait : { ...wait, short: `${foreign(node.name, 60)} waits`, cause: shut }];
}

/** Before any step asked, so nothing counts how often. */
function kept(rollout: Rollout, node: NodeRun): Wait[] {
  const since = keptSince(rollout, node);
  const { at } = rollout.looks[node.region] ?? {};
  if (since === null || at == null) return [];
  const shut = gates(rollout, node.name, at).map((gate) => gateReason(gate));
  return [stuck(node, since, shut.join('; '), `It is looked at again every minute. ${elsewhere(rollout, false)}`)];
}

function stuck({ name, region }: NodeRun, since: number, shut: string, asked: string): Wait {
  return {
    ...{ what: `node ${name}`, name, since, glyph: '‼', regions: [region] },
    state: `Stuck: ${foreign(name, 80)} waits`,
    still: 'it goes on by itself once that changes',
    why: [`Since ${when(since)}: ${shut}`, asked],
  };
}

type Told = Pick<Wait, 'glyph' | 'state' | 'short' | 'still' | 'why'>;

const because: Record<Unattended['why'], (region: string, since: string) => Told> = {
  'no worker': (region, since) => ({
    glyph: '‼',
    state: `No living worker serves ${region}`,
    short: `no worker serves ${region}`,
    still: 'nothing moves there until one is started',
    why: [
      `Since ${since}. Start one where its nodes can be reached: \`zeitwork worker --region ${region}\`. One that is older than the bot counts when it is updated.`,
    ],
  }),
  'not taken up': (region, since) => ({
    glyph: '‼',
    state: `No worker takes up the work for ${region}`,
    short: `no worker takes up ${region}`,
    still: 'nothing moves there until one does',
    why: [`Since ${since}. Its workers live; is the queue paused, or Redis in trouble?`],
  }),
  'no report': (region, since) => ({
    glyph: '?',
    state: `A step in ${region} takes longer than it should`,
    short: `a step in ${region} takes too long`,
    still: 'somebody should look',
    why: [`Noticed ${since}: no report arrives. \`/zeitwork status\` shows which.`],
  }),
};

function unattended(rollout: Rollout, { region, why, since }: Unattended): Wait {
  const told = because[why](foreign(region, 80), when(since));
  return {
    ...{ what: `region ${region}`, name: region, since, regions: [region] },
    ...told,
    why: [...told.why, ...missed(rollout, since)],
  };
}

/** Whoever is called for this is not called for the start besides. */
function missed(rollout: Rollout, since: number): string[] {
  const due = rollout.startedAt === null ? startOf(rollout) : null;
  const isPlanned = due !== null && due > rollout.createdAt;
  if (!isPlanned || due > since || rollout.status.is !== 'running') return [];
  return [`${goalFirst(rollout)} was to begin ${when(due)} and has not.`];
}

function adoption(rollout: Rollout): Wait {
  return {
    ...{ what: null, name: 'adopt', since: rollout.createdAt, glyph: '‼', regions: regionsOf(rollout) },
    state: 'Nobody signed what led to this',
    still: 'nothing goes on until a breaker adopts it',
    why: [
      `It was begun by a version that did not. Look what the nodes run (\`/zeitwork verify\`), then \`/zeitwork adopt ${foreign(rollout.id, 80)}\`.`,
      'Rollback and stop work as they are.',
    ],
  };
}
