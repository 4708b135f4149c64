import type { Fleet, FleetNode, NodeRun, RegionLooks, Rollout } from './types.ts';

type Unbegun = Pick<
  Rollout,
  | 'run'
  | 'revision'
  | 'status'
  | 'peers'
  | 'looks'
  | 'lastNodeAt'
  | 'rest'
  | 'unattended'
  | 'startedAt'
  | 'asked'
  | 'lastWord'
  | 'reminded'
  | 'ahead'
>;

/** What is so of every rollout of which nothing was done yet. */
export const unbegun = ({ regions }: Pick<Fleet, 'regions'>): Unbegun => ({
  run: 1,
  revision: 1,
  status: { is: 'running' },
  peers: Object.fromEntries(regions.map(({ name, nodes }) => [name, nodes.map((node) => node.name)])),
  looks: Object.fromEntries(regions.map(({ name }) => [name, unseen])),
  lastNodeAt: null,
  rest: null,
  unattended: [],
  startedAt: null,
  asked: null,
  lastWord: null,
  reminded: {},
  ahead: null,
});

export const unseen: RegionLooks = { count: 0, at: null, standing: {}, misses: {} };

export const untouched = ({ name, region }: FleetNode, now: number): NodeRun => ({
  name,
  region,
  state: { is: 'staging', failures: 0, unknowns: 0, notBefore: now, since: null, lastReason: null },
  attempt: 1,
  begun: null,
  touched: false,
  touchedAt: null,
  drained: false,
  uncertain: false,
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
});
