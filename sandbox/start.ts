import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { aborted } from '../src/app/cli/live.ts';
import { systemClock } from '../src/app/clock.ts';
import { createLog } from '../src/app/log.ts';
import {
  closeRuntime,
  openRuntime,
  type Role,
  type Runtime,
  startBotRole,
  startWorkerRole,
} from '../src/app/wiring.ts';
import { loadSettings } from '../src/config/index.ts';
import { nextOpening } from '../src/windows/index.ts';
import { type SimulatedFleet, startFleet } from './fleet/fleet.ts';
import { type Slack, startSlack } from './slack/start.ts';

export interface SandboxOptions {
  /** Of the page; 0 for any free one. */
  port: number;
  /** `guide`: Tuesday to Thursday, 02:00-06:00 in each region; `always`: work may begin at any time. */
  windows: 'guide' | 'always';
  /** Where to put everything; a temporary directory that is removed at the end when null. */
  directory?: string | null;
  /** What the clock shows at first, epoch ms; the real time when absent. */
  startAt?: number;
  /** Told what is begun, then where to look. */
  say(line: string): void;
  /** Asks a sandbox that still starts to undo everything; `startSandbox` then throws its reason. */
  asked?: AbortSignal;
}

export interface Sandbox extends Role {
  pageUrl: string;
  slack: Slack;
  fleet: SimulatedFleet;
  /** Puts the clock forward to the next opening of any region; says what it did. */
  jumpToNextWindow(): Promise<string>;
}

/** Twenty seconds of a build's life are two here, so that its failures show within the short soaks. */
const timeScale = 0.1;

const rosa = {
  id: 'U0ROSA',
  name: 'rosa',
  realName: 'Rosa Lindqvist',
  role: 'on call: may start, stop and break the glass',
};
const ines = { id: 'U0INES', name: 'ines', realName: 'Inês Duarte', role: 'approves every region' };
const kiran = { id: 'U0KIRAN', name: 'kiran', realName: 'Kiran Rao', role: 'approves ap-south' };
const vic = { id: 'U0VIC', name: 'vic', realName: 'Vic Novak', role: 'reads along, may do nothing' };

const zones: Record<string, string> = {
  'us-east': 'America/New_York',
  'eu-west': 'Europe/Dublin',
  'ap-south': 'Asia/Kolkata',
};

/**
 * The whole product against a simulated fleet: real SSH, real Redis, real Socket Mode, a page to click. Leaves nothing
 * behind: not at its end, not when it cannot start, and not when the process ends without asking it.
 */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'zeitwork-sandbox-'));
  const leftovers = leavingNothing(directory, options.directory == null);
  try {
    return await build(options, directory, leftovers);
  } catch (error) {
    await leftovers.remove();
    throw error;
  }
}

async function build(options: SandboxOptions, directory: string, leftovers: Leftovers): Promise<Sandbox> {
  const step = (line: string) => {
    options.asked?.throwIfAborted();
    options.say(line);
  };
  const time = { ahead: options.startAt === undefined ? 0 : options.startAt - Date.now() };
  const clock = systemClock(() => time.ahead);
  step('  Nine simulated nodes: keys, disks, SSH and HTTP …');
  const fleet = await startFleet({ directory: join(directory, 'fleet'), timeScale });
  leftovers.close(fleet.close);
  let runtime: Runtime | null = null;
  const jumpToNextWindow = async (): Promise<string> => {
    const opens = runtime ? earliestOpening(runtime, clock.now()) : null;
    if (opens === null) return 'Every window is open now.';
    time.ahead += opens - clock.now() + 1_000;
    return 'The clock stands at the next window.';
  };
  step("  Slack's stand-in and its page …");
  const slack = await startSlack({
    port: options.port,
    people: [rosa, ines, kiran, vic],
    channel: { id: 'C0UPGRADES', name: 'upgrades' },
    team: { id: 'T0SANDBOX', name: 'Sandbox' },
    groups: [{ id: 'S0ONCALL', handle: 'on-call', users: [rosa.id] }],
    fleet: fleet.source,
    controls: {
      now: () => clock.now(),
      resetFleet: () => fleet.reset(),
      jumpToNextWindow,
    },
    hint: '/zeitwork upgrade v2.0.0',
    tries: tries(fleet),
  });
  leftovers.close(slack.close);
  const file = join(directory, 'zeitwork.yaml');
  writeFileSync(file, stringify(settingsOf(fleet, options.windows, directory)));
  const settings = loadSettings(file, {
    SLACK_BOT_TOKEN: slack.botToken,
    SLACK_APP_TOKEN: slack.appToken,
    SLACK_API_URL: slack.apiUrl,
  });
  step('  A private Redis …');
  const opened = await openRuntime(settings, createLog('sandbox', 'warn'), clock);
  runtime = opened;
  leftovers.close(() => closeRuntime(opened));
  step('  The worker and the bot …');
  const worker = await startWorkerRole(opened, null);
  leftovers.close(worker.close);
  const bot = await startBotRole(opened);
  leftovers.close(bot.close);
  await Promise.race([bot.connected, ...(options.asked ? [aborted(options.asked)] : [])]);
  options.asked?.throwIfAborted();
  for (const line of welcome(slack.pageUrl, options.windows)) options.say(line);
  return {
    pageUrl: slack.pageUrl,
    slack,
    fleet,
    jumpToNextWindow,
    close: leftovers.remove,
  };
}

interface Leftovers {
  /** What must be closed at the end, last one first. */
  close(part: () => Promise<void>): void;
  remove(): Promise<void>;
}

function leavingNothing(directory: string, isOurs: boolean): Leftovers {
  const parts: (() => Promise<void>)[] = [];
  const remove = () => {
    if (isOurs) rmSync(directory, { recursive: true, force: true });
  };
  // The last resort, when the process ends before it was asked to close.
  const atExit = () => {
    endRedis(join(directory, 'state'));
    remove();
  };
  process.once('exit', atExit);
  return {
    close: (part) => void parts.unshift(part),
    async remove() {
      for (const part of parts.splice(0)) await part().catch(() => undefined);
      remove();
      process.off('exit', atExit);
    },
  };
}

/** It has a session of its own, so nobody else ends it. Only what was really started for `stateDir` is ended. */
function endRedis(stateDir: string): void {
  try {
    const pid = Number(readFileSync(join(stateDir, 'redis', 'redis.pid'), 'utf8'));
    if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(stateDir)) process.kill(pid, 'SIGKILL');
  } catch {
    // It was not started, or has ended in order.
  }
}

function earliestOpening({ settings }: Runtime, now: number): number | null {
  const openings = settings.fleet.regions
    .map(({ calendar }) => nextOpening(calendar, now))
    .flatMap((opening) => (opening.is === 'opens' ? [opening.interval.start] : []));
  return openings.length > 0 ? Math.min(...openings) : null;
}

function settingsOf(fleet: SimulatedFleet, windows: 'guide' | 'always', directory: string) {
  const everyDay = [{ days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], from: '00:00', to: '00:00' }];
  const regions = [...new Set(fleet.nodes.map(({ region }) => region))];
  return {
    fleet: 'sandbox',
    channel: 'C0UPGRADES',
    team: 'T0SANDBOX',
    stateDir: join(directory, 'state'),
    releases: { directory: fleet.releasesDirectory },
    service: fleet.service,
    roles: {
      requesters: { users: [rosa.id] },
      breakers: { users: [rosa.id] },
      stoppers: { users: [rosa.id, ines.id, kiran.id] },
    },
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

function tries(fleet: SimulatedFleet) {
  const offered = (version: string, about: string) =>
    fleet.versions.includes(version) ? [{ text: `/zeitwork upgrade ${version}`, about }] : [];
  return [
    { text: '/zeitwork upgrade v2.0.0', about: 'a good build, approved region by region' },
    { text: '/zeitwork upgrade v2.0.0 --strategy rolling', about: 'a good build, node by node, nobody is asked' },
    ...offered('v2.1.0-never-healthy', 'a build that never gets healthy'),
    ...offered('v2.1.0-dies-after-20s', 'a build that dies after a while'),
    ...offered('v2.1.0-exit-at-start', 'a build that ends at once'),
    ...offered('v2.2.0-bad-checksum', 'an archive that is not what its checksum says'),
    { text: '/zeitwork rollback all', about: 'bring back what the last upgrade changed' },
    { text: '/zeitwork why', about: 'what holds it, who can open it, and when' },
  ];
}

const welcome = (pageUrl: string, windows: 'guide' | 'always') => [
  '',
  `  Open ${pageUrl}`,
  '  and type there   /zeitwork upgrade v2.0.0',
  '',
  '  Nine simulated nodes take real SSH, SFTP and HTTP on this machine; the chat is a stand-in for Slack.',
  windows === 'guide'
    ? '  Windows are Tue-Thu 02:00-06:00 in each region: the clock on the page jumps to the next one.'
    : '  Windows are open all day here; `npm run sandbox -- --windows guide` keeps Tue-Thu 02:00-06:00.',
  '  Ctrl-C ends it and leaves nothing behind.',
  '',
];
