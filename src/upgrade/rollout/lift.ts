import { isAny } from '../../base/is-any.ts';
import type { Approvers, Direction, NodeRun, NodesPhase, Phase, PhaseState, Rollout, StepName } from './types.ts';

/** Shape of what is stored; raised when an older program could misread it. */
export const format = 3;

/** What format 1 has otherwise. */
interface Batch1 {
  region: string;
  nodes: string[];
  approval: boolean;
  bake: number;
  finishedAt: number | null;
  watchedAt: number | null;
  watches: number;
  bakedAt: number | null;
  askedAt: number | null;
  approved: { by: string; at: number } | null;
}
type Held1 = { gates: []; at: number; times: number } | null;
type Node1 = Omit<NodeRun, 'held'> & { held: Held1 };
type Rollout1 = Omit<Rollout, 'phases' | 'nodes'> & {
  batches: Batch1[];
  approvers: Record<string, Approvers>;
  nodes: Record<string, Node1>;
};

/** Hours that an override may last at most. */
const overrideEnds = 4 * 3_600_000;

/**
 * A rollout as any earlier version stored it, as this one reads it. What format 1 did not know is taken to be unsafe:
 * an intent without a report may have changed the node.
 * @throws Error for a format that this program does not know
 */
export function lift(stored: { format: number; rollout: unknown }): Rollout {
  // Format 2 has no actions, and is read as it is.
  if (stored.format === format || stored.format === 2) return withLater(stored.rollout as Rollout);
  if (stored.format === 1) return fromFirst(stored.rollout as Rollout1);
  throw new Error(
    `it was stored in format ${stored.format}, this program reads formats 1 to ${format}: use the version that stored it, or a newer one`,
  );
}

/** What was stored before something was known goes as it went then: one by one, begun by one person, unsigned and not asked. */
const withLater = (rollout: Rollout): Rollout => ({
  ...rollout,
  policy: {
    ...rollout.policy,
    atOnce: rollout.policy.atOnce ?? 1,
    oneMayBegin: rollout.policy.oneMayBegin ?? 'anywhere',
    breakers: rollout.policy.breakers ?? 1,
    canary: rollout.policy.canary ?? null,
    majors: rollout.policy.majors ?? { approvers: 1, canaryApproval: false },
    rehearse: rollout.policy.rehearse ?? 'never',
  },
  release: { ...rollout.release, signed: rollout.release.signed ?? null },
  asked: rollout.asked ?? null,
  pace: rollout.pace ?? null,
  nodes: Object.fromEntries(
    Object.entries(rollout.nodes).map(([name, node]) => [name, { ...node, took: node.took ?? {} }]),
  ),
});

function fromFirst({ batches, approvers, ...old }: Rollout1): Rollout {
  const { override, status } = old;
  const names = batches.flatMap(({ nodes }) => nodes);
  const phases = [
    staging(old.nodes, names, old.createdAt),
    ...batches.flatMap((_, at) => phasesOf(batches, at, approvers)),
  ];
  return withLater({
    ...old,
    service: { ...old.service, traffic: null },
    override: override === null ? null : { ...override, until: old.createdAt + overrideEnds },
    status: statusOf(status),
    phases,
    nodes: Object.fromEntries(Object.entries(old.nodes).map(([name, node]) => [name, nodeOf(node, phases)])),
    looks: Object.fromEntries(
      Object.keys(old.peers).map((region) => {
        const count = batches.find((batch) => batch.region === region)?.watches ?? 0;
        return [region, { count, at: null, standing: {}, misses: {} }];
      }),
    ),
    rest: old.lastNodeAt === null ? null : { ms: 0, at: old.lastNodeAt },
    unattended: [],
  });
}

function statusOf(status: Rollout['status']): Rollout['status'] {
  if (status.is === 'held') return { ...status, pending: null };
  return status.is === 'rolling-back' ? { ...status, after: null } : status;
}

const pathOfFirst: StepName[] = ['backup', 'switch', 'verify', 'cleanup'];
const undoOfFirst: StepName[] = ['diagnose', 'restore', 'verify-restored', 'cleanup'];

const doneAt = (at: number | null): PhaseState => (at === null ? { is: 'pending' } : { is: 'done', since: at, at });

function staging(nodes: Record<string, Node1>, names: string[], at: number): NodesPhase {
  const isOver = names.every((name) => !isAny(nodes[name]?.state.is, 'staging', 'failed'));
  const state: PhaseState = isOver ? { is: 'done', since: at, at } : { is: 'active', since: at };
  return { id: 'stage', title: 'staging', state, is: 'nodes', nodes: names, path: ['stage'], undo: [] };
}

/** The approval of a batch, its turn, and its watch when the next one waited for that. */
function phasesOf(batches: Batch1[], index: number, approvers: Record<string, Approvers>): Phase[] {
  const [before, batch, then] = [batches[index - 1], batches[index], batches[index + 1]];
  if (batch === undefined) return [];
  const { region, nodes, approval, finishedAt } = batch;
  const turn: NodesPhase = {
    id: `nodes/${region}`,
    title: region,
    state: doneAt(finishedAt),
    is: 'nodes',
    nodes,
    path: pathOfFirst,
    undo: undoOfFirst,
  };
  const isWatched = then !== undefined && (batch.bake > 0 || then.approval);
  return [
    ...(approval ? [approvalOf(batch, before?.bakedAt ?? null, approvers[region])] : []),
    turn,
    ...(isWatched ? [watchOf(batch)] : []),
  ];
}

function approvalOf({ region, askedAt, approved }: Batch1, watched: number | null, by: Approvers | undefined): Phase {
  const waiting: PhaseState = askedAt === null ? { is: 'pending' } : { is: 'active', since: askedAt };
  return {
    id: `approval/${region}`,
    title: region,
    state: approved === null ? waiting : { is: 'done', since: askedAt ?? approved.at, at: approved.at },
    is: 'approval',
    opens: [`nodes/${region}`],
    by: by ?? { users: [], groups: [] },
    needed: 1,
    given: approved === null ? [] : [{ ...approved, watched }],
  };
}

function watchOf({ region, nodes, bake, finishedAt, watchedAt, bakedAt }: Batch1): Phase {
  const going: PhaseState = finishedAt === null ? { is: 'pending' } : { is: 'active', since: finishedAt };
  const ms = finishedAt === null || watchedAt === null ? 0 : watchedAt - finishedAt;
  return {
    id: `watch/${region}`,
    title: region,
    state: bakedAt === null ? going : { is: 'done', since: finishedAt ?? bakedAt, at: bakedAt },
    is: 'watch',
    regions: [region],
    nodes,
    for: bake,
    healthy: watchedAt === null ? {} : { [region]: { ms, at: watchedAt } },
  };
}

function nodeOf(old: Node1, phases: Phase[]): NodeRun {
  const { state, held, touched, name } = old;
  const underWay = state.is === 'working' || state.is === 'staging';
  const changing = state.is === 'working' && (state.step === 'switch' || state.step === 'restore');
  return {
    ...old,
    state: state.is === 'working' ? { ...state, ...placeOf(name, state, phases) } : state,
    begun: underWay ? old.attempt : null,
    drained: false,
    uncertain: touched && (changing || state.is === 'stuck'),
    held: held === null ? null : { ...held, since: held.at, until: held.at },
    foreign: null,
    decided: null,
    silentSince: null,
    sick: null,
    seenAt: null,
    provenAt: state.is === 'done' ? state.at : null,
  };
}

function placeOf(name: string, { direction, step }: { direction: Direction; step: StepName }, phases: Phase[]) {
  const turn = phases.find((phase) => phase.is === 'nodes' && phase.id !== 'stage' && phase.nodes.includes(name));
  const path = direction === 'forward' ? pathOfFirst : undoOfFirst;
  return { phase: turn?.id ?? '', index: path.indexOf(step) };
}
