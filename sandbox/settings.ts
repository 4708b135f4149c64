import type { SimulatedFleet } from './fleet/fleet.ts';
import { ines, kiran, rosa } from './people.ts';

const zones: Record<string, string> = {
  'us-east': 'America/New_York',
  'eu-west': 'Europe/Dublin',
  'ap-south': 'Asia/Kolkata',
};

interface Own {
  stateDir: string;
  signer: string;
  keys: Record<string, string>;
  /** Where what is built comes from, and the key that signs it. */
  source?: { repository: string; key: string };
}

const signersOf = ({ signer, source }: Own) => [
  { name: 'sandbox', key: signer },
  ...(source === undefined ? [] : [{ name: 'build', key: source.key }]),
];

/** What an operator would have written for the simulated fleet. */
export function settingsOf(
  fleet: Pick<SimulatedFleet, 'nodes' | 'releasesDirectory' | 'service'>,
  windows: 'guide' | 'always',
  own: Own,
) {
  const everyDay = [{ days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], from: '00:00', to: '00:00' }];
  const regions = [...new Set(fleet.nodes.map(({ region }) => region))];
  return {
    fleet: 'sandbox',
    channel: 'C0UPGRADES',
    team: 'T0SANDBOX',
    stateDir: own.stateDir,
    releases: { directory: fleet.releasesDirectory, signers: signersOf(own) },
    metrics: { listen: '127.0.0.1:0' },
    // On this machine, by nobody else than whoever tries this.
    ...(own.source === undefined
      ? {}
      : {
          build: {
            on: 'local',
            repository: own.source.repository,
            command: ['sh', 'build.sh'],
            network: true,
            limit: '2m',
            memory: '1G',
          },
        }),
    service: fleet.service,
    people: [rosa, ines, kiran].flatMap(({ name, id }) =>
      own.keys[name] === undefined ? [] : [{ name, slack: id, keys: [own.keys[name]] }],
    ),
    roles: {
      requesters: { users: [rosa.id] },
      breakers: { users: [rosa.id, ines.id] },
      stoppers: { users: [rosa.id, ines.id, kiran.id] },
      onCall: { groups: ['S0ONCALL'] },
    },
    // Both schemas are those of the guide; between them stands what works with both.
    compatibility: [
      { operator: '1.x', agent: '1.x', schema: [1, 2] },
      { operator: '2.x', agent: '1.1.x - 2.x', schema: [2, 2] },
    ],
    inventory: {
      agent: { get: '/api/v1/nodes', select: '[].{name: hostname, version: agent_version}' },
      schema: { get: '/api/v1/schema', select: 'version' },
    },
    config: { values: { LOG_LEVEL: ['debug', 'info', 'warn'] } },
    checks: [
      // biome-ignore lint/suspicious/noThenProperty: a key of the settings, which nobody awaits
      { name: 'ready', get: '/health/ready', at: ['node', 'watch', 'verify'], absent: 'skip', then: 'rollback' },
      { name: 'nodes', get: '/api/v1/nodes', that: `length(@) >= \`${fleet.nodes.length}\`` },
      {
        name: 'errors',
        metrics: '/metrics',
        rate: 'zeitwork_operator_errors_total',
        per: 'zeitwork_operator_http_requests_total',
        over: '2s',
        watch: 0.01,
        bad: 0.05,
      },
      {
        name: 'latency',
        metrics: '/metrics',
        rate: 'zeitwork_operator_request_duration_seconds_sum',
        per: 'zeitwork_operator_request_duration_seconds_count',
        over: '2s',
        at: ['verify'],
        compare: true,
      },
    ],
    // Four minutes of the real thing in a second.
    compare: { look: '120ms', before: '10s', least: '5s', margin: 1.5 },
    // Asked for at the end: one is ticked by a person, the other by what the looks saw.
    checklists: {
      after: [
        { text: 'Status page updated', by: 'person' },
        { text: 'All healthy', check: 'healthy' },
      ],
    },
    // A day of the real thing.
    aftercare: { watch: '10m', every: '10s' },
    // Minutes of the real thing pass in seconds here; every check is made all the same.
    policy: {
      order: windows === 'guide' ? 'next-opening' : 'declared',
      soak: '2s',
      canarySoak: '3s',
      pause: '1s',
      bake: '8s',
      watch: '2s',
      healthDeadline: '12s',
      retryDelay: '1s',
      expectedNode: '8s',
      rollbackReserve: '8s',
      // v2.0.0 is a major version: with three people here, it goes as a smaller one would.
      majors: { approvers: 1, canaryApproval: false, notice: '0s' },
      // It takes three times as long; `--rehearse` shows it.
      rehearse: 'never',
      // Nobody here sleeps.
      waking: [],
    },
    regions: regions.map((name) => ({
      name,
      zone: zones[name] ?? 'Etc/UTC',
      ...(windows === 'always' ? { windows: everyDay } : {}),
      approvers: { users: name === 'ap-south' ? [ines.id, kiran.id] : [ines.id] },
      nodes: fleet.nodes
        .filter(({ region }) => region === name)
        .map(({ name: node, address, port, user, keyFile, knownHostsFile, healthUrl }) => ({
          name: node,
          address,
          port,
          user,
          key: keyFile,
          knownHosts: knownHostsFile,
          healthUrl,
        })),
    })),
  };
}
