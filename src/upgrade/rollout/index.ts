export { actionEvidence, actionGates } from './action-gates.ts';
export { fenceOf, needsDecisionOn, unbegunAction } from './actions.ts';
export {
  isGoodAfterwards,
  isWatchedAfterwards,
  ratesAfterwards,
  silentAfterwards,
  unwellIn,
  wellFor,
  worseWords,
} from './afterwards.ts';
export { laterStart } from './ahead.ts';
export { declineOf, openedBy, stillAsked, withApproversOf } from './approvers.ts';
export { asksFrom } from './asking.ts';
export {
  asksWayBack,
  type BackLack,
  type BackPlan,
  backPlan,
  backQuestion,
  backQuestions,
  type Readiness,
  readiness,
} from './back.ts';
export { balancedBy, balancersDone, balancerTurns, isBalancer, isLeftSwitched } from './balancing.ts';
export { betterStart, type Straddled, straddled } from './better-start.ts';
export { calendarNow } from './calendars.ts';
export { askedForLists, checkOf, entriesOf, healthy, isTickable, regionsIn, tickOf } from './checklists.ts';
export { asksComparison, comparisonsIn, familiesOf, groupsOf } from './compared.ts';
export { agentBeside, agentOf, compatibilityOf, firstBeside, Incompatible, seenNoWayBack } from './compatible.ts';
export { lacksRehearsal } from './compile.ts';
export { configurationOf, crossed, fileOf, goingWith, keysInWords } from './configuration.ts';
export { lackOfSpace } from './disk-space.ts';
export { expectedAge } from './expected.ts';
export { troublesIn } from './fitness.ts';
export { followUpAt, nextAsk } from './follow-up.ts';
export { followsOn } from './follows.ts';
export { type Forecast, forecast, type RegionForecast } from './forecast.ts';
export { finishedNodes } from './freshness.ts';
export { askedByLooks, evidenceFor, gates, whyWaiting } from './gates.ts';
export { format, lift } from './lift.ts';
export { longWatch } from './long-watch.ts';
export { asksChecks, knowing, wasIllBefore } from './looks.ts';
export { type DatabaseSeen, type MigrationInput, planMigration } from './migration.ts';
export { neglected } from './neglected.ts';
export { next, summary } from './next.ts';
export { channel, type DueNotice, dueNotices, noticeExpected, noticeOver, toldSince } from './notice.ts';
export { type Observed, observed } from './observed.ts';
export { onlyBack } from './only-back.ts';
export { type Order, type OrderClass, orderClasses, ordersAfter, orderText } from './orders.ts';
export { backMs, forwardMs, stepMs } from './pace.ts';
export { canaryOf, isBegunFreely, isMajorChange } from './persons.ts';
export {
  actionOf,
  actions,
  approvals,
  asked,
  currentPhase,
  endOf,
  healthyFor,
  isStaging,
  isTurn,
  pathOf,
  phaseOf,
  saidAt,
  sinceOf,
  takesNodes,
  turnOf,
  turns,
  watchBefore,
  watchEnd,
  watching,
} from './phases.ts';
export { mostAtOnce, nextNode } from './places.ts';
export { plan, sides, troublesOf } from './plan.ts';
export { postMortemAt, wentWrong } from './post-mortem.ts';
export {
  actionInTurn,
  goesForward,
  inScope,
  isAction,
  isCanary,
  isLook,
  isOfNode,
  isOpen,
  isQueued,
  leadsBack,
  leftOutIn,
  needsDecision,
  nodeOf,
  nodesInOrder,
  regionsOf,
  touchedNewestFirst,
  waitsForWindows,
  wasOnlyOut,
  workingActions,
  workingNodes,
} from './queries.ts';
export { planRecovery, type RecoveryInput } from './recovery.ts';
export {
  calls,
  keptSince,
  silentFrom,
  takenBy,
  type Waiting,
  waitAtGate,
  waitingForPeople,
  waitKey,
} from './reminders.ts';
export { whatRuns } from './restart.ts';
export { isBegunElsewhere } from './rules.ts';
export {
  allBrought,
  asSeenBy,
  blindedBy,
  blindingOf,
  broughtTo,
  fleetOf,
  isAskedChecks,
  profileOf,
  releaseOf,
  serviceOf,
  versionsOf,
} from './services.ts';
export { startOf } from './start.ts';
export { grouped, strategies } from './strategies.ts';
export { todo } from './todo.ts';
export {
  actionTraits,
  asksGates,
  changesAnything,
  changesNode,
  changesService,
  isOfWayBack,
  traits,
} from './traits.ts';
export { transitionDiagrams } from './transitions.ts';
export { nextWake } from './wake.ts';
export { wayOut } from './way-out.ts';
