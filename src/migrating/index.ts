export { createDatabasePlace, type Database, databaseOn, type MigrationName, type MigrationSight } from './place.ts';
export { withSchemaOf } from './schema.ts';
export type { Migrating } from './types.ts';
