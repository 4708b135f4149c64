import type { Comparison } from '../../upgrade/comparison/types.ts';
import {
  comparisonsIn,
  endOf,
  isOpen,
  nodesInOrder,
  noticeOver,
  sinceOf,
  takenBy,
  toldSince,
  type Waiting,
  waitingForPeople,
} from '../../upgrade/rollout/index.ts';
import type { ActionPhase, Declined, Gate, NodeRun, Phase, Rollout, Status } from '../../upgrade/rollout/types.ts';
import { scopeWord } from '../command.ts';
import { afterwardsFacts } from './afterwards.ts';
import { iso } from './instants.ts';

/** A rollout for programs: every key is always there, what does not apply is null. */
export function rolloutFacts(rollout: Rollout) {
  const { id, fleet, service, release, strategy, requester, run, revision, override, status } = rollout;
  return {
    id,
    fleet,
    service: service.name,
    version: release.version,
    services: servicesFacts(rollout),
    signedBy: release.signed === null ? null : { name: release.signed.by, key: release.signed.key },
    strategy,
    recovery:
      rollout.recovery === undefined
        ? null
        : { from: rollout.recovery.from ?? null, recordOf: rollout.recovery.recordOf },
    change: rollout.change?.is ?? null,
    open: isOpen(rollout),
    status: statusFacts(status),
    requester,
    run,
    revision,
    createdAt: iso(rollout.createdAt),
    startAt: iso(rollout.startAt),
    startedAt: iso(rollout.startedAt),
    endedAt: isOpen(rollout) || !('at' in status) ? null : iso(status.at),
    override:
      override === null ? null : { by: override.by, reason: override.reason, incident: override.incident ?? null },
    waiting: waitingForPeople(rollout).map(({ what, since }) => ({ waits: what, since: iso(since) })),
    taken: waitingForPeople(rollout).flatMap((waiting) => takenFacts(rollout, waiting)),
    moves: (rollout.moves ?? []).map(({ by, at, to }) => ({ by, at: iso(at), startAt: iso(to) })),
    notice: noticeFacts(rollout),
    afterwards: afterwardsFacts(rollout),
    phases: rollout.phases.map(phaseFacts),
    nodes: nodesInOrder(rollout).map(nodeFacts),
  };
}

/** null where one service is brought; `version` and `signedBy` are those of the first. */
const servicesFacts = ({ services }: Rollout) =>
  services === undefined
    ? null
    : Object.entries(services).map(([key, { service, release }]) => ({
        ...{ key, name: service.name, version: release.version },
        signedBy: release.signed === null ? null : { name: release.signed.by, key: release.signed.key },
      }));

/** `waits`: `held`, `start`, `node NAME`, `region NAME`, or the id of an approval or a watch. */
function takenFacts(rollout: Rollout, waiting: Waiting) {
  const taken = takenBy(rollout, waiting);
  return taken === null ? [] : [{ waits: waiting.what, by: taken.by, since: iso(taken.at) }];
}

/** What had to be announced before the first node, and since when each audience knows of the planned start. */
function noticeFacts(rollout: Rollout) {
  const { notice } = rollout;
  if (notice === undefined) return null;
  const audiences = toldSince(rollout).map(({ audience, since }) => ({ audience, since: iso(since) }));
  return { wantedMs: notice.wanted, audiences, over: iso(noticeOver(rollout)) };
}

function statusFacts(status: Status) {
  return {
    is: status.is,
    since: 'at' in status ? iso(status.at) : null,
    by: 'by' in status ? status.by : null,
    reason: 'reason' in status ? status.reason : null,
    node: 'node' in status ? status.node : null,
    scope: 'scope' in status ? scopeWord(status.scope) : null,
  };
}

/** One item of the plan, in order; `since` and `at`: when it became due, and when it was over. */
function phaseFacts(phase: Phase) {
  const { id, title, is, state } = phase;
  return {
    id,
    title,
    is,
    state: state.is,
    since: iso(sinceOf(phase)),
    at: iso(endOf(phase)),
    nodes: phase.is === 'approval' || phase.is === 'action' ? null : phase.nodes,
    action: phase.is === 'action' ? actionFacts(phase) : null,
    rehearsal: phase.is === 'nodes' ? (phase.rehearsal?.node ?? null) : null,
    approvedBy: phase.is === 'approval' ? phase.given.map(({ by }) => by) : null,
    comments:
      phase.is === 'approval' ? phase.given.flatMap(({ by, comment }) => (comment ? [{ by, comment }] : [])) : null,
    compared:
      phase.is === 'watch'
        ? comparisonsIn(phase).map(({ region, found }) => ({ region, ...comparedFacts(found) }))
        : null,
    declined: phase.is === 'approval' && phase.declined ? declineFacts(phase.declined) : null,
  };
}

const actionFacts = ({ action, region, work: { state, facts } }: ActionPhase) => ({
  is: action,
  region,
  state: state.is,
  reason: 'reason' in state ? state.reason : null,
  schema: facts.schema ?? null,
});

/** `factor`: how many times as much; `high` null with a `low`: without end. `blocks`: before and after. */
const comparedFacts = ({ check, is, factor, low, high, before, after, nodes, control, why }: Comparison) => ({
  ...{ check, is, factor, low, high, blocks: { before, after }, nodes, control, why: why ?? null },
});

const declineFacts = ({ by, at, reason }: Declined) => ({ by, at: iso(at), reason });

export function nodeFacts({ name, region, state, touched, before, rehearsedAt }: NodeRun) {
  return {
    node: name,
    region,
    state: state.is,
    direction: 'direction' in state ? state.direction : null,
    step: 'step' in state ? state.step : null,
    reason: 'reason' in state ? state.reason : 'lastReason' in state ? state.lastReason : null,
    /** This rollout changed it and has not brought it back. */
    changed: touched,
    rehearsedAt: iso(rehearsedAt ?? null),
    versionBefore: before?.version ?? null,
    sha256Before: before?.sha256 ?? null,
  };
}

/** `seen`: whether the gate is closed now, or was when the node's worker last looked right before the stop. */
export function gateFacts({ gate, seen }: { gate: Gate; seen: 'now' | 'before-its-stop' }) {
  const { name, reason, owner, opensAt } = gate;
  return { gate: name, reason, owner, opensAt: iso(opensAt), seen };
}
