import type { Fleet, Policy, Service } from '../src/upgrade/rollout/types.ts';
import { weekdays } from '../src/windows/types.ts';

const service: Service = {
  name: 'zeitwork-operator',
  unit: 'zeitwork-operator',
  binary: '/usr/local/bin/zeitwork-operator',
  owner: 'zeitwork:zeitwork',
  mode: '0755',
  envFile: null,
  versionArgs: ['--version'],
  traffic: null,
  archiveMember: 'build/zeitwork-operator',
};

/** Nothing is waited for that the peers do not wait for either: no soak, no pause, one healthy answer. */
const policy: Policy = {
  order: 'declared',
  atOnce: 1,
  minimumHealthy: 2,
  healthDeadline: 60_000,
  poll: 25,
  pollMax: 50,
  healthyAnswers: 1,
  soak: 0,
  canarySoak: 0,
  pause: 0,
  bake: 0,
  watch: 15_000,
  approvalExpires: 3_600_000,
  attempts: 3,
  unknownAttempts: 5,
  retryDelay: 1_000,
  autoRollback: 'node',
  rehearse: 'never',
  expectedNode: 60_000,
  rollbackReserve: 60_000,
  commandTimeout: 60_000,
  transferTimeout: 600_000,
  selfApproval: false,
  oneMayBegin: 'anywhere',
  breakers: 1,
  canary: null,
  majors: { approvers: 1, canaryApproval: false },
};

const regionNames = ['us-east', 'eu-west', 'ap-south'];

/** Three regions of equal size, open all day; every node is called by its address. */
export function fleetOf(addresses: string[]): Fleet {
  const share = Math.ceil(addresses.length / regionNames.length);
  const regions = regionNames.map((name, index) => ({
    name,
    calendar: { zone: 'Etc/UTC', windows: [{ days: [...weekdays], from: '00:00', to: '00:00' }], freezes: [] },
    approvers: { users: ['U1'], groups: [] },
    needed: 1,
    nodes: addresses.slice(index * share, (index + 1) * share).map((address) => ({ name: address, region: name })),
  }));
  return { name: 'bench', service, policy, audiences: [], regions: regions.filter(({ nodes }) => nodes.length > 0) };
}
