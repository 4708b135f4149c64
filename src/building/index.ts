export { type BuildPlace, createBuildPlace, type Named, type Sight } from './place.ts';
export { type BuildShelf, createBuildShelf, type Ready } from './shelf.ts';
export { sourceIn } from './tag.ts';
export type { Building } from './types.ts';
