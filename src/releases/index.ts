export { openReleases, type Releases } from './open.ts';
