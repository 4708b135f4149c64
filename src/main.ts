#!/usr/bin/env node
import { userInfo } from 'node:os';
import { parseArgs } from 'node:util';
import { loadSettings, type Settings, SettingsError } from './config/index.ts';
import {
  closeHouse,
  commandDeps,
  createLog,
  openHouse,
  type Role,
  showSignOfLife,
  startBotRole,
  startWorkerRole,
} from './wiring.ts';

const usage = `usage: zeitwork ROLE | VERB ...

roles (each runs until Ctrl-C or SIGTERM)
  all                    bot and worker in one process
  bot                    the Slack side
  worker [--region R]    SSH and health work; for the regions named, else for all
  sandbox [--port N] [--windows guide|always]
                         the whole product against a simulated fleet, with a page to click

once
  doctor                 checks everything that can be checked before the night
  manifest               prints the link that creates the Slack app
  VERB ...               the same verbs as in Slack, here: zeitwork status, zeitwork upgrade v2.0.0, zeitwork help

settings: ZEITWORK_CONFIG (zeitwork.yaml); log level: ZEITWORK_LOG (info); secrets: SLACK_BOT_TOKEN, SLACK_APP_TOKEN, REDIS_URL, or each as NAME_FILE`;

const settings = (): Settings => loadSettings(process.env.ZEITWORK_CONFIG ?? 'zeitwork.yaml', process.env);

async function main([word, ...rest]: string[]): Promise<number> {
  switch (word) {
    case undefined:
    case '--help':
    case '-h':
      console.log(usage);
      return word === undefined ? 2 : 0;
    case 'all':
      return untilAsked(await roles(null, ['bot', 'worker']));
    case 'bot':
      return untilAsked(await roles(null, ['bot']));
    case 'worker':
      return untilAsked(await roles(regionsIn(rest), ['worker']));
    case 'sandbox':
      return sandbox(rest);
    case 'doctor':
      return doctor();
    case 'manifest':
      return manifest();
    default:
      return verb([word, ...rest].map(quoted).join(' '));
  }
}

async function roles(regions: string[] | null, which: ('bot' | 'worker')[]): Promise<Role> {
  const house = await openHouse(settings(), createLog(which.join('+')));
  const started: Role[] = [];
  const close = async () => {
    await Promise.allSettled(started.map((role) => role.close()));
    await closeHouse(house);
  };
  try {
    if (which.includes('worker')) started.push(await startWorkerRole(house, regions));
    if (which.includes('bot')) started.push(await startBotRole(house));
    started.push(showSignOfLife(house, which.join('-')));
  } catch (error) {
    await close();
    throw error;
  }
  house.log.info({ roles: which, fleet: house.settings.fleet.name }, 'ready');
  return { close };
}

function regionsIn(words: string[]): string[] | null {
  const { values } = parseArgs({ args: words, options: { region: { type: 'string', multiple: true } } });
  const known = settings().fleet.regions.map(({ name }) => name);
  const unknown = values.region?.filter((name) => !known.includes(name)) ?? [];
  if (unknown.length > 0) throw new SettingsError(`--region ${unknown.join(', ')}: the fleet has ${known.join(', ')}`);
  return values.region ?? null;
}

/** Loaded when asked for: a production role carries neither the page nor the simulated fleet. */
async function sandbox(words: string[]): Promise<number> {
  const { startSandbox } = await import('./wiring-sandbox.ts');
  return untilAsked(await startSandbox({ ...sandboxOptions(words), say: (line) => console.log(line) }));
}

function sandboxOptions(words: string[]): { port: number; windows: 'guide' | 'always' } {
  const { values } = parseArgs({
    args: words,
    options: {
      port: { type: 'string', default: process.env.PORT ?? '4000' },
      windows: { type: 'string', default: 'always' },
    },
  });
  const port = Number(values.port);
  const { windows } = values;
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new SettingsError(`--port ${values.port}: a number up to 65535`);
  }
  if (windows !== 'guide' && windows !== 'always') throw new SettingsError(`--windows ${windows}: guide or always`);
  return { port, windows };
}

async function doctor(): Promise<number> {
  const { examine } = await import('./doctor/index.ts');
  let healthy = true;
  for await (const { ok, line } of examine(process.env.ZEITWORK_CONFIG ?? 'zeitwork.yaml', process.env)) {
    console.log(line);
    healthy &&= ok;
  }
  return healthy ? 0 : 1;
}

async function manifest(): Promise<number> {
  const { manifestLink, readManifest } = await import('./bot/index.ts');
  console.log(manifestLink(await readManifest()));
  return 0;
}

/** The same verbs without Slack: whoever can log in here and read the settings holds every role. */
async function verb(text: string): Promise<number> {
  const { asText, runCommand } = await import('./bot/index.ts');
  const house = await openHouse(settings(), createLog('cli', 'warn'));
  try {
    const reply = await runCommand(commandDeps(house), `cli:${userInfo().username}`, text);
    console.log(asText(reply));
    return 0;
  } finally {
    await closeHouse(house);
  }
}

const quoted = (word: string) => (/\s/.test(word) ? `"${word.replaceAll('"', '')}"` : word);

/** Runs until SIGTERM or SIGINT; a second signal ends at once. */
function untilAsked(role: Role): Promise<number> {
  return new Promise((done) => {
    let asked = false;
    const stop = () => {
      if (asked) process.exit(1);
      asked = true;
      role.close().then(
        () => done(0),
        (error: unknown) => {
          console.error(error);
          done(1);
        },
      );
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
}

// Slack's client may reject where nobody listens (a revoked token, a race of two reconnects): that must never end a
// process which has a node half-way. What must not be survived still throws.
process.on('unhandledRejection', (reason) => {
  createLog('process').error(
    { reason: reason instanceof Error ? reason.message : String(reason) },
    'unhandled rejection',
  );
});

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    const known = error instanceof Error && ['SettingsError', 'Refused', 'Error'].includes(error.name);
    console.error(known ? `zeitwork: ${error.message}` : error);
    process.exit(1);
  },
);
