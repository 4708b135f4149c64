export { type Fleets, loadFleets, settingsFiles, soundFleets } from './fleets.ts';
export { loadSettings } from './load.ts';
export { readSecretIn } from './secrets.ts';
export { type Person, type Settings, SettingsError } from './types.ts';
