import { minute } from '../base/duration.ts';
import { Refused } from '../base/errors.ts';
import type { Person } from '../config/index.ts';
import { canonical, sign, verify } from '../trust/index.ts';

/** What signatures of decisions are for; one made for a release, or for anything else, decides nothing. */
const namespace = 'zeitwork-decision';
/** Milliseconds for which a signature counts: long enough to touch a hardware key. */
const freshMs = 5 * minute;

/** What a person signs on a shell, with all that it is about: it says nothing about any other fleet, rollout or state of it. */
export interface Decision {
  fleet: string;
  /** The open rollout, else the newest, with its revision; null when there is none. */
  rollout: string | null;
  revision: number | null;
  verb: string;
  /** As they were typed. */
  arguments: string;
  /** Epoch ms. */
  at: number;
  /** Makes each decision one of its own, so that a signature counts once. */
  nonce: string;
}

/** @param keyFile a private key, or the public one of a key that an agent or a device holds @throws Refused */
export const signDecision = (decision: Decision, keyFile: string): Promise<string> =>
  sign(Buffer.from(canonical(decision)), keyFile, namespace);

/** Whose decision this is, by the keys that the settings name. @throws Refused when it is nobody's, or too old */
export async function signerOf(
  decision: Decision,
  signature: string,
  people: readonly Person[],
  now: number,
): Promise<Person> {
  if (Math.abs(now - decision.at) > freshMs) {
    throw new Refused(
      'The signature is too old: it counts for five minutes. Sign again, and see whether the clocks agree.',
    );
  }
  const data = Buffer.from(canonical(decision));
  const verdict = await verify({ data, signature, signers: [...people], namespace });
  if (verdict.is === 'refused') throw new Refused(`That does not count as a decision of yours: ${verdict.reason}.`);
  const person = people.find(({ name }) => name === verdict.by);
  if (person === undefined) throw new Refused(`${verdict.by} is not among people: in the settings.`);
  return person;
}
