import { z } from 'zod';
import { minute } from '../base/duration.ts';
import { signingKeyIn } from '../trust/index.ts';
import { blockLength, keptBlocks, leastBlocks } from '../upgrade/comparison/index.ts';
import { overlap } from '../upgrade/compatibility/index.ts';
import { healthy } from '../upgrade/rollout/index.ts';
import { describeWindow } from '../windows/index.ts';
import type { Window } from '../windows/types.ts';
import { withDefault } from './blocks.ts';
import { fleetFreeze, freezeIn, regionFreeze, type WrittenFreeze, windows } from './calendars.ts';
import { formatDuration, parseDuration } from './durations.ts';
import { checkProblems } from './node-checks.ts';
import type { Path, Problem } from './problems.ts';
import {
  aftercare,
  approvers,
  balancer,
  check,
  checklistItem,
  compare,
  compatibilityRow,
  inventory,
  node,
  otherHost,
  person,
  policy,
  redis,
  regionApprovers,
  service,
  serviceKey,
  sibling,
  ssh,
} from './schema.ts';
import { siblingProblems } from './siblings.ts';
import * as value from './values.ts';

/** Null for what is wrong by itself, and was told already. */
const sound = <Item extends z.ZodType>(item: Item) => item.nullable().catch(null);
const all = <Item extends z.ZodType>(item: Item) => z.array(sound(item)).catch([]);
const { minimumHealthy, expectedNode, rollbackReserve, poll, pollMax, canary, healthDeadline, bake } = policy.shape;
const rules = z.object({
  minimumHealthy: sound(minimumHealthy),
  expectedNode: sound(expectedNode),
  rollbackReserve: sound(rollbackReserve),
  poll: sound(poll),
  pollMax: sound(pollMax),
  canary: sound(canary),
  healthDeadline: sound(healthDeadline),
  bake: sound(bake),
});

/** What was written, as far as it can be read: checks across keys run although other keys are wrong. */
const sketch = z.object({
  fleet: value.name.catch(''),
  regions: z
    .array(
      z.object({
        name: value.name.catch(''),
        zone: value.zone.catch('UTC'),
        windows: windows.catch([]),
        approvers: sound(regionApprovers),
        freezes: all(regionFreeze),
        nodes: all(node.strip()),
        balancer: sound(balancer).optional(),
      }),
    )
    .catch([]),
  freezes: all(fleetFreeze),
  services: z.record(z.string(), sound(sibling)).nullable().optional().catch(null),
  health: z.unknown().optional(),
  policy: withDefault({}, sound(rules)),
  ssh: withDefault({}, sound(ssh)),
  service: sound(service).optional(),
  hosts: z.record(z.string(), sound(otherHost)).nullable().optional().catch(null),
  build: sound(z.object({ on: z.unknown(), signedBy: z.unknown().optional() })).optional(),
  database: sound(
    z.object({
      on: z.unknown(),
      region: z.unknown().optional(),
      after: z.unknown().optional(),
      backup: z.unknown(),
    }),
  ).optional(),
  redis: withDefault({}, sound(redis)),
  aftercare: withDefault({}, sound(aftercare)),
  roles: sound(z.object({ requesters: sound(approvers) })),
  keys: sound(z.object({ bot: z.array(z.string()) }))
    .optional()
    .nullable(),
  people: all(person),
  approvals: z.unknown().optional(),
  releases: sound(z.object({ directory: z.unknown().optional(), url: z.unknown().optional() })),
  proven: sound(
    z.object({
      fleet: z.unknown(),
      journal: z.unknown().optional(),
      keys: z.unknown().optional(),
      for: z.unknown().optional(),
      within: z.unknown().optional(),
    }),
  ).optional(),
  compatibility: all(compatibilityRow).nullable().optional(),
  inventory: sound(inventory).optional(),
  checklists: sound(
    z.object({ before: all(checklistItem), during: all(checklistItem), after: all(checklistItem) }),
  ).optional(),
  checks: all(check).nullable().optional(),
  compare: withDefault({}, sound(compare)),
  alerts: sound(
    z.object({
      alertmanager: z.unknown().optional(),
      matchers: z.unknown().optional(),
      url: z.unknown().optional(),
    }),
  ).optional(),
});
export type Sketch = z.output<typeof sketch>;
type SketchedPolicy = NonNullable<Sketch['policy']>;
type SketchedRegion = Sketch['regions'][number];

/** Null when the settings are not even a block of keys. */
export function sketchOf(written: unknown): Sketch | null {
  return sketch.safeParse(written).data ?? null;
}

/** What is wrong between keys that are right one by one. */
export function crossProblems(settings: Sketch): Problem[] {
  const { regions, roles } = settings;
  return [
    ...repeated(regions.map((region, at) => ({ name: region.name, path: ['regions', at, 'name'] }))),
    ...repeated(regions.flatMap(namedNodes)),
    ...samePerson(settings.people),
    ...orderProblems(settings),
    ...nobodyMay(roles?.requesters ?? null, ['roles', 'requesters'], 'start an upgrade'),
    ...regions.flatMap((region, at) =>
      nobodyMay(region.approvers, ['regions', at, 'approvers'], 'approve this region'),
    ),
    ...(settings.policy ? unsignedRegions(settings, settings.policy) : []),
    ...regions.flatMap((region, at) => (settings.policy ? regionProblems(region, at, settings.policy) : [])),
    ...(settings.policy ? policyProblems(settings.policy) : []),
    ...(settings.policy ? canaryProblems(settings.policy, regions) : []),
    ...aftercareProblems(settings.aftercare),
    ...freezeProblems(settings),
    ...releaseProblems(settings.releases),
    ...alertProblems(settings.alerts),
    ...provenProblems(settings),
    ...matrixProblems(settings),
    ...checklistProblems(settings),
    ...nodeChecks(settings),
    ...compareProblems(settings),
    ...buildProblems(settings),
    ...databaseProblems(settings),
    ...balancerProblems(settings),
    ...slotProblems(settings),
    ...servicesProblems(settings),
  ];
}

function servicesProblems({ services, service, health, releases }: Sketch): Problem[] {
  if (services === null || services === undefined) return [];
  const names = Object.keys(services).flatMap((key): Problem[] => {
    const { error } = serviceKey.safeParse(key);
    return error === undefined ? [] : [{ path: ['services', key], message: error.issues[0]?.message ?? 'is no name' }];
  });
  const instead = [
    { path: ['service'], written: service },
    { path: ['health'], written: health },
  ].flatMap(({ path, written }): Problem[] =>
    written == null
      ? []
      : [{ path, message: 'is for a fleet of one service; write it under services, at the one that it is of' }],
  );
  return [...names, ...instead, ...siblingProblems(services, releases?.url)];
}

function namedNodes(region: SketchedRegion, at: number): { name: string; path: Path }[] {
  return region.nodes.map((each, index) => ({ name: each?.name ?? '', path: ['regions', at, 'nodes', index, 'name'] }));
}

function repeated(entries: { name: string; path: Path }[]): Problem[] {
  const seen = new Set<string>();
  return entries.flatMap(({ name, path }) => {
    const again = name !== '' && seen.has(name);
    seen.add(name);
    return again ? [{ path, message: `"${name}" is used twice; names are unique` }] : [];
  });
}

/** Spelled anew: the same key may be written in several ways, and a signature names the key, not the line. */
const material = (line: string) => signingKeyIn(line) ?? line.trim();

/** A bot's key that was taken away must not go on as one whose orders the nodes take. */
function orderProblems({ keys, ssh }: Sketch): Problem[] {
  if (keys === null || keys === undefined) return [];
  const believed = keys.bot.map(material);
  return (ssh?.signers ?? []).flatMap((line, at) =>
    believed.includes(material(line))
      ? []
      : [
          {
            path: ['ssh', 'signers', at],
            message:
              'is not among keys.bot: nodes would take orders from whom nobody else believes; write it there too, or take it out',
          },
        ],
  );
}

/** A name, a Slack id or a key that two people had would be nobody's. */
function samePerson(people: Sketch['people']): Problem[] {
  const of = (what: (each: NonNullable<(typeof people)[number]>) => { name: string; at: Path }[]) =>
    repeated(
      people.flatMap((each, index) =>
        each === null ? [] : what(each).map(({ name, at }) => ({ name, path: ['people', index, ...at] })),
      ),
    );
  return [
    ...of(({ name }) => [{ name, at: ['name'] }]),
    ...of(({ slack }) => [{ name: slack, at: ['slack'] }]),
    ...of(({ keys }) => keys.map((line, index) => ({ name: material(line), at: ['keys', index] }))),
  ];
}

function nobodyMay(who: { users: string[]; groups: string[] } | null, path: Path, what: string): Problem[] {
  if (who === null || who.users.length + who.groups.length > 0) return [];
  return [{ path, message: `nobody could ${what}; write at least one user or group` }];
}

/** Where people sign, Slack is asked for no group: what is found out here would else be found out at the first question of the night. */
function unsignedRegions({ approvals, people, regions }: Sketch, { canary }: SketchedPolicy): Problem[] {
  if (approvals !== 'signed') return [];
  const able = people.flatMap((each) => each?.slack ?? []);
  return regions.flatMap(({ name, approvers: who }, at) => {
    // Where releases are begun nobody may have to be asked.
    if (who === null || name === (canary ?? regions[0]?.name)) return [];
    const count = new Set(who.users.filter((user) => able.includes(user))).size;
    if (count >= who.needed) return [];
    const message = `nobody could approve this region: with approvals: signed those count who are named under users and have a key under people:, which ${count} of the ${who.needed} do that are wanted`;
    return [{ path: ['regions', at, 'approvers'], message }];
  });
}

function regionProblems(region: SketchedRegion, at: number, settings: SketchedPolicy): Problem[] {
  return [...tooFew(region.nodes.length, at, settings), ...tooShort(region.windows, at, settings)];
}

function tooFew(count: number, at: number, { minimumHealthy }: SketchedPolicy): Problem[] {
  if (minimumHealthy === null || count === 0 || count > minimumHealthy) return [];
  const message = `has ${count} of them, and policy.minimumHealthy is ${minimumHealthy}: none could ever be stopped; add nodes or lower it`;
  return [{ path: ['regions', at, 'nodes'], message }];
}

function tooShort(windows: Window[], at: number, { expectedNode, rollbackReserve }: SketchedPolicy): Problem[] {
  const longest = windows.toSorted((a, b) => lengthOf(b) - lengthOf(a))[0];
  if (longest === undefined || expectedNode === null || rollbackReserve === null) return [];
  const needed = expectedNode + rollbackReserve;
  if (lengthOf(longest) >= needed) return [];
  const message = `${describeWindow(longest)} is too short: a node takes policy.expectedNode + policy.rollbackReserve = ${formatDuration(needed)}`;
  return [{ path: ['regions', at, 'windows'], message }];
}

function lengthOf({ from, to }: Window): number {
  const length = minutes(to) - minutes(from);
  return (length > 0 ? length : length + 24 * 60) * minute;
}

function minutes(clock: string): number {
  return Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3));
}

function policyProblems({ poll, pollMax }: SketchedPolicy): Problem[] {
  if (poll === null || pollMax === null || poll <= pollMax) return [];
  const message = `${formatDuration(poll)} is longer than policy.pollMax (${formatDuration(pollMax)}); make it shorter`;
  return [{ path: ['policy', 'poll'], message }];
}

function canaryProblems({ canary }: SketchedPolicy, regions: SketchedRegion[]): Problem[] {
  const names = regions.map(({ name }) => name);
  if (canary === null || names.includes(canary)) return [];
  return [{ path: ['policy', 'canary'], message: `"${canary}" is not a region; write ${names.join(' or ')}` }];
}

/** So many looks at least, or one that is missing is most of it. */
const fewestLooks = 4;

function aftercareProblems(written: Sketch['aftercare']): Problem[] {
  const { watch = null, every } = written ?? {};
  if (watch === null || every === undefined || fewestLooks * every <= watch) return [];
  const message = `${formatDuration(every)} is more than a quarter of aftercare.watch (${formatDuration(watch)}); make it shorter`;
  return [{ path: ['aftercare', 'every'], message }];
}

function freezeProblems(settings: Sketch): Problem[] {
  const names = settings.regions.map((region) => region.name);
  const unknown = settings.freezes.flatMap((freeze, at): Problem[] => {
    if (freeze?.region === undefined || names.includes(freeze.region)) return [];
    const message = `"${freeze.region}" is not a region; write ${names.join(' or ')}`;
    return [{ path: ['freezes', at, 'region'], message }];
  });
  const fleet = settings.freezes.flatMap((freeze, at) => turned(freeze, 'UTC', ['freezes', at]));
  const own = settings.regions.flatMap((region, at) =>
    region.freezes.flatMap((freeze, index) => turned(freeze, region.zone, ['regions', at, 'freezes', index])),
  );
  return [...unknown, ...fleet, ...own];
}

function turned(freeze: Omit<WrittenFreeze, 'region'> | null, zone: string, path: Path): Problem[] {
  if (freeze === null) return [];
  const { start, end } = freezeIn(freeze, zone);
  return start < end ? [] : [{ path: [...path, 'to'], message: `"${freeze.to}" is not after from (${freeze.from})` }];
}

function alertProblems(alerts: Sketch['alerts']): Problem[] {
  if (alerts === null || alerts === undefined) return [];
  const { alertmanager, matchers, url } = alerts;
  if ((alertmanager === undefined) === (url === undefined)) {
    return [{ path: ['alerts'], message: 'write one of alertmanager and url, not both and not none' }];
  }
  if (matchers === undefined || alertmanager !== undefined) return [];
  return [{ path: ['alerts', 'matchers'], message: 'are for an alertmanager; leave them out, or name it' }];
}

const durationIn = (written: unknown): number | undefined =>
  typeof written === 'string' ? parseDuration(written) : undefined;

function provenProblems({ fleet, proven }: Sketch): Problem[] {
  if (proven == null) return [];
  const path = (key: string): Path => ['proven', key];
  const itself = {
    path: path('fleet'),
    message: 'is this fleet itself; name the one on which a release is tried first',
  };
  const unsigned = { path: path('journal'), message: 'is believed by nobody without proven.keys; write them too' };
  const unread = {
    path: path('keys'),
    message: 'are for a file; without proven.journal those count that the settings of that fleet have: leave them out',
  };
  const [least, most] = [durationIn(proven.for ?? '3d'), durationIn(proven.within)];
  const never = { path: path('within'), message: 'is over before proven.for is; make it longer' };
  return [
    ...(fleet !== '' && proven.fleet === fleet ? [itself] : []),
    ...(proven.journal != null && proven.keys == null ? [unsigned] : []),
    ...(proven.journal == null && proven.keys != null ? [unread] : []),
    ...(least !== undefined && most !== undefined && most <= least ? [never] : []),
  ];
}

/** Its host is another one, its source that of builds, and its schema that of the matrix. */
function databaseProblems({ database, build, hosts, regions, compatibility }: Sketch): Problem[] {
  if (database === null || database === undefined) return [];
  const names = Object.keys(hosts ?? {});
  const { on, region, after } = database;
  const isKnown = regions.some(({ name }) => name === region);
  return [
    ...(typeof on === 'string' && !names.includes(on)
      ? [{ path: ['database', 'on'], message: `"${on}" is no host; describe it under hosts` }]
      : []),
    ...(typeof region === 'string' && !isKnown
      ? [
          {
            path: ['database', 'region'],
            message: `"${region}" is no region; write ${regions.map(({ name }) => name).join(' or ')}`,
          },
        ]
      : []),
    ...(build === null || build === undefined
      ? [{ path: ['database'], message: 'takes the source from build.repository; write build' }]
      : []),
    ...(compatibility?.length
      ? []
      : [
          {
            path: ['database'],
            message: 'goes by the schemas in compatibility; write the rows of your versions there',
          },
        ]),
    ...(after == null && compatibility?.some((row) => row?.after != null)
      ? [{ path: ['database'], message: 'has no after, and compatibility names the schema that it makes; write it' }]
      : []),
  ];
}

/** `local` is the worker's own machine. */
const here = 'local';

function buildProblems({ build, hosts, releases, regions }: Sketch): Problem[] {
  const nodes = regions.flatMap((region) => region.nodes.flatMap((each) => each?.name ?? []));
  const names = Object.keys(hosts ?? {});
  const wrong = names.flatMap((name): Problem[] => {
    if (nodes.includes(name)) return [{ path: ['hosts', name], message: 'is the name of a node; call it otherwise' }];
    if (name === here)
      return [{ path: ['hosts', name], message: 'is what a worker calls its own machine; call it otherwise' }];
    return value.name.safeParse(name).success
      ? []
      : [{ path: ['hosts', name], message: 'is not a name; write lower-case letters, digits, dots and dashes' }];
  });
  if (build === null || build === undefined) return wrong;
  const { on } = build;
  const unknown: Problem[] =
    typeof on !== 'string' || on === here || names.includes(on)
      ? []
      : [
          {
            path: ['build', 'on'],
            message: `"${on}" is no host; write ${[...names, here].join(' or ')}, or describe it under hosts`,
          },
        ];
  const elsewhere: Problem[] =
    releases?.url === undefined
      ? []
      : [{ path: ['build'], message: 'puts releases into releases.directory, and these come from releases.url' }];
  return [...wrong, ...unknown, ...elsewhere];
}

/** Keys of one kind of balancer, and those without which it cannot be spoken to. */
const balancerKeys = {
  haproxy: { needs: ['backend'], knows: ['backend', 'socket', 'stateFile', 'config'] },
  nginx: { needs: ['file'], knows: ['file', 'config', 'pidFile'] },
  command: { needs: ['show', 'apply'], knows: ['show', 'apply'] },
} as const;
const ofSomeKind = ['backend', 'socket', 'stateFile', 'config', 'file', 'pidFile', 'show', 'apply'] as const;

function balancerProblems({ regions, hosts }: Sketch): Problem[] {
  const names = Object.keys(hosts ?? {});
  return regions.flatMap(({ balancer }, at): Problem[] => {
    if (balancer == null) return [];
    const path = ['regions', at, 'balancer'];
    const { needs, knows } = balancerKeys[balancer.kind];
    const isOf = (list: readonly string[], key: string) => list.includes(key);
    const missing = needs.filter((key) => balancer[key as 'backend'] === undefined);
    const foreign = ofSomeKind.filter((key) => balancer[key] !== undefined && !isOf(knows, key));
    return [
      ...missing.map((key) => ({
        path: [...path, key],
        message: `is missing; a balancer of kind ${balancer.kind} wants it`,
      })),
      ...foreign.map((key) => ({
        path: [...path, key],
        message: `is no key of a balancer of kind ${balancer.kind}; that has ${knows.join(', ')}`,
      })),
      ...balancer.hosts.flatMap((name, index) =>
        names.includes(name)
          ? []
          : [{ path: [...path, 'hosts', index], message: `"${name}" is no host; describe it under hosts` }],
      ),
    ];
  });
}

/** A helper on a node knows one unit and one binary. */
function slotProblems({ service: written, ssh }: Sketch): Problem[] {
  if (written?.slots == null || ssh?.become !== 'helper') return [];
  return [
    {
      path: ['service', 'slots'],
      message: 'is not for nodes with a helper (ssh.become), which knows one unit; leave it out',
    },
  ];
}

/** A version that two rows speak of is judged by neither: nobody could say which of them was meant. */
function matrixProblems({ compatibility, inventory, database }: Sketch): Problem[] {
  // A database tells its schema itself.
  const asked = { agent: inventory?.agent, schema: database ?? inventory?.schema };
  const rows = (compatibility ?? []).flatMap((row, at) => (row === null ? [] : [{ row, at }]));
  const twice = rows.flatMap(({ row, at }): Problem[] => {
    const other = rows.find((each) => each.at < at && overlap(each.row.operator, row.operator));
    if (other === undefined) return [];
    const message = `"${row.operator}" and the row before it with "${other.row.operator}" speak of the same versions; a version has one row`;
    return [{ path: ['compatibility', at, 'operator'], message }];
  });
  return [...twice, ...rows.flatMap(({ row, at }) => rowProblems(row, ['compatibility', at], asked))];
}

/** Buttons have room for so many. */
const mostItems = 20;

/** Each is ticked by a person or by a machine, and a machine knows what it is asked. */
function checklistProblems({ checklists, checks }: Sketch): Problem[] {
  const known = [healthy, ...(checks ?? []).flatMap((each) => each?.name ?? [])];
  return (['before', 'during', 'after'] as const).flatMap((name): Problem[] => {
    const items = checklists?.[name] ?? [];
    const path = ['checklists', name];
    const many = `has ${items.length} items; write at most ${mostItems}`;
    return [
      ...(items.length > mostItems ? [{ path, message: many }] : []),
      ...items.flatMap((item, at): Problem[] => (item === null ? [] : itemProblems(item, known, [...path, at]))),
    ];
  });
}

function itemProblems({ by, check: named }: z.output<typeof checklistItem>, known: string[], path: Path): Problem[] {
  if ((by === undefined) === (named === undefined))
    return [
      { path, message: 'is ticked by nobody, or by two; write either by: person, or check: with the name of a check' },
    ];
  if (named === undefined || known.includes(named)) return [];
  return [
    {
      path: [...path, 'check'],
      message: `"${named}" is no check of these settings; write ${known.join(', ')}, or by: person`,
    },
  ];
}

function rowProblems(
  { agent, schema, before, after }: z.output<typeof compatibilityRow>,
  path: Path,
  inventory: { agent?: unknown; schema?: unknown },
): Problem[] {
  const unasked = (what: 'agent' | 'schema', wanted: unknown): Problem[] =>
    wanted == null || inventory[what] != null
      ? []
      : [
          {
            path: [...path, what],
            message: `nobody could say which one there is; write where to ask under inventory.${what}`,
          },
        ];
  const outside = (key: 'before' | 'after', made: number | null | undefined): Problem[] => {
    if (made == null || (schema != null && schema.min <= made && made <= schema.max)) return [];
    const message =
      schema == null
        ? 'is a schema, and the row names none that it works with; write schema'
        : `${made} is not within the schema that the row works with, ${schema.min} to ${schema.max}`;
    return [{ path: [...path, key], message }];
  };
  return [
    ...unasked('agent', agent),
    ...unasked('schema', schema),
    ...outside('before', before),
    ...outside('after', after),
  ];
}

/** What is asked of every node: each by itself, and their names. */
function nodeChecks({ checks, policy }: Sketch): Problem[] {
  const known = (checks ?? []).flatMap((each, at) => (each === null ? [] : [{ each, path: ['checks', at] }]));
  return [
    ...repeated(known.map(({ each, path }) => ({ name: each.name, path: [...path, 'name'] }))),
    ...known.flatMap(({ each, path }) => checkProblems(each, path, policy?.healthDeadline ?? null)),
  ];
}

/** What would make every comparison inconclusive: better known than told after each region. */
function compareProblems({ checks, compare: written, policy }: Sketch): Problem[] {
  if (written === null || !(checks ?? []).some((each) => each?.compare)) return [];
  const { before, least } = written;
  const block = blockLength(written);
  const wanted = leastBlocks(written) * block;
  // The first block is left out, and the last one is seldom whole.
  const watched = wanted + 2 * block;
  const bake = policy?.bake ?? null;
  const problem = (path: Path, message: string): Problem[] => [{ path, message }];
  return [
    ...(before < wanted
      ? problem(
          ['compare', 'before'],
          `${formatDuration(before)} is too short: at least ${formatDuration(wanted)} must be compared, by compare.least and six blocks of eight looks`,
        )
      : []),
    ...(before > (keptBlocks / 2) * block || least > (keptBlocks / 2) * block
      ? problem(
          ['compare', before > least ? 'before' : 'least'],
          `is longer than is kept: at most ${formatDuration((keptBlocks / 2) * block)} with compare.look at ${formatDuration(written.look)}`,
        )
      : []),
    ...(bake !== null && bake < watched
      ? problem(
          ['compare', 'least'],
          `policy.bake (${formatDuration(bake)}) is too short to compare anything: a region must be watched for ${formatDuration(watched)}, by compare.least and two blocks of eight looks`,
        )
      : []),
  ];
}

function releaseProblems(releases: Sketch['releases']): Problem[] {
  if (releases === null || (releases.directory === undefined) !== (releases.url === undefined)) return [];
  return [{ path: ['releases'], message: 'write one of directory and url, not both and not none' }];
}
