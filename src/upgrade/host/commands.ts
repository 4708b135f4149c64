import { placeOf } from '../../base/sibling.ts';
import type { CommandCheck, DatabaseCheck, JournalCheck } from '../checks/types.ts';
import type { Baseline, Pair, Rollout, Service } from '../rollout/types.ts';
import type { Command } from '../ssh/types.ts';
import { checked } from './arguments.ts';
import { backupPath, fileName, recoveredPath, stagedPath, uploadFolder } from './layout.ts';
import { loginScript } from './scripts/index.ts';
import type { Stranger } from './strangers.ts';
import { missing } from './strangers.ts';
import { type VerbName, verbs } from './verbs.ts';

/** Making a sandbox, a question of five seconds, and all of it on a busy node. */
const askTime = 60_000;

/** systemd lets a service take 90 s to stop; `systemctl restart` waits for it. */
const restartTime = 120_000;

/** Bytes of the largest binary that is passed on. */
const binaryLimit = 2 * 1024 ** 3;

const place = (service: Service) => [
  `unit=${checked('unit', service.unit)}`,
  `binary=${checked('path', service.binary)}`,
  `env=${service.envFile === null ? '-' : checked('path', service.envFile)}`,
];

/** What a change belongs to: a step's context is one. */
export interface Turn {
  rollout: Rollout;
  /** The step's try, a number that only rises on each node: a command of an older one changes nothing any more. */
  attempt: number;
}

const past = (service: Service, before: Pair, place = backupPath) => [
  `backup=${checked('path', place(service, before))}`,
  `version=${fileName(before.version)}`,
  `before=${checked('sha256', before.sha256)}`,
  `before_env=${before.envSha256 === null ? '-' : checked('sha256', before.envSha256)}`,
];

const future = (rollout: Rollout) => [
  `staged=${checked('path', stagedPath(rollout.service, rollout.release))}`,
  `target=${checked('sha256', rollout.release.binarySha256)}`,
];

const fence = ({ rollout, attempt }: Turn) => [
  `epoch=${checked('number', String(rollout.epoch))}`,
  `try=${checked('number', String(attempt))}`,
];

/** What a person decided about: `replace` goes aside first, `keep` is left as it is. */
export interface Allowed {
  replace: Stranger[];
  keep: Stranger[];
}

export const nothing: Allowed = { replace: [], keep: [] };

const hashOf = ({ sha256 }: Stranger) => (sha256 === missing ? 'missing' : checked('sha256', sha256));

const allowed = ({ replace, keep }: Allowed) => [
  ...replace.map((stranger) => `replace_${stranger.part}=${hashOf(stranger)}`),
  ...keep.map((stranger) => `keep_${stranger.part}=${hashOf(stranger)}`),
];

const versionQuestion = (service: Service) =>
  service.versionArgs === null ? [] : ['--', ...service.versionArgs.map((word) => checked('flag', word))];

const asRoot = (name: VerbName, args: string[], timeoutMs: number): Command => ({
  name,
  script: verbs[name].script,
  args,
  sudo: true,
  timeoutMs,
  // A fence that is raised only keeps older tries out.
  ...(verbs[name].orders.length === 0 || name === 'look under lock' ? { looks: true as const } : {}),
});

/** Sees what runs and what lies on disk. */
export function glance(service: Service, timeoutMs: number): Command {
  return asRoot('look', place(service), timeoutMs);
}

/** Sees everything that staging needs. `ask` also runs the installed binary for its version. */
export function observe(service: Service, timeoutMs: number, rollout?: Rollout, ask = false): Command {
  const staged = rollout ? stagedPath(service, rollout.release) : '-';
  const args = [...place(service), `staged=${staged}`, ...(ask ? versionQuestion(service) : [])];
  return asRoot('observe', args, timeoutMs);
}

/** The same as `glance` right before a change: under the node's lock, and no older try can change anything any more. */
export function lookUnderLock(turn: Turn): Command {
  const { service, policy } = turn.rollout;
  const args = [...fence(turn), ...place(service), ...future(turn.rollout)];
  return asRoot('look under lock', args, policy.commandTimeout);
}

/** Makes the new binary ready beside the installed one, and the backup. `upload` is null when it was staged before. */
export function stage(turn: Turn, before: Baseline, upload: string | null, decided = nothing): Command {
  const { service, release, policy } = turn.rollout;
  const args = [
    ...fence(turn),
    ...place(service),
    ...future(turn.rollout),
    ...past(service, before),
    ...allowed(decided),
    `owner=${checked('owner', service.owner)}`,
    `mode=${checked('mode', service.mode)}`,
    `upload=${upload ?? '-'}`,
    `uploaded=${checked('sha256', release.archiveSha256)}`,
  ];
  return asRoot('stage', args, Math.max(policy.commandTimeout, restartTime));
}

/** Makes or verifies the backup and reads the staged binary once more. `ask` also runs that for its version. */
export function backup(turn: Turn, before: Baseline, ask: boolean, decided = nothing): Command {
  const { service, policy } = turn.rollout;
  const mode = `mode=${checked('mode', service.mode)}`;
  const known = [...future(turn.rollout), ...past(service, before), ...allowed(decided), mode];
  const args = [...fence(turn), ...place(service), ...known, ...(ask ? versionQuestion(service) : [])];
  return asRoot('backup', args, ask ? Math.max(policy.commandTimeout, askTime) : policy.commandTimeout);
}

/** Verifies the backup of a node that is on its new binary already. */
export function checkBackup(service: Service, before: Baseline, timeoutMs: number): Command {
  return asRoot('check backup', [...place(service), ...past(service, before)], timeoutMs);
}

/** Renames the staged binary over the installed one and restarts. `put`: SHA-256 of the environment file that goes with it, staged as well. */
export function switchOver(turn: Turn, before: Baseline, decided = nothing, put: string | null = null): Command {
  return withFile(change('switch', turn, before, decided), put);
}

const withFile = (command: Command, put: string | null): Command =>
  put === null ? command : { ...command, args: [...command.args, `new_env=${checked('sha256', put)}`] };

/** Starts what runs anew, unless another process than the recorded one does already. */
export function restart(turn: Turn, before: Baseline): Command {
  const { service, policy } = turn.rollout;
  const env = before.envSha256 === null ? '-' : checked('sha256', before.envSha256);
  const invocation = before.invocation === '' ? '-' : checked('invocation', before.invocation);
  const known = [...future(turn.rollout), `before_env=${env}`, `invocation=${invocation}`];
  return asRoot('restart', [...fence(turn), ...place(service), ...known], Math.max(policy.commandTimeout, restartTime));
}

/** Puts binary and environment file back and restarts. `put`: SHA-256 of the environment file that this rollout put there. */
export function restore(turn: Turn, before: Baseline, decided = nothing, put: string | null = null): Command {
  return withFile(change('restore', turn, before, decided), put);
}

/** The second place of a node as a service of its own: state, lock and numbers there are those of its unit. */
export function besideOf(service: Service): Service {
  const { slots } = service;
  if (slots === undefined) throw new TypeError('this service has no second place');
  const { unit, binary, envFile } = slots;
  return { ...service, unit, binary, envFile };
}

/** Brings the release up there; the binary is the one that lies staged beside the first. */
export function beside({ rollout, attempt }: Turn): Command {
  const { service, policy } = rollout;
  const second = besideOf(service);
  const set = Object.entries(service.slots?.set ?? {}).map(([key, value]) => `${checked('key', key)}=${value}`);
  const args = [
    ...fence({ rollout, attempt }),
    ...place(second),
    ...future(rollout),
    `owner=${checked('owner', service.owner)}`,
    `mode=${checked('mode', service.mode)}`,
  ];
  const words = [checked('path', service.binary), ...set.map((each) => checked('argument', each))];
  return asRoot('beside', [...args, '--', ...words], Math.max(policy.commandTimeout, restartTime));
}

/** Stops what runs there and removes it. */
export function retire(turn: Turn): Command {
  const { service, policy } = turn.rollout;
  const args = [...fence(turn), ...place(besideOf(service))];
  return asRoot('retire', args, Math.max(policy.commandTimeout, restartTime));
}

/** The environment file itself, with its secrets: for this process alone. */
export function lendEnvironment(service: Service, timeoutMs: number): Command {
  return asRoot('lend environment', place(service), timeoutMs);
}

const environments = (before: string, after: string) => [
  `before_env=${checked('sha256', before)}`,
  `new_env=${checked('sha256', after)}`,
];

/** Takes the uploaded environment file for the node's turn. */
export function stageEnvironment(turn: Turn, before: string, after: string, upload: string): Command {
  const { service, policy } = turn.rollout;
  // What else was staged stays.
  const known = [...future(turn.rollout), ...environments(before, after), `upload=${upload}`];
  return asRoot('stage environment', [...fence(turn), ...place(service), ...known], policy.commandTimeout);
}

/** Renames the environment file that was taken over the one that lies there and restarts. */
export function configure(turn: Turn, before: Baseline, after: string): Command {
  const { service, policy } = turn.rollout;
  const invocation = `invocation=${before.invocation === '' ? 'none' : checked('invocation', before.invocation)}`;
  const known = [...future(turn.rollout), ...past(service, before), `new_env=${checked('sha256', after)}`, invocation];
  return asRoot(
    'configure',
    [...fence(turn), ...place(service), ...known],
    Math.max(policy.commandTimeout, restartTime),
  );
}

/** Compares what the running process was started with against uploaded lines. */
export function compareEnvironment(service: Service, upload: string, timeoutMs: number): Command {
  return asRoot('compare environment', [...place(service), `upload=${upload}`], timeoutMs);
}

/** The same from what was gathered for it. */
export function recover(turn: Turn, gets: Pair, decided: Allowed): Command {
  return change('restore', turn, gets, decided, recoveredPath);
}

/** Whether that lies there, whole. */
export function checkGathered(service: Service, gets: Pair, timeoutMs: number): Command {
  return asRoot('check backup', [...place(service), ...past(service, gets, recoveredPath)], timeoutMs);
}

/**
 * Makes the pair that a node gets back, beside what lies there. `upload` is null when it was made before; `envFrom`: the backup that has
 * the environment file, null when the node's own stays.
 */
export function gather(turn: Turn, gets: Pair, upload: string | null, envFrom: string | null): Command {
  const { service, release, policy } = turn.rollout;
  const args = [
    ...fence(turn),
    ...place(service),
    ...future(turn.rollout),
    ...past(service, gets, recoveredPath),
    `owner=${checked('owner', service.owner)}`,
    `mode=${checked('mode', service.mode)}`,
    `upload=${upload ?? '-'}`,
    `uploaded=${checked('sha256', release.archiveSha256)}`,
    `env_from=${envFrom === null ? '-' : checked('word', envFrom)}`,
  ];
  return asRoot('gather', args, Math.max(policy.commandTimeout, restartTime));
}

function change(name: VerbName, turn: Turn, before: Pair, decided: Allowed, from = backupPath): Command {
  const { service, policy } = turn.rollout;
  const known = [...future(turn.rollout), ...past(service, before, from), ...allowed(decided)];
  const args = [...fence(turn), ...place(service), ...known];
  return asRoot(name, args, Math.max(policy.commandTimeout, restartTime));
}

/** Removes what was staged and uploaded. `prune`: also backups that are older than the newest few and not `before`'s. */
export function cleanup(turn: Turn, before: Baseline | null, prune: boolean): Command {
  const { service, policy } = turn.rollout;
  const args = [
    ...fence(turn),
    ...place(service),
    `folder=${uploadFolder(turn.rollout)}`,
    `backup=${before === null ? '-' : checked('path', backupPath(service, before))}`,
    `prune=${prune ? 'yes' : 'no'}`,
  ];
  return asRoot('cleanup', args, policy.commandTimeout);
}

/** Removes backups that were last made or used before `stable` ms, but for those that stay in any case; `spare` is one of them. */
export function tidy(
  turn: Turn,
  before: Pair | null,
  spare: Pair | null,
  { stable, keep }: { stable: number; keep: number },
): Command {
  const { service, policy } = turn.rollout;
  const backup = (pair: Pair | null) => (pair === null ? '-' : checked('path', backupPath(service, pair)));
  const args = [
    ...fence(turn),
    ...place(service),
    `backup=${backup(before)}`,
    `spare=${backup(spare)}`,
    `keep=${checked('number', String(keep))}`,
    `older=${checked('number', String(Math.floor(stable / 1_000)))}`,
  ];
  return asRoot('tidy', args, Math.max(policy.commandTimeout, restartTime));
}

/** A command of the settings, for one node. */
export function trafficWords({ traffic }: Service, node: string, which: 'drain' | 'undrain'): string[] {
  return (traffic?.[which] ?? []).map((word) => checked('argument', word.replaceAll('{name}', placeOf(node))));
}

/** Programs that the settings have called on a node. */
export function programsOf(service: Service, node: string): string[] {
  const both = (['drain', 'undrain'] as const).flatMap((which) => trafficWords(service, node, which).slice(0, 1));
  return [...new Set(both)];
}

/** Runs the settings' command that takes a node out of service, or puts it back. */
export function traffic(turn: Turn & { node: { name: string } }, which: 'drain' | 'undrain'): Command {
  const { service, policy } = turn.rollout;
  const words = trafficWords(service, turn.node.name, which);
  const args = [...fence(turn), ...place(service), ...future(turn.rollout), '--', ...words];
  return asRoot(which, args, policy.commandTimeout);
}

/** Takes the archive, where a helper lets no SFTP in; its content follows on stdin. */
export function receive(turn: Turn): Command {
  const { release, policy, service } = turn.rollout;
  const archive = [`uploaded=${checked('sha256', release.archiveSha256)}`, `bytes=${release.archiveBytes}`];
  return asRoot('receive', [...fence(turn), ...place(service), ...archive], policy.transferTimeout);
}

/** The binary that a node has, into a file of this machine. */
export function lend(service: Service, path: string, timeoutMs: number): Command {
  return { ...asRoot('lend', place(service), timeoutMs), looks: true, into: { path, most: binaryLimit } };
}

/** What is installed of the helper, where there is one: hashes, to be compared. */
export function aboutHelper(service: Service, timeoutMs: number): Command {
  return { name: 'about', script: '', args: [`unit=${checked('unit', service.unit)}`], sudo: true, timeoutMs };
}

/** What the login may do as itself, where there is a helper: how far a stolen key gets. */
export function askLogin(service: Service, timeoutMs: number): Command {
  return {
    name: 'login',
    script: loginScript,
    args: [`unit=${checked('unit', service.unit)}`],
    sudo: false,
    timeoutMs,
  };
}

/** The newest backups of a node, and the numbers that it saw last. */
export function listBackups(service: Service, timeoutMs: number): Command {
  return asRoot('list backups', place(service), timeoutMs);
}

/** Reads the clock, looks for tools and for what the settings have called on this node. */
export function lookAround(service: Service, node: string, timeoutMs: number): Command {
  return asRoot('look around', [...place(service), '--', ...programsOf(service, node)], timeoutMs);
}

/** Counts what the running process wrote into the journal. */
export function countEntries(service: Service, { priority, over }: JournalCheck, timeoutMs: number): Command {
  const seconds = checked('number', String(Math.ceil(over / 1_000)));
  return asRoot('count entries', [...place(service), `priority=${priority}`, `seconds=${seconds}`], timeoutMs);
}

/** The words of a check, for one node. */
export const checkWordsFor = ({ command }: CommandCheck, node: string): string[] =>
  command.map((word) => checked('argument', word.replaceAll('{name}', placeOf(node))));

/** Runs a program that the settings have for a check. */
export function runCheck(service: Service, node: string, check: CommandCheck, timeoutMs: number): Command {
  const seconds = checked('number', String(Math.max(1, Math.ceil(check.within / 1_000))));
  const named = [`check=${checked('word', check.name)}`, `seconds=${seconds}`];
  const args = [...place(service), ...named, '--', ...checkWordsFor(check, node)];
  return asRoot('run check', args, timeoutMs);
}

/** One value of the environment file: a secret, for this process alone. */
export function lendKey(service: Service, { key }: DatabaseCheck, timeoutMs: number): Command {
  return asRoot('lend key', [...place(service), `wanted=${checked('key', key)}`], timeoutMs);
}

/** Collects what a person would look at first. */
export function diagnose(service: Service, timeoutMs: number): Command {
  return asRoot('diagnose', place(service), timeoutMs);
}
