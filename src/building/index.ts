export { type BuildPlace, createBuildPlace, type Named, type Sight, Unsure } from './place.ts';
export { here, overThere } from './run.ts';
export { type BuildShelf, createBuildShelf, type Ready } from './shelf.ts';
export type { Building } from './types.ts';
