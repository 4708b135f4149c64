import { valid } from 'semver';

const strict = /^v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/;

/** Versions become part of file names and commands, so nothing but strict semver with a `v` passes. */
export function isVersion(text: string): boolean {
  return strict.test(text) && valid(text) !== null;
}

/** Whether both mean the same, whichever of them leaves out the `v`. */
export function sameVersion(one: string, other: string): boolean {
  return one.replace(/^v/, '') === other.replace(/^v/, '');
}
