export { begunBefore, emptyLedger, fold, retention } from './fold.ts';
export { type Forgotten, forgottenBy } from './forgotten.ts';
export { leftBy } from './left.ts';
export { format, lift } from './lift.ts';
export { paceOf } from './pace.ts';
export { covers, freezesOf, standing, withFreezes } from './queries.ts';
export { type Found, foundOn, rebuilt } from './rebuilt.ts';
export { isRecorded, recordedFor } from './recorded.ts';
export { timedBy } from './timed.ts';
