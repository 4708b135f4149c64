import { compare, major, valid } from 'semver';

const strict = /^v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/;

/** Versions become part of file names and commands, so nothing but strict semver with a `v` passes. */
export function isVersion(text: string): boolean {
  return strict.test(text) && valid(text) !== null;
}

/** Whether both mean the same, whichever of them leaves out the `v`. */
export function sameVersion(one: string, other: string): boolean {
  return one.replace(/^v/, '') === other.replace(/^v/, '');
}

/** As we spell it, `v1.0.3`; null for what is no version. */
export function spelled(written: string): string | null {
  const version = written.length > 64 ? null : valid(written);
  return version === null ? null : `v${version}`;
}

/** Whether `one` is newer, by semver; what is no version, as a host may say, is newer than nothing. */
export function isNewer(one: string, other: string): boolean {
  return valid(one) !== null && valid(other) !== null && compare(one, other) > 0;
}

/** Whether the major version differs; of what is no version, nobody knows, so it counts as differing. */
export function isMajor(one: string, other: string): boolean {
  return valid(one) === null || valid(other) === null || major(one) !== major(other);
}

/** For sorting: oldest first. @throws TypeError when one is no version */
export const byVersion = (one: string, other: string): number => compare(one, other);
