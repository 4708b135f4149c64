import type { NodeRun, Rollout } from './types.ts';

/** Shape of what is stored; raised when an older program could misread it. */
export const format = 2;

/** The fields of format 1 that format 2 has no more, or has otherwise. */
interface Batch1 {
  finishedAt: number | null;
  watchedAt: number | null;
  watches: number;
  bakedAt: number | null;
  approved: { by: string; at: number } | null;
}
type Held1 = { gates: []; at: number; times: number } | null;
type Rollout1 = Omit<Rollout, 'batches' | 'nodes'> & {
  batches: (Omit<Rollout['batches'][number], keyof Batch1> & Batch1)[];
  nodes: Record<string, Omit<NodeRun, 'held'> & { held: Held1 }>;
};

/** Hours that an override may last at most. */
const overrideEnds = 4 * 3_600_000;

/**
 * A rollout as any earlier version stored it, as this one reads it. What format 1 did not know is taken to be unsafe:
 * an intent without a report may have changed the node.
 * @throws Error for a format that this program does not know
 */
export function lift(stored: { format: number; rollout: unknown }): Rollout {
  if (stored.format === format) return stored.rollout as Rollout;
  if (stored.format === 1) return fromFirst(stored.rollout as Rollout1);
  throw new Error(
    `it was stored in format ${stored.format}, this program reads formats 1 to ${format}: use the version that stored it, or a newer one`,
  );
}

function fromFirst(old: Rollout1): Rollout {
  const { override, status } = old;
  return {
    ...old,
    override: override === null ? null : { ...override, until: old.createdAt + overrideEnds },
    status: statusOf(status),
    batches: old.batches.map((batch, index) => batchOf(batch, old.batches[index - 1]?.bakedAt ?? null)),
    nodes: Object.fromEntries(Object.entries(old.nodes).map(([name, node]) => [name, nodeOf(node)])),
    looks: Object.fromEntries(
      Object.entries(old.peers).map(([region]) => {
        const count = old.batches.find((batch) => batch.region === region)?.watches ?? 0;
        return [region, { count, at: null, standing: {}, misses: {} }];
      }),
    ),
    rest: old.lastNodeAt === null ? null : { ms: 0, at: old.lastNodeAt },
    unattended: [],
  };
}

function statusOf(status: Rollout['status']): Rollout['status'] {
  if (status.is === 'held') return { ...status, pending: null };
  return status.is === 'rolling-back' ? { ...status, after: null } : status;
}

function batchOf(batch: Rollout1['batches'][number], bakeBefore: number | null): Rollout['batches'][number] {
  const { region, nodes, approval, bake, finishedAt, watchedAt, bakedAt, askedAt, approved } = batch;
  const healthyFor = finishedAt === null || watchedAt === null ? 0 : watchedAt - finishedAt;
  return {
    region,
    nodes,
    approval,
    bake,
    finishedAt,
    healthyFor,
    healthyAt: watchedAt ?? finishedAt,
    bakedAt,
    askedAt,
    approved: approved === null ? null : { ...approved, bake: bakeBefore },
  };
}

function nodeOf(old: Rollout1['nodes'][string]): NodeRun {
  const { state, held, touched } = old;
  const underWay = state.is === 'working' || state.is === 'staging';
  const changing = state.is === 'working' && (state.step === 'switch' || state.step === 'restore');
  return {
    ...old,
    begun: underWay ? old.attempt : null,
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
