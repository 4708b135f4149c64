export { type Bot, type BotConnection, type BotFleet, startBot } from './app.ts';
export { type Access, type CommandContext, ownPeople, type Reply } from './context.ts';
export { manifestLink, readManifest } from './manifest.ts';
export { asText, runCommand } from './run.ts';
