export { expectedAge } from './expected.ts';
export { finishedNodes } from './freshness.ts';
export { gates, whyWaiting } from './gates.ts';
export { format, lift } from './lift.ts';
export { neglected } from './neglected.ts';
export { next, summary } from './next.ts';
export { plan } from './plan.ts';
export {
  bakeEnd,
  bakingBatch,
  batchIndexOf,
  inScope,
  isLook,
  isOpen,
  isQueued,
  nextNode,
  nodeOf,
  nodesInOrder,
  touchedNewestFirst,
  workingNode,
} from './queries.ts';
export { todo } from './todo.ts';
export { transitionDiagrams } from './transitions.ts';
export { nextWake } from './wake.ts';
