import { nearest } from '../base/nearest.ts';
import { redact } from '../base/redact.ts';
import { isVersion } from '../base/version.ts';
import { isName, type Value, type Wanted, wantsNothing } from '../upgrade/environment/index.ts';
import { type StrategyName, strategyNames } from '../upgrade/rollout/types.ts';
import { type Command, type DriftAct, isVerb, type Later, type Verb, verbs, type When } from './command.ts';
import { type FlagShape, type Flags, readFlags, Unreadable } from './parse/flags.ts';
import { plainInput, words } from './parse/words.ts';

export type Parsed =
  | { is: 'command'; command: Command }
  /** `problem` and `input` are raw text: escape them before they are shown. `wish`: a form can ask for what is missing. */
  | { is: 'usage'; problem: string; verb: Verb | null; input: string; wish?: UpgradeWish };

/** An upgrade of which something is not said yet. */
export type UpgradeWish = Omit<Extract<Command, { verb: 'upgrade' }>, 'verb' | 'version'> & { version: string | null };

/** All that was written can be read, and something is missing. */
class Incomplete extends Unreadable {
  readonly wish: UpgradeWish;

  constructor(problem: string, wish: UpgradeWish) {
    super(problem);
    this.wish = wish;
  }
}

/** Reads what follows `/zeitwork` or stands on the local command line. Never throws. */
export function parse(text: string): Parsed {
  const input = plainInput(text).trim();
  const [first, ...rest] = words(input);
  if (first === undefined) return { is: 'command', command: { verb: 'bare' } };
  const word = first.toLowerCase();
  if (!isVerb(word)) return { is: 'usage', problem: unknownVerb(first), verb: null, input };
  try {
    return { is: 'command', command: readers[word](rest) };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    const wish = error instanceof Incomplete ? { wish: error.wish } : {};
    return { is: 'usage', problem: error.message, verb: word, input, ...wish };
  }
}

/** What a form could ask for; null where nothing is missing, or something is wrong. */
export function wishIn(text: string): UpgradeWish | null {
  const parsed = parse(text);
  return parsed.is === 'usage' ? (parsed.wish ?? null) : null;
}

function unknownVerb(word: string): string {
  const meant = nearest(word, verbs);
  return meant === null ? `${word}: no such command` : `${word}: did you mean ${meant}?`;
}

const readers: Record<Verb, (input: string[]) => Command> = {
  upgrade: readUpgrade,
  schedule: readSchedule,
  reschedule: (input) => ({ verb: 'reschedule', when: readLater(readFlags(input, laterFlags)) }),
  start: (input) => ({ verb: 'start', plan: object(input, 'the plan') }),
  cancel: (input) => ({ verb: 'cancel', plan: optional(input) }),
  status: (input) => alone(input, { verb: 'status' }),
  why: (input) => ({ verb: 'why', node: optional(input) }),
  approve: readApprove,
  decline: readDecline,
  pause: (input) => alone(input, { verb: 'pause' }),
  resume: (input) => alone(input, { verb: 'resume' }),
  stop: (input) => alone(input, { verb: 'stop' }),
  mine: (input) => alone(input, { verb: 'mine', wait: null }),
  checklist: (input) => alone(input, { verb: 'checklist' }),
  tick: (input) => ({ verb: 'tick', item: object(input, 'the number of the item') }),
  untick: (input) => ({ verb: 'untick', item: object(input, 'the number of the item') }),
  own: (input) => ({ verb: 'own', rollout: optional(input) }),
  retry: (input) => alone(input, { verb: 'retry' }),
  replace: (input) => ({ verb: 'replace', ...nodeAndMark(input) }),
  keep: (input) => ({ verb: 'keep', ...nodeAndMark(input) }),
  rollback: readRollback,
  'switch-back': (input) => ({ verb: 'rollback', target: object(input, 'the region'), dryRun: false }),
  recover: readRecover,
  drift: readDrift,
  build: readBuild,
  migrate: readMigrate,
  restart: readRestart,
  config: readConfig,
  adopt: readAdopt,
  windows: (input) => alone(input, { verb: 'windows' }),
  freeze: readFreeze,
  unfreeze: (input) => ({ verb: 'unfreeze', what: object(input, 'the id of a freeze, a region, or all') }),
  history: (input) => alone(input, { verb: 'history' }),
  report: readReport,
  verify: (input) => ({ verb: 'verify', where: optional(input) }),
  help: readHelp,
  whoami: (input) => alone(input, { verb: 'whoami' }),
  diagnose: readDiagnose,
};

const upgradeFlags = {
  strategy: 'one',
  regions: 'one',
  nodes: 'one',
  now: 'none',
  reason: 'many',
  incident: 'one',
  at: 'many',
  next: 'none',
  rehearse: 'none',
  'dry-run': 'none',
} satisfies FlagShape;

const { rehearse: _, ...flagsOfBoth } = upgradeFlags;
const restartFlags = { ...flagsOfBoth, service: 'one' } satisfies FlagShape;
const configFlags = { ...restartFlags, expect: 'many' } satisfies FlagShape;

const approveFlags = { comment: 'many' } satisfies FlagShape;
const declineFlags = { reason: 'many' } satisfies FlagShape;

const freezeFlags = { until: 'many', reason: 'many', from: 'many' } satisfies FlagShape;

const rollbackFlags = { 'dry-run': 'none' } satisfies FlagShape;
const recoverFlags = { from: 'one', 'dry-run': 'none' } satisfies FlagShape;
const migrateFlags = { attest: 'none', 'dry-run': 'none' } satisfies FlagShape;
const driftFlags = { reason: 'many' } satisfies FlagShape;
const adoptFlags = { without: 'one' } satisfies FlagShape;
const diagnoseFlags = { bundle: 'maybe' } satisfies FlagShape;

const reportFlags = { md: 'none', svg: 'none', out: 'one', from: 'one' } satisfies FlagShape;

const laterFlags = { at: 'many', next: 'none' } satisfies FlagShape;

/** What each verb takes; verbs that are not named take no flags. */
export const flagsOf: Partial<Record<Verb, FlagShape>> = {
  upgrade: upgradeFlags,
  schedule: upgradeFlags,
  reschedule: laterFlags,
  freeze: freezeFlags,
  approve: approveFlags,
  decline: declineFlags,
  rollback: rollbackFlags,
  recover: recoverFlags,
  drift: driftFlags,
  migrate: migrateFlags,
  restart: restartFlags,
  config: configFlags,
  adopt: adoptFlags,
  diagnose: diagnoseFlags,
  report: reportFlags,
};

function readDiagnose(input: string[]): Command {
  const flags = readFlags(input, diagnoseFlags);
  const bundle = flags.values.get('bundle');
  return {
    verb: 'diagnose',
    node: object(flags.rest, 'the node'),
    ...(bundle === undefined ? {} : { bundle: bundle || '-' }),
  };
}

function readReport(input: string[]): Command {
  const { rest, values } = readFlags(input, reportFlags);
  const [rollout = null, ...extra] = rest;
  if (extra.length > 0) throw new Unreadable(`one rollout is expected: ${extra.join(' ')} is too much`);
  const print = (['md', 'svg'] as const).filter((name) => values.has(name));
  if (print.length > 1) throw new Unreadable('--md and --svg exclude each other; --out DIR writes both');
  return {
    verb: 'report',
    rollout,
    print: print[0] ?? null,
    out: values.get('out') ?? null,
    from: values.get('from') ?? null,
  };
}

function readSchedule(input: string[]): Command {
  const wish = readWish(input);
  const { version, when } = wish;
  const isLater = when.is === 'at' || when.is === 'next';
  if (version !== null && isLater) return { verb: 'schedule', upgrade: { verb: 'upgrade', ...wish, version } };
  const problem = 'for when? schedule VERSION --at TIME, or --next for the next window';
  // A form never overrides windows.
  if (when.is === 'now') throw new Unreadable(problem);
  throw new Incomplete(version === null ? noVersion : problem, isLater ? wish : { ...wish, when: { is: 'next' } });
}

const noVersion = 'which version? For example: upgrade v2.0.0';

function readUpgrade(input: string[]): Extract<Command, { verb: 'upgrade' }> {
  const { version, ...wish } = readWish(input);
  if (version !== null) return { verb: 'upgrade', version, ...wish };
  throw wish.when.is === 'now' ? new Unreadable(noVersion) : new Incomplete(noVersion, { version, ...wish });
}

function readWish(input: string[]): UpgradeWish {
  const flags = readFlags(input, upgradeFlags);
  const services = readVersions(flags.rest);
  const [first, ...others] = services;
  return {
    version: first?.version ?? null,
    ...((first?.service ?? null) === null && others.length === 0 ? {} : { services }),
    strategy: readStrategy(flags.values.get('strategy')),
    regions: readRegions(flags.values.get('regions')),
    limit: readLimit(flags.values.get('nodes')),
    when: readWhen(flags),
    ...(flags.values.has('rehearse') ? { rehearse: true } : {}),
    dryRun: flags.values.has('dry-run'),
  };
}

/** A version alone is that of the first service, and comes first. */
function readVersions(words: string[]): { service: string | null; version: string }[] {
  return words.map((word, at) => {
    const [, service, version] = /^([^=]+)=(.+)$/.exec(word) ?? [];
    if (service !== undefined && version !== undefined)
      return { service: service.toLowerCase(), version: readVersion(version) };
    if (at === 0) return { service: null, version: readVersion(word) };
    throw new Unreadable(`only one version is expected, then SERVICE=VERSION and flags: ${word} is too much`);
  });
}

const longestVersion = 65;

/** The `v` may be left out, or be a capital. */
function readVersion(word: string): string {
  const version = `v${word.replace(/^v/i, '')}`;
  if (isVersion(version) && version.length <= longestVersion) return version;
  throw new Unreadable(`${word} is not a version; write it like v2.0.0 or v2.0.0-rc.1`);
}

function readStrategy(word: string | undefined): StrategyName | null {
  if (word === undefined) return null;
  const name = word.toLowerCase();
  const found = strategyNames.find((strategy) => strategy === name);
  if (found !== undefined) return found;
  const meant = nearest(name, strategyNames);
  throw new Unreadable(
    meant === null
      ? `no strategy ${word}; there are ${strategyNames.join(' and ')}`
      : `no strategy ${word}: did you mean ${meant}?`,
  );
}

function readRegions(word: string | undefined): string[] | null {
  if (word === undefined) return null;
  const names = [...new Set(word.split(',').map((name) => name.trim().toLowerCase()))].filter((name) => name !== '');
  if (names.length === 0) throw new Unreadable('--regions needs names, for example --regions us-east,eu-west');
  return names;
}

function readLimit(word: string | undefined): number | null {
  if (word === undefined) return null;
  const count = Number(word);
  if (!/^\d{1,4}$/.test(word) || count < 1) throw new Unreadable(`--nodes ${word}: a number from 1 is expected`);
  return count;
}

function readWhen({ values }: Flags): When {
  const [at, reason, incident] = [values.get('at'), values.get('reason'), values.get('incident')];
  if (values.has('now')) {
    if (at !== undefined || values.has('next'))
      throw new Unreadable(`--now and ${at === undefined ? '--next' : '--at'} exclude each other`);
    if (reason === undefined) throw new Unreadable('--now overrides the maintenance windows and needs --reason "…"');
    return { is: 'now', reason: redact(reason), ...(incident === undefined ? {} : { incident: readLink(incident) }) };
  }
  if (reason !== undefined) throw new Unreadable('--reason belongs to --now');
  if (incident !== undefined) throw new Unreadable('--incident belongs to --now');
  return at === undefined && !values.has('next') ? { is: 'windows' } : readLater({ values, rest: [] });
}

/** Where people find what happened. */
function readLink(word: string): string {
  const link = URL.canParse(word) ? new URL(word) : null;
  if (link === null || !/^https?:$/.test(link.protocol) || link.username !== '' || link.password !== '')
    throw new Unreadable(
      '--incident needs the address of the incident, for example https://status.example.com/incidents/42',
    );
  if (link.href.length > longestLink) throw new Unreadable(`--incident is longer than ${longestLink} characters`);
  // With a part of it hidden it would lead nowhere.
  if (redact(link.href) !== link.href)
    throw new Unreadable(
      '--incident looks as if it held a secret: give an address without a long key, such as that of a ticket or of a message',
    );
  return link.href;
}

function readLater({ values, rest }: Flags): Later {
  const at = values.get('at');
  if (rest.length > 0) throw new Unreadable(`only --at TIME or --next is expected: ${rest.join(' ')} is too much`);
  if (at !== undefined && values.has('next')) throw new Unreadable('--at and --next exclude each other');
  if (at !== undefined) return { is: 'at', text: at };
  if (values.has('next')) return { is: 'next' };
  throw new Unreadable('to when? --at TIME, or --next for the next window');
}

const longestLink = 300;

/** Every look at a region carries the reasons along; it is stored and posted, so what looks like a secret never is. */
const longestReason = 200;

function readFreeze(input: string[]): Command {
  const { rest, values } = readFlags(input, freezeFlags);
  const [what, ...extra] = rest;
  if (what === undefined) throw new Unreadable('freeze what? A region, or all');
  if (extra.length > 0) throw new Unreadable(`a region or all is expected, then flags: ${extra.join(' ')} is too much`);
  const until = values.get('until');
  if (until === undefined) throw new Unreadable('a freeze needs an end: --until 06:00 or --until 2026-12-01 06:00');
  const reason = values.get('reason');
  if (reason === undefined) throw new Unreadable('whoever is held up wants to know why: --reason "…"');
  if (reason.length > longestReason) {
    throw new Unreadable(`--reason has ${reason.length} characters, at most ${longestReason} are kept`);
  }
  const from = values.get('from') ?? null;
  return { verb: 'freeze', regions: readWhere(what), from, until, reason: redact(reason) };
}

function readApprove(input: string[]): Command {
  const { what, values } = regionFirst(input, approveFlags);
  const comment = values.get('comment');
  return { verb: 'approve', what, ...(comment === undefined ? {} : { comment: kept('comment', comment) }) };
}

function readDecline(input: string[]): Command {
  const { what, values } = regionFirst(input, declineFlags);
  const reason = values.get('reason');
  if (reason === undefined) throw new Unreadable('whoever asked for it wants to know why: --reason "…"');
  return { verb: 'decline', what, reason: kept('reason', reason) };
}

/** What follows a flag belongs to it, so the region comes first; a worker that reads what was signed looks for it there. */
function regionFirst(input: string[], shape: FlagShape): { what: string; values: Flags['values'] } {
  const { rest, values } = readFlags(input, shape);
  const [what, ...extra] = rest;
  if (what === undefined) throw new Unreadable('the region is missing: it comes first, then what you say about it');
  if (extra.length > 0) throw new Unreadable(`one name is expected, then flags: ${extra.join(' ')} is too much`);
  return { what, values };
}

/** What is signed is stored as it was typed, so here nothing is hidden: what looks like a secret is not taken at all. */
function kept(flag: string, text: string): string {
  if (text.length > longestReason)
    throw new Unreadable(`--${flag} has ${text.length} characters, at most ${longestReason} are kept`);
  if (redact(text) !== text) throw new Unreadable(`--${flag} looks as if it held a secret: say it without`);
  return text;
}

function readWhere(word: string): string[] | null {
  const names = word.split(',').map((name) => name.trim().toLowerCase());
  const written = [...new Set(names)].filter((name) => name !== '');
  if (written.length === 0) throw new Unreadable('freeze what? A region, or all');
  return written.includes('all') ? null : written;
}

function readRollback(input: string[]): Command {
  const { rest, values } = readFlags(input, rollbackFlags);
  const [target, ...extra] = rest;
  if (extra.length > 0) throw new Unreadable(`one name is expected: ${extra.join(' ')} is too much`);
  return { verb: 'rollback', target: target ?? null, dryRun: values.has('dry-run') };
}

function readRecover(input: string[]): Command {
  const { rest, values } = readFlags(input, recoverFlags);
  return {
    verb: 'recover',
    node: object(rest, 'the node'),
    from: values.get('from') ?? null,
    dryRun: values.has('dry-run'),
  };
}

function readDrift(input: string[]): Command {
  const { rest, values } = readFlags(input, driftFlags);
  const [word, node, ...extra] = rest;
  const reason = values.get('reason');
  if (extra.length > 0) throw new Unreadable(`one node is expected: ${extra.join(' ')} is too much`);
  return { verb: 'drift', act: driftAct(word?.toLowerCase(), node, reason) };
}

function driftAct(word: string | undefined, node: string | undefined, reason: string | undefined): DriftAct {
  if (word !== 'adopt' && reason !== undefined) throw new Unreadable('--reason belongs to drift adopt NODE');
  if (word === undefined) return { is: 'look' };
  if (word !== 'adopt' && word !== 'snooze')
    throw new Unreadable(`${word} is not known here: drift alone looks, drift adopt NODE and drift snooze NODE decide`);
  if (node === undefined) throw new Unreadable(`which node? drift ${word} NODE`);
  if (word === 'snooze') return { is: 'snooze', node };
  if (reason === undefined) throw new Unreadable('whoever finds that later wants to know why: --reason "…"');
  return { is: 'adopt', node, reason: kept('reason', reason) };
}

function readBuild(input: string[]): Command {
  const word = optional(input);
  if (word === null) return { verb: 'build', act: { is: 'look' } };
  if (word.toLowerCase() === 'stop') return { verb: 'build', act: { is: 'stop' } };
  return { verb: 'build', act: { is: 'start', version: readVersion(word) } };
}

function readMigrate(input: string[]): Command {
  const flags = readFlags(input, migrateFlags);
  const [word = 'status', version, ...extra] = flags.rest;
  const is = word.toLowerCase();
  if (extra.length > 0) throw new Unreadable(`one version is expected: ${extra.join(' ')} is too much`);
  if (is === 'status')
    return { verb: 'migrate', act: { is, version: version === undefined ? null : readVersion(version) } };
  if (is !== 'before' && is !== 'after')
    throw new Unreadable(`${word} is not known here: migrate status, migrate before VERSION, or migrate after VERSION`);
  if (version === undefined) throw new Unreadable(`which version? migrate ${is} VERSION`);
  const [attest, dryRun] = [flags.values.has('attest'), flags.values.has('dry-run')];
  return { verb: 'migrate', act: { is, version: readVersion(version), attest, dryRun } };
}

function readRestart(input: string[]): Command {
  const flags = readFlags(input, restartFlags);
  const [name] = flags.rest;
  if (name !== undefined)
    throw new Unreadable(`${name} is too much: a restart goes through all regions, or those of --regions a,b`);
  return {
    verb: 'restart',
    ...readService(flags),
    strategy: readStrategy(flags.values.get('strategy')),
    regions: readRegions(flags.values.get('regions')),
    limit: readLimit(flags.values.get('nodes')),
    when: readWhen(flags),
    dryRun: flags.values.has('dry-run'),
  };
}

/** Which of several. */
function readService({ values }: Flags): { service?: string } {
  const service = values.get('service');
  return service === undefined ? {} : { service: service.toLowerCase() };
}

const configActs = ['set', 'unset', 'rename', 'ensure'] as const;

/** What may be a secret is in no message: names of keys alone. */
function readConfig(input: string[]): Command {
  const flags = readFlags(input, configFlags);
  const [word = '', ...rest] = flags.rest;
  const act = configActs.find((each) => each === word.toLowerCase());
  if (act === undefined)
    throw new Unreadable('what is to be done? config set K=V, unset K, rename OLD NEW, or ensure K=V');
  const expect = flags.values.get('expect');
  return {
    verb: 'config',
    ...readService(flags),
    wanted: {
      ...wantsNothing,
      ...readAct(act, rest),
      ...(expect === undefined ? {} : { expect: pairs('--expect', expect.split(/\s+/)) }),
    },
    strategy: readStrategy(flags.values.get('strategy')),
    regions: readRegions(flags.values.get('regions')),
    limit: readLimit(flags.values.get('nodes')),
    when: readWhen(flags),
    dryRun: flags.values.has('dry-run'),
  };
}

function readAct(act: (typeof configActs)[number], words: string[]): Partial<Wanted> {
  if (words.length === 0) throw new Unreadable(`${act} what?`);
  if (act === 'set' || act === 'ensure') return { [act]: pairs(act, words) };
  if (act === 'unset') {
    if (words.some((each) => !isName(each))) throw new Unreadable('unset takes names of keys alone');
    return { unset: [...new Set(words)] };
  }
  const [from = '', to = ''] = words;
  if (words.length !== 2 || !isName(from) || !isName(to))
    throw new Unreadable('rename takes the old name of a key and the new one');
  return { rename: { [from]: to } };
}

/** `@FILE` stands for a file that each worker has. */
function pairs(where: string, words: string[]): Record<string, Value> {
  const found = new Map<string, Value>();
  for (const each of words) {
    const [, key = '', value = ''] = /^([A-Za-z_][A-Za-z0-9_]{0,99})=([\s\S]*)$/.exec(each) ?? [];
    if (key === '')
      throw new Unreadable(`${where} takes K=V, with quotes around all of it where a blank is in the value`);
    if (found.has(key)) throw new Unreadable(`${where}: ${key} is given twice`);
    found.set(key, value.startsWith('@') ? { file: value.slice(1) } : value);
  }
  return Object.fromEntries(found);
}

function readAdopt(input: string[]): Command {
  const { rest, values } = readFlags(input, adoptFlags);
  const what = object(rest, 'the id of the rollout, or ledger,');
  const without = values.get('without');
  if (without === undefined) return { verb: 'adopt', what };
  if (what !== 'ledger')
    throw new Unreadable('--without leaves nodes aside of the ledger: adopt ledger --without NODE');
  const names = [...new Set(without.split(',').map((name) => name.trim()))].filter((name) => name !== '');
  if (names.length === 0) throw new Unreadable('--without needs names of nodes, for example --without eu-west-op-2');
  return { verb: 'adopt', what, without: names.sort() };
}

function readHelp(input: string[]): Command {
  const about = optional(input)?.toLowerCase() ?? null;
  if (about !== null && !isVerb(about)) throw new Unreadable(unknownVerb(about));
  return { verb: 'help', about };
}

function alone(input: string[], command: Command): Command {
  const { rest } = readFlags(input, {});
  if (rest.length > 0) throw new Unreadable(`nothing is expected after ${command.verb}: ${rest.join(' ')} is too much`);
  return command;
}

function nodeAndMark(input: string[]): { node: string; mark: string } {
  const { rest } = readFlags(input, {});
  const [node, mark = '', ...extra] = rest;
  if (node === undefined) throw new Unreadable('the node is missing');
  if (extra.length > 0) throw new Unreadable(`a node and a hash are expected: ${extra.join(' ')} is too much`);
  if (!/^[0-9a-f]{12,64}$/i.test(mark)) {
    throw new Unreadable('the hash is missing: the message that shows the change has the command with it');
  }
  return { node, mark: mark.toLowerCase() };
}

function optional(input: string[]): string | null {
  const { rest } = readFlags(input, {});
  const [first, second] = rest;
  if (second !== undefined) throw new Unreadable(`one name is expected: ${rest.slice(1).join(' ')} is too much`);
  return first ?? null;
}

function object(input: string[], what: string): string {
  const found = optional(input);
  if (found === null) throw new Unreadable(`${what} is missing`);
  return found;
}
