export { here, type Machine, overThere } from './machine.ts';
export { begin, fetchScript, lookScript, quench, script } from './scripts.ts';
export { type Say, type Sight, sightIn, talkTo, Unsure } from './talk.ts';
