import { Refused } from '../base/errors.ts';
import { byVersion, isVersion } from '../base/version.ts';

/** @throws Refused for what is no version */
export function checkVersion(version: string): string {
  if (isVersion(version)) return version;
  throw new Refused(`"${version.slice(0, 60)}" is not a version; write it like v2.0.0 or v2.1.0-rc.1`);
}

export function archiveName(service: string, version: string): string {
  return `${service}-${version}.tar.gz`;
}

/** The versions among file names, oldest first. */
export function versionsAmong(files: string[], service: string): string[] {
  const prefix = `${service}-`;
  return files
    .filter((file) => file.startsWith(prefix) && file.endsWith('.tar.gz'))
    .map((file) => file.slice(prefix.length, -'.tar.gz'.length))
    .filter(isVersion)
    .toSorted(byVersion);
}
