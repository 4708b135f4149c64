import type { Wanted } from '../upgrade/environment/index.ts';
import { type RollbackScope, type StrategyName, strategyNames } from '../upgrade/rollout/types.ts';

export type MigrateAct =
  | { is: 'status'; version: string | null }
  | { is: 'before' | 'after'; version: string; attest: boolean; dryRun: boolean };

/** When the first node may be begun. */
export type When = { is: 'windows' } | { is: 'now'; reason: string; incident?: string } | Later;

/** A start that is waited for. */
export type Later =
  /** As the person wrote it; the command reads it in a region's zone. */
  | { is: 'at'; text: string }
  /** The next opening of the first region's windows. */
  | { is: 'next' };

/** What a person asked for, parsed. One variant per verb. */
export type Command =
  | {
      verb: 'upgrade';
      version: string;
      /** Of a fleet of several: which of them, each by its name, null for the first. `version` is the first one here. Absent: a version alone. */
      services?: { service: string | null; version: string }[];
      strategy: StrategyName | null;
      regions: string[] | null;
      limit: number | null;
      when: When;
      /** The way back is rehearsed, whatever the settings say. */
      rehearse?: true;
      /** SHA-256 that its archive must have; absent: whatever is found under that version. */
      archive?: string;
      dryRun: boolean;
    }
  /** The same, with a start that is waited for. */
  | { verb: 'schedule'; upgrade: Extract<Command, { verb: 'upgrade' }> }
  /** Moves the start of what has not begun. */
  | { verb: 'reschedule'; when: Later }
  /** Confirms a plan that was shown; `plan` names it together with the fleet it was made for. */
  | { verb: 'start'; plan: string }
  /** null: what is scheduled and has not begun. */
  | { verb: 'cancel'; plan: string | null }
  | { verb: 'status' }
  | { verb: 'why'; node: string | null }
  /** A region, the name of a part, or the id of an approval. */
  | { verb: 'approve'; what: string; comment?: string }
  /** The same. null: a button says no reason. */
  | { verb: 'decline'; what: string; reason: string | null }
  | { verb: 'pause' }
  | { verb: 'resume' }
  | { verb: 'stop' }
  /** What waits, by its key as a button has it; null: all that waits now. */
  | { verb: 'mine'; wait: string | null }
  /** null: the newest that is over. */
  | { verb: 'own'; rollout: string | null }
  | { verb: 'checklist' }
  /** The number that it has for people, or its key as a button has it. */
  | { verb: 'tick'; item: string }
  | { verb: 'untick'; item: string }
  | { verb: 'retry' }
  /** Somebody's work on a node: put aside and replaced, or left where it is. `mark` begins its SHA-256, as it was shown. */
  | { verb: 'replace'; node: string; mark: string }
  | { verb: 'keep'; node: string; mark: string }
  /** `null`: nothing was named; the answer lists the choices. A bare name is a node or a region. */
  | { verb: 'rollback'; target: string | null; dryRun: boolean }
  /** Gives a broken node back what was proven on it. `from`: the peer whose binary it gets; null: as the plan finds. */
  | { verb: 'recover'; node: string; from: string | null; dryRun: boolean }
  /** The schema of the database: what it is, or a plan of the migration before or after a version's nodes. */
  | { verb: 'migrate'; act: MigrateAct }
  /** What is not as recorded, and what becomes of it. */
  | { verb: 'drift'; act: DriftAct }
  /** Makes a release out of a tag. */
  | { verb: 'build'; act: BuildAct }
  /** Restarts what runs, node by node, with the guard of an upgrade. */
  | {
      verb: 'restart';
      /** Which of several. */
      service?: string;
      strategy: StrategyName | null;
      regions: string[] | null;
      limit: number | null;
      when: When;
      dryRun: boolean;
    }
  /** Changes the environment file of every node by key, with the guard of an upgrade. */
  | {
      verb: 'config';
      service?: string;
      wanted: Wanted;
      strategy: StrategyName | null;
      regions: string[] | null;
      limit: number | null;
      when: When;
      dryRun: boolean;
    }
  /** A rollout's id, or `ledger`. */
  /** `without`: of the ledger, nodes that are left aside. */
  | { verb: 'adopt'; what: string; without?: string[] }
  | { verb: 'windows' }
  /** `null`: the whole fleet. Times as the person wrote them; the command reads them in a region's zone. */
  | { verb: 'freeze'; regions: string[] | null; from: string | null; until: string; reason: string }
  /** The id of a freeze, a region, or `all`. */
  | { verb: 'unfreeze'; what: string }
  | { verb: 'history' }
  /** null: the open one, else the newest. The rest is for a shell: what is printed, where files go, and which export is read instead of Redis. */
  | { verb: 'report'; rollout: string | null; print: ReportFile | null; out: string | null; from: string | null }
  /** The name of a node or a region; null: all. */
  | { verb: 'verify'; where: string | null }
  | { verb: 'help'; about: Verb | null }
  | { verb: 'whoami' }
  /** `bundle`: on a shell, the file that all that was captured is written to; `-` is the terminal. */
  | { verb: 'diagnose'; node: string; bundle?: string }
  /** Nothing was written: status while something runs, else help. */
  | { verb: 'bare' };

export type BuildAct =
  /** How the last one goes, or went. */
  { is: 'look' } | { is: 'start'; version: string } | { is: 'stop' };

export type DriftAct =
  | { is: 'look' }
  /** What is found there is the record from now on. null: a button gives no reason, so it tells how that is said. */
  | { is: 'adopt'; node: string; reason: string | null }
  /** Nobody is told of it for a while, as long as it stays exactly so. */
  | { is: 'snooze'; node: string };
/** What a report can be printed as. */
export type ReportFile = 'md' | 'svg';

export type Verb = Exclude<Command['verb'], 'bare'> | 'switch-back';

/** How a scope is written after `rollback`. */
export function scopeWord(scope: RollbackScope): string {
  if (scope.is === 'region') return scope.region;
  return scope.is === 'node' ? scope.node : 'all';
}

export interface Manual {
  usage: string;
  what: string;
  example: string;
}

/** In the order in which help lists them. */
export const manual: Record<Verb, Manual> = {
  upgrade: {
    usage: `upgrade VERSION [SERVICE=VERSION …] [--strategy ${strategyNames.join('|')}] [--regions a,b] [--nodes N] [--at TIME | --next | --now --reason "…" --incident LINK] [--rehearse] [--dry-run]`,
    what: 'shows a plan; nothing starts before you confirm it',
    example: 'upgrade v2.0.0 --strategy regions',
  },
  schedule: {
    usage: 'schedule VERSION --at TIME|--next [flags of upgrade]',
    what: 'the same for later: shows a plan that begins at that time, or when the next window opens',
    example: 'schedule v2.0.0 --next',
  },
  reschedule: {
    usage: 'reschedule --at TIME|--next',
    what: 'moves the start of what has not begun; the channel is told',
    example: 'reschedule --next',
  },
  build: {
    usage: 'build [VERSION | stop]',
    what: 'makes a signed release out of the tag of that name; alone it tells how the last one went, stop ends the one under way',
    example: 'build v2.0.0',
  },
  migrate: {
    usage: 'migrate status [VERSION] | before VERSION | after VERSION [--attest] [--dry-run]',
    what: 'tells the schema of the database, or shows a plan of the migration that comes before or after a version; nothing starts before you confirm it',
    example: 'migrate before v2.0.0',
  },
  status: { usage: 'status', what: 'what runs now, or what every node runs', example: 'status' },
  why: { usage: 'why [NODE]', what: 'everything that holds the next node, and who can open it', example: 'why' },
  approve: {
    usage: 'approve REGION [--comment "…"]',
    what: 'lets a region begin',
    example: 'approve eu-west --comment "dashboards are quiet"',
  },
  decline: {
    usage: 'decline REGION --reason "…"',
    what: 'says no to a region that is asked for: nothing begins there until one of its approvers says yes',
    example: 'decline eu-west --reason "error rate is up"',
  },
  pause: { usage: 'pause', what: 'begins no further node; the one under way is finished', example: 'pause' },
  resume: { usage: 'resume', what: 'goes on after a pause', example: 'resume' },
  stop: { usage: 'stop', what: 'ends the rollout where it is; nodes that are done stay done', example: 'stop' },
  mine: {
    usage: 'mine',
    what: 'says that you have it: nobody is reminded any more of what waits now; nothing moves by that',
    example: 'mine',
  },
  checklist: {
    usage: 'checklist',
    what: 'what is to be ticked before, between and after, with who or what ticked it',
    example: 'checklist',
  },
  tick: { usage: 'tick N', what: 'ticks an item of the checklist, in your name', example: 'tick 1' },
  untick: { usage: 'untick N', what: 'takes such a tick back', example: 'untick 1' },
  own: {
    usage: 'own [ROLLOUT]',
    what: 'says that you write down what went wrong in a rollout that is over; you are reminded on the next working day',
    example: 'own r-1a2b3c4d',
  },
  retry: { usage: 'retry', what: 'tries again after a failure', example: 'retry' },
  replace: {
    usage: 'replace NODE HASH',
    what: "puts somebody's work on a node aside and goes on over it; the message that shows it has the hash",
    example: 'replace us-east-op-2 3f9a0c1b2d4e',
  },
  keep: {
    usage: 'keep NODE HASH',
    what: 'leaves an environment file that somebody changed as it is, and goes on',
    example: 'keep us-east-op-2 3f9a0c1b2d4e',
  },
  rollback: {
    usage: 'rollback [NODE|REGION|all] [--dry-run]',
    what: 'brings nodes back to what they were before, newest first; a dry run shows what that would do, node by node',
    example: 'rollback us-east',
  },
  'switch-back': {
    usage: 'switch-back REGION',
    what: 'gives the traffic of a region back to what has stayed ready since the switch of its balancer, and removes what ran beside: its rollback',
    example: 'switch-back us-east',
  },
  recover: {
    usage: 'recover NODE [--from PEER] [--dry-run]',
    what: 'shows a plan that gives a broken node back what was proven on it last, its own environment file kept; nothing starts before you confirm it',
    example: 'recover eu-west-op-2',
  },
  drift: {
    usage: 'drift [adopt NODE --reason "…" | snooze NODE]',
    what: 'compares every node with what was proven on it last; adopt takes what is found there for its record, snooze tells nobody for a while',
    example: 'drift',
  },
  restart: {
    usage: `restart [--service NAME] [--strategy ${strategyNames.join('|')}] [--regions a,b] [--nodes N] [--at TIME | --next | --now --reason "…" --incident LINK] [--dry-run]`,
    what: 'shows a plan that restarts every node on what it runs, guarded as an upgrade is; nothing starts before you confirm it',
    example: 'restart --regions us-east',
  },
  config: {
    usage: `config set K=V … | unset K … | rename OLD NEW | ensure K=V … [--expect K=V] [--service NAME] [--strategy ${strategyNames.join('|')}] [--regions a,b] [--nodes N] [--at TIME | --next | --now --reason "…" --incident LINK] [--dry-run]`,
    what: 'shows what a change of the environment file comes to on every node, and the plan to make it with one restart each; nothing starts before you confirm it',
    example: 'config set MAX_CONNECTIONS=200 --expect MAX_CONNECTIONS=100',
  },
  adopt: {
    usage: 'adopt ROLLOUT|ledger [--without NODES]',
    what: 'takes what is stored for true, after an alarm or an update, when you know what the nodes run',
    example: 'adopt r-1a2b3c4d',
  },
  verify: {
    usage: 'verify [NODE|REGION]',
    what: 'looks at the nodes: version, health, unit, running image, and what the settings ask of each',
    example: 'verify us-east',
  },
  diagnose: {
    usage: 'diagnose NODE [--bundle [FILE]]',
    what: 'looks for the cause on one node; --bundle on a shell shows all that was captured',
    example: 'diagnose us-east-op-1',
  },
  windows: { usage: 'windows', what: 'when each region may be worked on', example: 'windows' },
  freeze: {
    usage: 'freeze REGION|all --until TIME --reason "…" [--from TIME]',
    what: 'begins nothing there until then, windows or not; a node that was stopped already is finished',
    example: 'freeze us-east --until 2026-12-01 06:00 --reason "audit"',
  },
  unfreeze: {
    usage: 'unfreeze ID|REGION|all',
    what: 'lifts what was declared with freeze; windows lists it with its id',
    example: 'unfreeze us-east',
  },
  history: { usage: 'history', what: 'the last ten rollouts', example: 'history' },
  report: {
    usage: 'report [ROLLOUT] [--md|--svg] [--out DIR] [--from FILE]',
    what: 'who asked and who decided, hashes before and after, durations, verdicts; a shell writes it into files',
    example: 'report r-1a2b3c4d',
  },
  start: { usage: 'start PLAN', what: 'starts a plan that was shown', example: 'start 01JD…' },
  cancel: {
    usage: 'cancel [PLAN]',
    what: 'ends what is scheduled and has not begun, or throws a plan away that was shown',
    example: 'cancel',
  },
  whoami: { usage: 'whoami', what: 'who you are here and what you may do', example: 'whoami' },
  help: { usage: 'help [VERB]', what: 'this list, or one verb with an example', example: 'help upgrade' },
};

export const verbs: readonly string[] = Object.keys(manual);

export function isVerb(word: string): word is Verb {
  return Object.hasOwn(manual, word);
}
