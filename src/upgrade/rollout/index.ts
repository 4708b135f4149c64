export { gates } from './gates.ts';
export { next } from './next.ts';
export { plan } from './plan.ts';
export { isOpen, nodesInOrder } from './queries.ts';
export { todo } from './todo.ts';
export { nextWake } from './wake.ts';
