export { loadSettings } from './load.ts';
export { type Settings, SettingsError } from './types.ts';
