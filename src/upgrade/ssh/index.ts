export { createDatabase } from './database.ts';
export { type Connected, createShell, type ShellOptions } from './shell.ts';
export type * from './types.ts';
