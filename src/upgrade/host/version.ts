import { sameVersion } from '../../base/version.ts';

/** What a binary answered when it was asked for its version. */
export type VersionAnswer =
  | { is: 'version'; version: string }
  | { is: 'none' }
  /** Root could not become somebody who may do nothing, or such a user may not run it: what it is rests on its hash. */
  | { is: 'unasked' }
  | { is: 'hung' }
  | { is: 'wrong-machine' };

const semver = /(?<![\w.-])v?\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?(?![\w-])/g;

/** More than the scripts send is a host's own invention. */
const limit = 2000;

/** Reads the lines that a version question gave; the last is `exit N` of `timeout`. `expected` wins over other numbers. */
export function readVersion(lines: string[], expected?: string): VersionAnswer {
  const text = lines.slice(0, 100).join('\n').slice(0, limit);
  if (/Exec format error/.test(text)) return { is: 'wrong-machine' };
  const found = (text.match(semver) ?? []).filter((version) => version.length <= 100);
  const exact = expected === undefined ? undefined : found.find((version) => sameVersion(version, expected));
  const version = exact ?? found[0];
  if (/^exit (?:124|137)$/m.test(text)) return { is: 'hung' };
  if (version === undefined && /^(?:unasked|exit 12[67])$/m.test(text)) return { is: 'unasked' };
  return version === undefined
    ? { is: 'none' }
    : { is: 'version', version: exact === undefined ? version : (expected ?? version) };
}

/** Why a binary that gave this answer must not be installed; null when it says what it should. */
export function judgeVersion(answer: VersionAnswer, expected: string): string | null {
  switch (answer.is) {
    case 'wrong-machine':
      return 'the binary is not for this machine';
    case 'hung':
      return 'the new binary did not say its version within 5 s';
    case 'none':
      return `the new binary says no version, expected ${expected}`;
    case 'unasked':
      return null;
    case 'version':
      return sameVersion(answer.version, expected) ? null : `says ${answer.version}, expected ${expected}`;
  }
}
