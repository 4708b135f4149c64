import type { z } from 'zod';
import { isVersion } from '../base/version.ts';
import { readPublicKey, signingKeyIn } from '../trust/index.ts';
import { rangeIn } from '../upgrade/compatibility/index.ts';
import type { Value } from '../upgrade/environment/index.ts';
import { block, leaf, list, named, oneOf, text, whole, withDefault } from './blocks.ts';
import { fleetFreeze, regionFreeze, window, windows } from './calendars.ts';
import { parseDuration } from './durations.ts';
import { listenIn } from './listen.ts';
import { checkBlock, isExpression } from './node-checks.ts';
import * as value from './values.ts';

const approverKeys = {
  users: withDefault([], list(value.slackUser, 'Slack user ids')),
  groups: withDefault([], list(value.slackGroup, 'Slack user group ids')),
};
export const approvers = block(approverKeys);
/** `needed` of them together. */
export const regionApprovers = block({ ...approverKeys, needed: withDefault(1, whole(1, 9)) });
const nobody = {};

const absolutePath = text(
  'an absolute path',
  'one like /usr/local/bin/zeitwork-operator',
  /^\/(?!.*\.\.)[A-Za-z0-9._/@-]+$/,
);
const mode = leaf('a file mode', 'one like "0755"', (written) => {
  // 0755 without quotes is the number 755 in YAML 1.2.
  const octal = typeof written === 'number' ? String(written).padStart(4, '0') : written;
  return typeof octal === 'string' && /^0[0-7]{3}$/.test(octal) ? octal : undefined;
});

const command = list(
  text(
    'a word of a command',
    'a program by its absolute path, then its arguments; {name} is the node',
    /^[^\p{Cc}]{1,200}$/u,
  ),
  'words',
  1,
);

const unit = text('a systemd unit', 'its name without .service', /^(?!.*\.service$)[A-Za-z0-9][A-Za-z0-9@._-]*$/);
/** It goes into a file on the node as it is written here. */
const slotValue = leaf('a value', 'a text without quotes, backslashes and line breaks, or a number', (written) => {
  const said = typeof written === 'number' ? String(written) : written;
  return typeof said === 'string' && /^[A-Za-z0-9 ./:_,=@%+-]{0,200}$/.test(said) ? said : undefined;
});
const serverName = text(
  'the name of a server',
  'one like {name}-green, in which {name} is the node',
  /^(?=.*\{name\})[A-Za-z0-9._{}-]{1,60}$/,
);

/** Defaults depend on the name and are filled in by `service.ts`. */
const serviceKeys = {
  name: withDefault('zeitwork-operator', value.name),
  unit: unit.optional(),
  binary: absolutePath.optional(),
  owner: withDefault(
    'root:root',
    text('an owner', 'user:group, like root:root', /^[a-z_][a-z0-9_-]*:[a-z_][a-z0-9_-]*$/),
  ),
  mode: withDefault('0755', mode),
  envFile: absolutePath.nullable().optional(),
  versionArgs: list(text('an argument', 'one like --version', /^[A-Za-z0-9=._-]+$/), 'arguments', 1)
    .nullable()
    .optional(),
  traffic: block({ drain: command, undrain: command, limit: withDefault('5m', value.duration) })
    .nullable()
    .optional(),
  archiveMember: text(
    'a path inside the archive',
    'one like build/zeitwork-operator',
    /^(?!\/)(?!.*\.\.)[A-Za-z0-9._/-]+$/,
  ).optional(),
};

/** With a second place on each node, which several services on the same nodes have not. */
export const service = block({
  ...serviceKeys,
  slots: block({
    port: value.port,
    unit: unit.optional(),
    binary: absolutePath.optional(),
    envFile: absolutePath.optional(),
    set: withDefault({}, named(slotValue, 'values')),
    server: withDefault('{name}-green', serverName),
    warm: withDefault('1h', value.durationOrNone),
  })
    .nullable()
    .optional(),
});

const access = {
  user: value.login.optional(),
  port: value.port.optional(),
  key: value.path.optional(),
  knownHosts: value.path.optional(),
  jump: value.name.nullable().optional(),
};

const publicKey = leaf('a public key', 'a line like ssh-ed25519 AAAA…, as `zeitwork keys` prints it', (written) =>
  typeof written === 'string' && readPublicKey(written) !== null && !/\p{Cc}/u.test(written.trim())
    ? written.trim()
    : undefined,
);

export const jumpHost = block({ address: value.address, ...access });
export const ssh = block({
  ...access,
  become: withDefault('sudo', oneOf(['sudo', 'helper'])),
  signers: withDefault([], list(publicKey, 'public keys')),
  config: value.path.optional(),
  jumpHosts: withDefault({}, named(jumpHost, 'jump hosts')),
});
export const node = block({
  name: value.name,
  address: value.address.optional(),
  ...access,
  healthUrl: value.url.optional(),
  besideUrl: value.url.optional(),
});

/** Which keys go with which kind, `checks.ts` says. */
export const balancer = block({
  kind: oneOf(['haproxy', 'nginx', 'command']),
  hosts: list(value.name, 'names of hosts', 1),
  probe: value.url,
  drain: withDefault('60s', value.duration),
  backend: text('a backend', 'its name in HAProxy', /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/).optional(),
  socket: absolutePath.optional(),
  stateFile: absolutePath.nullable().optional(),
  config: absolutePath.optional(),
  file: absolutePath.optional(),
  pidFile: absolutePath.optional(),
  show: command.optional(),
  apply: command.optional(),
});

export const region = block({
  name: value.name,
  zone: value.zone,
  windows,
  approvers: regionApprovers,
  freezes: withDefault([], list(regionFreeze, 'freezes')),
  nodes: list(node, 'nodes', 1),
  balancer: balancer.nullable().optional(),
});

export const policy = block({
  order: withDefault('next-opening', oneOf(['next-opening', 'declared'])),
  minimumHealthy: withDefault(2, whole(1, 99)),
  atOnce: withDefault(1, whole(1, 100)),
  healthDeadline: withDefault('60s', value.duration),
  poll: withDefault('100ms', value.duration),
  pollMax: withDefault('2s', value.duration),
  healthyAnswers: withDefault(3, whole(1, 100)),
  soak: withDefault('30s', value.durationOrNone),
  canarySoak: withDefault('60s', value.durationOrNone),
  pause: withDefault('30s', value.durationOrNone),
  bake: withDefault('1h', value.durationOrNone),
  watch: withDefault('15s', value.duration),
  approvalExpires: withDefault('48h', value.duration),
  reminders: withDefault(['15m', '30m', '2h'], list(value.duration, 'durations')),
  attempts: withDefault(3, whole(1, 100)),
  unknownAttempts: withDefault(20, whole(1, 1_000)),
  retryDelay: withDefault('5s', value.duration),
  autoRollback: withDefault('node', oneOf(['node', 'region', 'everything', 'none'])),
  rehearse: withDefault('major', oneOf(['major', 'always', 'never'])),
  expectedNode: withDefault('3m', value.duration),
  rollbackReserve: withDefault('3m', value.durationOrNone),
  commandTimeout: withDefault('60s', value.duration),
  transferTimeout: withDefault('10m', value.duration),
  selfApproval: withDefault(false, value.flag),
  oneMayBegin: withDefault('canary', oneOf(['canary', 'anywhere', 'nowhere'])),
  breakers: withDefault(
    2,
    leaf('accepted here', '1 or 2', (written) => ([1, 2] as const).find((each) => each === written)),
  ),
  canary: withDefault(null, value.name.nullable()),
  majors: withDefault(
    {},
    block({
      approvers: withDefault(2, whole(1, 9)),
      canaryApproval: withDefault(true, value.flag),
      notice: withDefault('48h', value.durationOrNone),
    }),
  ),
  announce: withDefault(['24h', '1h'], list(value.duration, 'durations')),
  waking: withDefault(['daily 08:00-22:00'], list(window, 'hours like daily 08:00-22:00')),
});

export const person = block({
  name: value.name,
  slack: value.slackUser,
  keys: list(value.publicKey, 'SSH public keys', 1),
});

const healthPattern = leaf(
  'a health address',
  'a URL with {address} or {name}, like http://{address}:8080/health',
  (written) =>
    typeof written === 'string' && /\{(address|name)\}/.test(written) && value.isHttp(fill(written))
      ? written
      : undefined,
);
export const serviceKey = text(
  'the name of a service',
  'lower-case letters, digits and dashes, at most 32, beginning with a letter, like agent',
  /^[a-z][a-z0-9-]{0,31}$/,
);
const serviceNames = withDefault([], list(serviceKey, 'names of services'));
/** One of several. */
export const sibling = block({
  ...serviceKeys,
  name: value.name,
  health: healthPattern,
  after: serviceNames,
  blinds: serviceNames,
});
const signingKey = leaf(
  'a public key of OpenSSH',
  'the line of its .pub file, like ssh-ed25519 AAAA... ana',
  (written) => (typeof written === 'string' ? (signingKeyIn(written) ?? undefined) : undefined),
);
const signer = block({ name: value.label, key: signingKey });
const releaseUrl = leaf(
  'an archive address',
  'a URL with {version}, like https://files.example.com/{version}/app-{version}.tar.gz',
  (written) =>
    typeof written === 'string' && written.includes('{version}') && value.isHttp(fill(written)) ? written : undefined,
);

/** Nothing sends a user or a password: an address that asks for them would shut the gate for ever. */
const isPlain = (written: string) =>
  value.isHttp(written) && new URL(written).username === '' && !written.includes('#');
const alertmanagerUrl = leaf(
  'the address of an Alertmanager',
  'one like http://alertmanager.example.com:9093, without user, query and #',
  (written) => (typeof written === 'string' && isPlain(written) && !/[?{]/.test(written) ? written : undefined),
);
const alertsUrl = leaf(
  'an address',
  'a URL without user, in which {region} may stand, like https://status.example.com/{region}',
  (written) => (typeof written === 'string' && isPlain(fill(written)) ? written : undefined),
);
const matcher = text(
  'a matcher of Alertmanager',
  'one like severity="critical" or region="{region}"',
  /^[A-Za-z_][A-Za-z0-9_]*\s*(?:=~|!~|!=|=)[^\p{Cc}]{1,200}$/u,
);
export const alerts = block({
  alertmanager: alertmanagerUrl.optional(),
  matchers: withDefault([], list(matcher, 'matchers')),
  url: alertsUrl.optional(),
});

export const proven = block({
  fleet: value.name,
  journal: value.path.nullable().optional(),
  keys: block({ bot: list(publicKey, 'public keys', 1), worker: list(publicKey, 'public keys', 1) })
    .nullable()
    .optional(),
  for: withDefault('3d', value.durationOrNone),
  within: value.duration.nullable().optional(),
  atLeast: withDefault('done', oneOf(['done', 'well'])),
  otherwise: withDefault('held', oneOf(['held', 'refused', 'warned'])),
});

const webhookUrl = leaf(
  'an address',
  'a URL without user, like https://status.example.com/api/notices; its token goes into NOTICE_TOKEN',
  (written) => (typeof written === 'string' && isPlain(written) ? written : undefined),
);
export const notices = block({
  webhook: block({ name: withDefault('status page', value.label), url: webhookUrl })
    .nullable()
    .optional(),
});

const rangeOfVersions = leaf('a range of versions', 'one like 1.1.x, 2.0.3, or 1.0.x - 1.1.x', (written) =>
  typeof written === 'string' && rangeIn(written) !== null ? written : undefined,
);
const schemas = leaf('a range of schemas', 'the first and the last one, like [1, 2]', (written) => {
  if (!Array.isArray(written) || written.length !== 2 || !written.every((each) => isSchema(each))) return undefined;
  const [min, max]: number[] = written;
  return min !== undefined && max !== undefined && min <= max ? { min, max } : undefined;
});
const isSchema = (written: unknown): written is number => Number.isSafeInteger(written) && Number(written) >= 0;
const schemaVersion = leaf('a version of the schema', 'a whole number like 2', (written) =>
  isSchema(written) ? written : undefined,
);
export const compatibilityRow = block({
  operator: rangeOfVersions,
  agent: rangeOfVersions.nullable().optional(),
  schema: schemas.nullable().optional(),
  from: rangeOfVersions.nullable().optional(),
  before: schemaVersion.nullable().optional(),
  after: schemaVersion.nullable().optional(),
});

const inventoryUrl = leaf(
  'an address',
  'a path like /api/v1/nodes, where health is asked, or a URL without user, in which {address}, {name} or {region} may stand',
  (written) => {
    if (typeof written !== 'string') return undefined;
    return /^\/(?!\/)[^\s#\\]*$/.test(written) || isPlain(fill(written)) ? written : undefined;
  },
);
const select = leaf('a JMESPath expression', 'one like [].agent_version', (written) =>
  typeof written === 'string' && isExpression(written) ? written : undefined,
);
const question = block({ get: inventoryUrl, select });
export const inventory = block({ agent: question.nullable().optional(), schema: question.nullable().optional() });

/** A duration from one to another. */
function spanned(from: string, to: string) {
  const [least = 0, most = 0] = [parseDuration(from), parseDuration(to)];
  return leaf('a duration', `one from ${from} to ${to}`, (written) => {
    const ms = typeof written === 'string' ? parseDuration(written) : undefined;
    return ms !== undefined && ms >= least && ms <= most ? ms : undefined;
  });
}

const timeOfDay = leaf('a time of day', 'one like "03:30"', (written) =>
  typeof written === 'string' && /^(?:[01]\d|2[0-3]):[0-5]\d$/.test(written) ? written : undefined,
);
export const drift = block({ at: timeOfDay.nullable().optional(), snooze: withDefault('7d', value.duration) });
/** Orders to clean up are good for so long; before a day is over nobody knows whether a release is stable. */
const stable = spanned('1d', '60d');
/** Shorter than the shortest nobody would see anything, and a journal is no place for more looks than that. */
export const aftercare = block({
  watch: spanned('10m', '7d').nullable().optional(),
  every: withDefault('5m', spanned('10s', '1h')),
  stable: stable.nullable().optional(),
  keep: withDefault(2, whole(2, 20)),
});
const keyPattern = text(
  'the name of a key',
  'one like DATABASE_URL, or with * for anything, like *_TOKEN',
  /^(?!\*+$)[A-Za-z_*][A-Za-z0-9_*]{0,99}$/,
);
const valueRule = leaf(
  'a kind of value',
  'integer, or a list of all that it may be',
  (written): 'integer' | string[] | undefined => {
    if (written === 'integer') return written;
    const isList = Array.isArray(written) && written.length > 0 && written.length <= 100;
    return isList && written.every((each) => typeof each === 'string' && /^[^\p{Cc}]{1,200}$/u.test(each))
      ? written
      : undefined;
  },
);

const keyValue = leaf(
  'a value',
  'a text, a number, true or false; @FILE stands for a file of each worker',
  (written): Value | undefined => {
    const isPlain = typeof written === 'string' || typeof written === 'number' || typeof written === 'boolean';
    if (!isPlain || /\p{Cc}/u.test(String(written))) return undefined;
    return typeof written === 'string' && written.startsWith('@') ? { file: written.slice(1) } : String(written);
  },
);
const keyValues = named(keyValue, 'values').optional();
const keyName = text('the name of a key', 'one like MAX_CONNECTIONS', /^[A-Za-z_][A-Za-z0-9_]{0,99}$/);
const versionChange = block({
  version: leaf('a version', 'one like v2.0.0', (written) =>
    typeof written === 'string' && isVersion(written) ? written : undefined,
  ),
  set: keyValues,
  unset: withDefault([], list(keyName, 'names of keys')),
  rename: named(keyName, 'names of keys').optional(),
  ensure: keyValues,
});

/** Keys of the environment file. */
export const config = block({
  secret: withDefault([], list(keyPattern, 'names of keys')),
  values: named(valueRule, 'kinds of values').optional(),
  files: value.path.nullable().optional(),
  changes: withDefault([], list(versionChange, 'changes')),
});
const itemText = text('an item', 'some words in one line, at most 120 characters', /^(?=.*\S)[^\p{Cc}]{1,120}$/u);
export const checklistItem = block({
  text: itemText,
  by: oneOf(['person']).optional(),
  check: value.name.optional(),
});
const items = withDefault([], list(checklistItem, 'items'));
export const checklists = block({ before: items, during: items, after: items });

/** At most 20, since each is asked of every node. */
export const check = checkBlock(inventoryUrl);
/** A block of looks is eight of them, and there must be six before and after: what does not go together is told by `compareProblems`. */
export const compare = block({
  look: withDefault('30s', spanned('100ms', '5m')),
  before: withDefault('48m', value.duration),
  least: withDefault('24m', value.duration),
  margin: withDefault(
    1.2,
    leaf('a factor', 'one above 1 and up to 10, like 1.2', (written) =>
      typeof written === 'number' && written > 1 && written <= 10 ? written : undefined,
    ),
  ),
});
const checks = list(check, 'checks').max(20, { error: 'has more than 20 of them' });

const repository = leaf(
  'a git repository',
  'what git fetches from: git@host:path, ssh://, https:// without a password, or an absolute path',
  (written) =>
    typeof written === 'string' &&
    (/^[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:[^\s:-][^\s:]*$/.test(written) ||
      /^(?:ssh:\/\/(?:[A-Za-z0-9._-]+@)?|https:\/\/|file:\/\/)[^\s@]+$/.test(written) ||
      /^\/[^\s]*$/.test(written))
      ? written
      : undefined,
);
const bytes = leaf('an amount of memory', 'one like 512M or 4G', (written) => {
  const [, count, unit] = /^([1-9]\d{0,5})([MG])$/.exec(typeof written === 'string' ? written : '') ?? [];
  return count === undefined ? undefined : Number(count) * (unit === 'G' ? 1024 ** 3 : 1024 ** 2);
});
/** Machines that are no nodes of the fleet. */
export const otherHost = block({ address: value.address.optional(), ...access });
export const building = block({
  on: value.name,
  repository,
  command: list(text('a word of a command', 'a program, then its arguments', /^[^\p{Cc}]{1,200}$/u), 'words', 1),
  network: withDefault(false, value.flag),
  signedBy: list(signer, 'signers', 1).nullable().optional(),
  limit: withDefault('20m', value.duration),
  memory: withDefault('4G', bytes),
});
const words = list(text('a word of a command', 'a program, then its arguments', /^[^\p{Cc}]{1,200}$/u), 'words', 1);
export const database = block({
  on: value.name,
  env: leaf('an absolute path', 'one like /etc/zeitwork/migrate.env', (written) =>
    typeof written === 'string' && /^\/[^\s\p{Cc}]*$/u.test(written) ? written : undefined,
  ),
  folder: withDefault(
    '.',
    leaf('a folder in the source', 'one like packages/database', (written) =>
      typeof written === 'string' && /^[A-Za-z0-9_][A-Za-z0-9._/-]*$|^\.$/.test(written) && !written.includes('..')
        ? written
        : undefined,
    ),
  ),
  prepare: words.nullable().optional(),
  status: words.nullable().optional(),
  before: words,
  after: words.nullable().optional(),
  query: words,
  version: text('an SQL statement', 'one that answers with a whole number', /^[^\p{Cc}]{1,500}$/u),
  backup: block({
    command: words.nullable().optional(),
    maxAge: withDefault('24h', value.duration),
    attest: withDefault(false, value.flag),
  }),
  region: value.name.optional(),
  approvers,
  needed: withDefault(1, whole(1, 9)),
  limit: withDefault('15m', value.duration),
});
const listen = leaf('an address to listen at', 'one like 127.0.0.1:9464 or "[::1]:9464"', listenIn);
export const metrics = block({ listen });

export const redis = block({ plain: withDefault('refused', oneOf(['refused', 'allowed'])) });

export const schema = block({
  fleet: value.name,
  channel: value.slackChannel,
  team: value.slackTeam.optional(),
  stateDir: withDefault('state', value.path),
  stopFile: value.path.optional(),
  keys: block({ bot: list(publicKey, 'public keys', 1), worker: list(publicKey, 'public keys', 1) })
    .nullable()
    .optional(),
  redis: withDefault({}, redis),
  metrics: metrics.nullable().optional(),
  drift: withDefault({}, drift),
  aftercare: withDefault({}, aftercare),
  retention: withDefault('400d', value.duration),
  releases: block({
    directory: value.path.optional(),
    url: releaseUrl.optional(),
    signers: withDefault([], list(signer, 'signers')),
    unsigned: withDefault('refused', oneOf(['refused', 'allowed'])),
  }),
  service: withDefault({}, service),
  services: named(sibling, 'services').nullable().optional(),
  health: withDefault('http://{address}:8080/health', healthPattern),
  alerts: alerts.nullable().optional(),
  proven: proven.nullable().optional(),
  notices: notices.nullable().optional(),
  compatibility: list(compatibilityRow, 'rows').nullable().optional(),
  inventory: inventory.nullable().optional(),
  checklists: checklists.nullable().optional(),
  checks: checks.nullable().optional(),
  compare: withDefault({}, compare),
  config: config.nullable().optional(),
  ssh: withDefault({}, ssh),
  hosts: named(otherHost, 'hosts').nullable().optional(),
  build: building.nullable().optional(),
  database: database.nullable().optional(),
  regions: list(region, 'regions', 1),
  freezes: withDefault([], list(fleetFreeze, 'freezes')),
  policy: withDefault({}, policy),
  people: withDefault([], list(person, 'people')),
  approvals: withDefault('button', oneOf(['button', 'signed'])),
  roles: block({
    requesters: approvers,
    breakers: withDefault(nobody, approvers),
    stoppers: withDefault(nobody, approvers),
    onCall: withDefault(nobody, approvers),
    escalation: withDefault(nobody, approvers),
  }),
});

export type Written = z.output<typeof schema>;
export type WrittenBalancer = z.output<typeof balancer>;
export type WrittenSibling = z.output<typeof sibling>;
export type WrittenSsh = z.output<typeof ssh>;
export type WrittenNode = z.output<typeof node>;
export type WrittenHost = z.output<typeof otherHost>;
export type WrittenJump = z.output<typeof jumpHost>;

function fill(pattern: string): string {
  return pattern.replaceAll(/\{(address|name|version|region|service)\}/g, 'x');
}
