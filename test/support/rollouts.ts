import { regionsOf } from '../../src/config/siblings.ts';
import { plan } from '../../src/upgrade/rollout/index.ts';
import type {
  Alerts,
  Baseline,
  Compatibility,
  Elsewhere,
  Fitness,
  Fleet,
  Halt,
  NodeSurvey,
  PlanInput,
  Policy,
  Release,
  Rollout,
  Service,
} from '../../src/upgrade/rollout/types.ts';
import type { Weekday } from '../../src/windows/types.ts';

export const minutes = (count: number) => count * 60_000;
export const hours = (count: number) => minutes(60 * count);

/** Tuesday 2026-11-24, 07:30 UTC: 02:30 in New York, 07:30 in Dublin, 13:00 in Kolkata. */
export const tuesday = Date.UTC(2026, 10, 24, 7, 30);

export const service: Service = {
  name: 'zeitwork-operator',
  unit: 'zeitwork-operator',
  binary: '/usr/local/bin/zeitwork-operator',
  owner: 'root:root',
  mode: '0755',
  envFile: '/etc/zeitwork/operator.env',
  versionArgs: ['--version'],
  traffic: null,
  archiveMember: 'build/zeitwork-operator',
};

export const oldImage = 'a'.repeat(64);
export const newImage = 'b'.repeat(64);

export const release: Release = {
  version: 'v2.0.0',
  archive: 'zeitwork-operator-v2.0.0.tar.gz',
  archiveSha256: 'c'.repeat(64),
  binarySha256: newImage,
  archiveBytes: 1_000,
  binaryBytes: 3_000,
  signed: { by: 'ana', key: `SHA256:${'K'.repeat(43)}`, signature: 'as ssh-keygen wrote it' },
};

export const policy: Policy = {
  order: 'declared',
  atOnce: 1,
  minimumHealthy: 2,
  healthDeadline: minutes(1),
  poll: 100,
  pollMax: 2_000,
  healthyAnswers: 3,
  soak: 30_000,
  canarySoak: 60_000,
  pause: 30_000,
  bake: hours(1),
  watch: 15_000,
  approvalExpires: hours(48),
  attempts: 3,
  unknownAttempts: 5,
  retryDelay: 5_000,
  autoRollback: 'node',
  rehearse: 'never',
  expectedNode: minutes(3),
  rollbackReserve: minutes(3),
  commandTimeout: 60_000,
  transferTimeout: minutes(10),
  selfApproval: false,
  oneMayBegin: 'anywhere',
  breakers: 1,
  canary: null,
  majors: { approvers: 1, canaryApproval: false },
};

const always: Weekday[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

export function fleetOf(
  changes: Partial<Policy> = {},
  options: { windows?: 'guide' | 'always'; perRegion?: number } = {},
): Fleet {
  const windows =
    options.windows === 'guide'
      ? [{ days: ['tue', 'wed', 'thu'] as Weekday[], from: '02:00', to: '06:00' }]
      : [{ days: always, from: '00:00', to: '00:00' }];
  const region = (name: string, zone: string) => ({
    name,
    calendar: { zone, windows, freezes: [] },
    approvers: { users: [`U-${name}`], groups: [] },
    needed: 1,
    nodes: Array.from({ length: options.perRegion ?? 3 }, (_, index) => ({
      name: `${name}-op-${index + 1}`,
      region: name,
    })),
  });
  return {
    name: 'production',
    service,
    policy: { ...policy, ...changes },
    audiences: [],
    regions: [
      region('us-east', 'America/New_York'),
      region('eu-west', 'Europe/Dublin'),
      region('ap-south', 'Asia/Kolkata'),
    ],
  };
}

/** The node agent beside the operator, on the same nodes. */
export const agent: Service = {
  ...service,
  name: 'zeitwork-node-agent',
  unit: 'zeitwork-node-agent',
  binary: '/usr/local/bin/zeitwork-node-agent',
  envFile: '/etc/zeitwork/node-agent.env',
  archiveMember: 'build/zeitwork-node-agent',
};
export const agentRelease: Release = {
  ...release,
  version: 'v1.1.0',
  archive: 'zeitwork-node-agent-v1.1.0.tar.gz',
  archiveSha256: 'd'.repeat(64),
};

/** The same fleet with an agent on every node, after the operator. */
export function siblingsOf(fleet: Fleet, blinds: string[] = []): Fleet {
  const services = [
    { key: 'operator', service: fleet.service, blinds },
    { key: 'agent', service: { ...agent, traffic: fleet.service.traffic }, blinds: [] },
  ];
  return { ...fleet, services, regions: regionsOf(services, fleet.regions) };
}

/** Both are asked for. */
export const bothOf = (
  of: Release = release,
  beside: Release = agentRelease,
): Pick<PlanInput, 'release' | 'services'> => ({
  release: of,
  services: [
    { key: 'operator', release: of, begun: null },
    { key: 'agent', release: beside, begun: null },
  ],
});

/** A node on which work can begin, and which runs this image. */
export const fitWith = (image: string): Fitness => ({
  helper: null,
  tools: [],
  programs: [],
  clock: { ahead: 0, blur: 100 },
  seen: {
    loaded: true,
    state: 'active/running',
    runs: true,
    image,
    disk: image,
    env: true,
    link: null,
    room: { space: {}, writable: true },
  },
});
export const fit = fitWith(oldImage);

export function surveyOf(fleet: Fleet, changes: Record<string, Partial<NodeSurvey>> = {}): NodeSurvey[] {
  return fleet.regions
    .flatMap(({ nodes }) => nodes)
    .map(({ name, region }) => ({
      node: name,
      region,
      version: 'v1.0.0',
      sha256: oldImage,
      healthy: true,
      detail: 'healthy',
      unit: 'active/running',
      at: tuesday,
      fitness: fit,
      ...changes[name],
    }));
}

export function inputOf(fleet: Fleet, changes: Partial<PlanInput> = {}): PlanInput {
  return {
    id: 'r1',
    fleet,
    release,
    strategy: 'rolling',
    requester: 'U-requester',
    now: tuesday,
    epoch: tuesday,
    startAt: null,
    override: null,
    regions: null,
    limit: null,
    survey: surveyOf(fleet),
    begun: null,
    pace: {},
    ...changes,
  };
}

export const planned = (changes: Partial<Policy> = {}, input: Partial<PlanInput> = {}): Rollout =>
  plan(inputOf(fleetOf(changes), input));

export const recorded: Baseline = { version: 'v1.0.0', sha256: oldImage, envSha256: 'e'.repeat(64), invocation: 'i0' };

/** Nothing fires. */
export const quiet: Alerts = { is: 'quiet' };
export const notWanted: Elsewhere & Compatibility = { is: 'not wanted' };
export const noHalt: Halt = { is: 'clear' };

/** A fleet of one region, whose windows are always open. */
export function oneRegion(nodes: number, policy: Partial<Policy>): Fleet {
  const fleet = fleetOf(policy, { windows: 'always' });
  const [region] = fleet.regions;
  if (!region) throw new Error('no region');
  const names = Array.from({ length: nodes }, (_, index) => `op-${String(index + 1).padStart(3, '0')}`);
  return { ...fleet, regions: [{ ...region, nodes: names.map((name) => ({ name, region: region.name })) }] };
}
