export { openReleases, openShelves, type Releases, type Shelves } from './open.ts';
export { withoutSigners } from './signed.ts';
