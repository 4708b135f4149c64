export type * from './types.ts';
export { checkPlaces } from './types.ts';
