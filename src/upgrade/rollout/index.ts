export { gates, whyWaiting } from './gates.ts';
export { next, summary } from './next.ts';
export { plan } from './plan.ts';
export {
  bakingBatch,
  batchIndexOf,
  inScope,
  isOpen,
  nextNode,
  nodeOf,
  nodesInOrder,
  touchedNewestFirst,
  workingNode,
} from './queries.ts';
export { todo } from './todo.ts';
export { transitionDiagrams } from './transitions.ts';
export { nextWake } from './wake.ts';
