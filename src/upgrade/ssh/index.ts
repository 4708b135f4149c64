export { type Connected, createShell, type ShellOptions } from './shell.ts';
export type * from './types.ts';
