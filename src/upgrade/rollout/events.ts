export { Refused } from '../../base/errors.ts';

import type { Comparison } from '../comparison/types.ts';
import type { CheckTallies } from './checklists.ts';
import type {
  ActionName,
  ActionReport,
  Actor,
  Decided,
  Gate,
  Lasting,
  NodeSurvey,
  Report,
  Seen,
  StepName,
} from './facts.ts';
import type { Fleet, Release } from './fleet.ts';
import type { Pace } from './pace.ts';
import type { Change, Override, OwnSignature, Rate, RollbackScope, Told, Unwell } from './rollout.ts';
import type { StrategyName } from './strategies.ts';

/** Something that happened. `at` is epoch ms. `next` is total: repeats and late ones change nothing. */
export type Event =
  /** `silent`: regions that no living worker serves, as far as is known. */
  | { type: 'ticked'; at: number; silent?: string[] }
  /** Written before the first effect of a step. */
  | { type: 'begun'; at: number; run: number; node: string; step: StepName; attempt: number }
  | { type: 'reported'; at: number; run: number; node: string; step: StepName; attempt: number; report: Report }
  /** A gate was closed right before the stop. `unchanged`: seen under the node's lock that no try changed anything. */
  | {
      type: 'gated';
      at: number;
      run: number;
      node: string;
      step: StepName;
      attempt: number;
      gates: Gate[];
      unchanged: boolean;
    }
  /** The same three of an action; `phase`: id of its phase. */
  | { type: 'action-begun'; at: number; run: number; phase: string; action: ActionName; attempt: number }
  | {
      type: 'action-reported';
      at: number;
      run: number;
      phase: string;
      action: ActionName;
      attempt: number;
      report: ActionReport;
    }
  | {
      type: 'action-gated';
      at: number;
      run: number;
      phase: string;
      action: ActionName;
      attempt: number;
      gates: Gate[];
      unchanged: boolean;
    }
  /** A look at all nodes of a region, and what it found out besides; `attempt` is its serial number. */
  | ({
      type: 'watched';
      at: number;
      run: number;
      region: string;
      attempt: number;
      seen: Record<string, Seen>;
      /** What the checks of a checklist came to there; absent where nobody was asked. */
      tallies?: CheckTallies;
      /** What its upgraded nodes are, held against those that are not yet. Absent where that was not to be told by this look. */
      compared?: Comparison[];
    } & Lasting)
  /** A look at what a done upgrade left in a region, and what of it was not well; `attempt` is its serial number. */
  | {
      type: 'looked-after';
      at: number;
      run: number;
      region: string;
      attempt: number;
      unwell: Unwell[];
      /** By check: the highest rate of a node. Absent where none was counted. */
      rates?: Record<string, Rate>;
    }
  /** Another rollout began, so that nothing is looked at for this one any more. */
  | { type: 'superseded'; at: number; rollout: string }
  /**
   * `phase`: id of the approval. `for`: where it opens several regions, those whose approver this person is. `on`: what was
   * known of every node when they said it (`observed`). `signed`: by their own key.
   */
  | {
      type: 'approved';
      at: number;
      phase: string;
      by: Actor;
      for?: string[];
      comment?: string;
      on?: Record<string, string>;
      signed?: OwnSignature;
    }
  /** A no to an approval that is asked for. */
  | { type: 'declined'; at: number; phase: string; by: Actor; reason: string | null; signed?: OwnSignature }
  | { type: 'paused'; at: number; by: Actor }
  | { type: 'resumed'; at: number; by: Actor }
  | { type: 'stopped'; at: number; by: Actor }
  /** Somebody has seen it and acts: nothing moves by that. `waits`: what they saw wait, by `waitKey`; what came since calls anew. */
  | { type: 'taken-on'; at: number; by: Actor; waits: string[] }
  /** Somebody writes down what is to be learned from it, once it is over and something went wrong: nothing moves by that. */
  | { type: 'owned'; at: number; by: Actor }
  /** An item of a checklist, by its key; by a person. */
  | { type: 'item-ticked'; at: number; by: Actor; item: string }
  | { type: 'item-unticked'; at: number; by: Actor; item: string }
  | { type: 'retried'; at: number; by: Actor; epoch: number }
  /** What is to become of somebody's work on a node; `sha256` is that of the work which was shown; `with`: the first of two. */
  | {
      type: 'decided';
      at: number;
      by: Actor;
      with?: Actor;
      node: string;
      sha256: string;
      as: Decided['as'];
      epoch: number;
    }
  | { type: 'rollback-asked'; at: number; by: Actor; scope: RollbackScope; epoch: number }
  /** The start is moved; `startAt` as in `Rollout`. `from`: that of whoever decided it; what moved meanwhile is decided anew. */
  | { type: 'rescheduled'; at: number; by: Actor; startAt: number; from?: number | null }
  /** It was delivered, at that moment. */
  | ({ type: 'announced' } & Told);

/** What was asked, with everything that the decision needs. */
export interface PlanInput {
  id: string;
  fleet: Fleet;
  release: Release;
  strategy: StrategyName;
  requester: Actor;
  now: number;
  epoch: number;
  startAt: number | null;
  override: Omit<Override, 'until'> | null;
  /** Only these regions; null: all. */
  regions: string[] | null;
  /** At most this many nodes, in order of work; null: all. */
  limit: number | null;
  survey: NodeSurvey[];
  /** Who began this release before without an approval, as the ledger has it. */
  begun: { by: Actor; at: number; rollout: string } | null;
  /** How long things take, as the ledger has it. */
  pace: Pace;
  /** The way back is rehearsed, whatever the settings say. */
  rehearse?: true;
  /** What is done instead of bringing another release; `release` is what runs already then. */
  change?: Change;
  /** In a fleet of several services, those that are worked on, in order of work; `release` and `begun` are those of the first. */
  services?: { key: string; release: Release; begun: PlanInput['begun'] }[];
}
