export { loadSettings } from './load.ts';
export { type Person, type Settings, SettingsError } from './types.ts';
