export { openReleases, type Releases } from './open.ts';
export { withoutSigners } from './signed.ts';
