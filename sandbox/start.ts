import { mkdtempSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { releaseKey } from '../src/app/belief.ts';
import { aborted } from '../src/app/cli/live.ts';
import { systemClock } from '../src/app/clock.ts';
import { createLog } from '../src/app/log.ts';
import {
  closeRuntime,
  openRuntime,
  type Role,
  type Runtime,
  startBotRole,
  startMetricsRole,
  startWorkerRole,
} from '../src/app/wiring.ts';
import { loadSettings } from '../src/config/index.ts';
import { isOpen } from '../src/upgrade/rollout/index.ts';
import { type SimulatedFleet, startFleet } from './fleet/fleet.ts';
import { type Leftovers, leavingNothing } from './leftovers.ts';
import { nextStop } from './next-stop.ts';
import { drawnNight } from './night.ts';
import { ines, kiran, rosa, throwAwayKeys, vic } from './people.ts';
import { settingsOf } from './settings.ts';
import { signReleases } from './signing.ts';
import { type Slack, startSlack } from './slack/start.ts';
import type { Question } from './slack/types.ts';
import { makeSource } from './source.ts';
import { suggestions } from './suggestions.ts';
import { tries, welcome } from './words.ts';

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
  /** Puts the clock forward to the next opening of any region, or to what is scheduled before it; says what it did. */
  jumpToNextWindow(): Promise<string>;
}

/** Twenty seconds of a build's life are two here, so that its failures show within the short soaks. */
const timeScale = 0.1;

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
  const fleet = await startFleet({ directory: join(directory, 'fleet'), timeScale, ahead: () => time.ahead });
  leftovers.close(fleet.close);
  let runtime: Runtime | null = null;
  const night = drawnNight(() => runtime);
  const jumpToNextWindow = async (): Promise<string> => {
    const next = runtime ? nextStop(calendarsOf(runtime), await runtime.control.store.open(), clock.now()) : null;
    if (next === null) return 'Every window is open now, and nothing is scheduled.';
    time.ahead += next.at - clock.now() + 1_000;
    return `The clock stands at ${next.what}.`;
  };
  step('  Its releases are signed …');
  const stateDir = join(directory, 'state');
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const signer = await signReleases(fleet, stateDir);
  const repository = await makeSource(join(directory, 'source'));
  step("  Slack's stand-in and its page …");
  const slack = await startSlack({
    port: options.port,
    people: [rosa, ines, kiran, vic],
    channel: { id: 'C0UPGRADES', name: 'upgrades' },
    team: { id: 'T0SANDBOX', name: 'Sandbox' },
    events: ['app_home_opened', 'app_mention', 'message.channels'],
    groups: [{ id: 'S0ONCALL', handle: 'on-call', users: [rosa.id] }],
    fleet: fleet.source,
    controls: {
      now: () => clock.now(),
      resetFleet: () => fleet.reset(),
      beforeReset: () => (runtime ? questionOf(runtime) : Promise.resolve(null)),
      jumpToNextWindow,
    },
    night: night.svg,
    hint: '/zeitwork upgrade v2.0.0',
    tries: tries(fleet, repository !== null),
    completions: suggestions(),
  });
  leftovers.close(slack.close);
  leftovers.close(night.close);
  const file = join(directory, 'zeitwork.yaml');
  const keys = throwAwayKeys(directory);
  const source = repository === null ? {} : { source: { repository, key: (await releaseKey({ stateDir })).public } };
  writeFileSync(file, stringify(settingsOf(fleet, options.windows, { stateDir, signer, keys, ...source })));
  const settings = loadSettings(file, {
    SLACK_BOT_TOKEN: slack.botToken,
    SLACK_APP_TOKEN: slack.appToken,
    SLACK_API_URL: slack.apiUrl,
  });
  step('  A private Redis …');
  const opened = await openRuntime(settings, createLog('sandbox', 'warn'), { clock, roles: ['bot', 'worker'] });
  runtime = opened;
  leftovers.close(() => closeRuntime(opened));
  const watched = await startMetricsRole([opened]);
  if (watched !== null) leftovers.close(watched.close);
  step('  The worker and the bot …');
  const worker = await startWorkerRole(opened, null);
  leftovers.close(worker.close);
  const bot = await startBotRole([opened]);
  leftovers.close(bot.close);
  await Promise.race([bot.connected, ...(options.asked ? [aborted(options.asked)] : [])]);
  options.asked?.throwIfAborted();
  for (const line of welcome(slack.pageUrl, options.windows, file, watched?.url() ?? null)) options.say(line);
  return {
    pageUrl: slack.pageUrl,
    slack,
    fleet,
    jumpToNextWindow,
    close: leftovers.remove,
  };
}

const calendarsOf = ({ settings }: Runtime) => settings.fleet.regions.map(({ calendar }) => calendar);

/** Nodes that change under a rollout look like broken ones to it. */
async function questionOf({ control }: Runtime): Promise<Question | null> {
  const open = await control.store.open();
  if (open === null || !isOpen(open)) return null;
  const text = `${open.release.version} is under way. Its nodes would be put back under it, which looks to it as if they broke. Stop it first, or reset all the same.`;
  return { title: 'Reset the fleet in the middle of a rollout?', text, yes: 'Reset all the same' };
}
