import type { Clock } from '../base/clock.ts';
import type { Database } from '../migrating/index.ts';
import type { Actions } from '../upgrade/actions/types.ts';
import type { AskChecks } from '../upgrade/checks/types.ts';
import type { Resolve } from '../upgrade/environment/index.ts';
import type { Alerting, Probe } from '../upgrade/http/types.ts';
import type { StillProven } from '../upgrade/proof/types.ts';
import type { Fleet, Release } from '../upgrade/rollout/types.ts';
import type { Shell } from '../upgrade/ssh/types.ts';
import type { Balancing } from '../upgrade/steps/balance.ts';
import type { TidyNode } from '../upgrade/steps/tidy.ts';
import type { Steps } from '../upgrade/steps/types.ts';
import type { Freeze } from '../windows/types.ts';
import type { NodeReader, SeeWayBack } from './ask.ts';
import type { BuilderParts } from './builder.ts';
import type { AskComparison, Comparing } from './comparing.ts';
import type { AskCompatible } from './compatible.ts';
import type { AskElsewhere } from './elsewhere.ts';
import type { AskHalt } from './halt.ts';
import type { PulseRate } from './living.ts';
import type { Log } from './log.ts';
import type { WorkMeter } from './meter.ts';
import type { Retention } from './prune.ts';
import type { RedisHandle } from './redis.ts';
import type { Belief } from './store.ts';
import type { Vouched, VouchedAction } from './vouched.ts';

/** Local path of a release's archive with its hash verified. */
export type Archives = (release: Release, signal: AbortSignal) => Promise<string>;

/** What work on nodes needs. */
export interface WorkOnNodes {
  steps: Steps;
  /** What the database's host tells; absent: the settings name none. */
  database?: Pick<Database, 'schema' | 'resolve' | 'backedUpAt' | 'status'>;
  /** Work of a region or of the fleet; absent: this worker does none. */
  actions?: Actions;
  shell: Shell;
  probe: Probe;
  alerting: Alerting;
  elsewhere: AskElsewhere;
  compatible: AskCompatible;
  /** Asked right before everything that changes a node: needs neither Redis nor Slack. */
  halt: AskHalt;
  archives: Archives;
  /** Why a release is not accepted any more that was staged already; null while it is. */
  withdrawn: (release: Release) => string | null;
  stillProven: StillProven;
  wayBack: SeeWayBack;
  /** What the settings ask of every node besides; absent where they ask nothing. */
  checks?: AskChecks;
  /** Finds the values of a change of configuration that nobody typed; absent: no environment file is changed. */
  resolve?: Resolve;
  /** What upgraded nodes are, held against the others; absent where nothing is compared. */
  compared?: AskComparison;
  /** What gives the nodes of a region their clients; absent, null: nobody that could be told anything. */
  balancing?: (region: string, shell: Pick<Shell, 'run'>) => Balancing | null;
  /** Freezes of a region as the settings have them; those of the ledger are asked for besides. */
  freezes: (region: string) => Freeze[];
  /** Asked before anything of a node's turn; absent where approvals are given by button. */
  vouched?: Vouched;
  /** The same for an action. */
  vouchedAction?: VouchedAction;
  /** Who counts; absent: nobody. */
  meter?: WorkMeter;
  clock: Clock;
  log: Log;
}

/** What a worker is made of. */
export interface WorkerParts extends NodeReader, WorkOnNodes {
  redis: RedisHandle;
  belief: Belief;
  /** Its name keeps it apart from other fleets on the same Redis; no other node is looked at. */
  fleet: Pick<Fleet, 'name' | 'regions' | 'service' | 'services' | 'policy' | 'drift' | 'aftercare'>;
  /** Works on the nodes of these regions. */
  regions: readonly string[];
  /** What becomes of rollouts of long ago. */
  retention: Retention;
  /** Cron expression with seconds; every ten seconds when absent. */
  sweep?: string;
  /** How long `close` waits for steps under way, in ms; then they are left to the next worker. */
  grace?: number;
  /** Removes backups of long ago; absent: they stay. */
  tidyNode?: TidyNode;
  /** How and where releases are built; absent: they are not. */
  build?: Pick<BuilderParts, 'place' | 'shelf' | 'every'>;
  /** What is measured on every node, so that upgraded ones can be held against others; absent: nothing is. */
  compare?: Comparing;
  /** How it says that it lives; every 5 s for 20 s when absent. */
  pulse?: PulseRate;
}
