import type { NodeRun, Policy, Release, Rollout } from '../../../src/upgrade/rollout/types.ts';
import { service } from '../../support/rollouts.ts';

export { service };

export const policy: Policy = {
  order: 'declared',
  atOnce: 1,
  minimumHealthy: 2,
  healthDeadline: 60_000,
  poll: 25,
  pollMax: 1_000,
  healthyAnswers: 3,
  soak: 30_000,
  canarySoak: 60_000,
  pause: 0,
  bake: 0,
  watch: 10_000,
  approvalExpires: 3_600_000,
  attempts: 3,
  unknownAttempts: 5,
  retryDelay: 1_000,
  autoRollback: 'node',
  rehearse: 'never',
  expectedNode: 60_000,
  rollbackReserve: 60_000,
  commandTimeout: 30_000,
  transferTimeout: 120_000,
  selfApproval: false,
  oneMayBegin: 'anywhere',
  breakers: 1,
  canary: null,
  majors: { approvers: 1, canaryApproval: false },
};

export const release: Release = {
  version: 'v2.0.0',
  archive: 'zeitwork-operator-v2.0.0.tar.gz',
  archiveSha256: 'a'.repeat(64),
  binarySha256: 'b'.repeat(64),
  archiveBytes: 24_000_000,
  binaryBytes: 28_000_000,
  signed: null,
};

export const before = {
  version: 'v1.0.0',
  sha256: '1'.repeat(64),
  envSha256: 'e'.repeat(64),
  invocation: 'f'.repeat(32),
};

export function nodeRun(change: Partial<NodeRun> = {}): NodeRun {
  return {
    name: 'us-east-op-1',
    region: 'us-east',
    state: { is: 'ready', notBefore: 0 },
    attempt: 1,
    begun: null,
    touched: false,
    drained: false,
    uncertain: false,
    touchedAt: null,
    before: null,
    already: false,
    proof: null,
    diagnosis: null,
    foreign: null,
    decided: null,
    failure: null,
    held: null,
    silentSince: null,
    sick: null,
    seenAt: null,
    provenAt: null,
    rolledBackInRun: null,
    took: {},
    ...change,
  };
}

export function rollout(change: Partial<Rollout> = {}): Rollout {
  return {
    id: 'r-1',
    fleet: 'trial',
    service,
    release,
    strategy: 'rolling',
    policy,
    requester: 'U1',
    createdAt: 0,
    startAt: null,
    override: null,
    run: 1,
    epoch: 7,
    revision: 1,
    status: { is: 'running' },
    phases: [],
    calendars: {},
    nodes: {},
    peers: {},
    looks: {},
    lastNodeAt: null,
    rest: null,
    unattended: [],
    startedAt: null,
    asked: null,
    pace: null,
    ...change,
  };
}
