export { type Bot, type BotDeps, startBot } from './app.ts';
export { type Access, type CommandDeps, noDirectory, type Reply } from './context.ts';
export { manifestLink, readManifest } from './manifest.ts';
export { asText, runCommand } from './run.ts';
