import { minute } from '../base/duration.ts';
import { Refused } from '../base/errors.ts';
import { canonical } from './canonical.ts';
import { type Signer, sign, verify } from './ssh-keygen.ts';

/** Somebody with keys of their own, who is also somebody in the chat. */
export interface Person extends Signer {
  /** Slack user id. */
  slack: string;
}

/** What a person signed, as it was signed, and the signature: whoever reads it asks nobody else. */
export interface SignedDecision {
  text: string;
  signature: string;
}

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
  /** SHA-256 of the binary that it is about, and of what becomes of the environment files where they are changed. */
  release: string | null;
  verb: string;
  /** As they were typed. */
  arguments: string;
  /** Epoch ms. */
  at: number;
  /** Makes each decision one of its own, so that a signature counts once. */
  nonce: string;
}

/** @param keyFile a private key, or the public one of a key that an agent or a device holds @throws Refused */
export async function signDecision(decision: Decision, keyFile: string): Promise<SignedDecision> {
  const text = canonical(decision);
  return { text, signature: await sign(Buffer.from(text), keyFile, namespace) };
}

/** Whose decision this is, by the keys that the settings name, and what it says. @throws Refused when it is nobody's, or too old */
export async function signerOf<P extends Person>(
  { text, signature }: SignedDecision,
  people: readonly P[],
  now: number,
): Promise<{ person: P; decision: Decision }> {
  const verdict = await verify({ data: Buffer.from(text), signature, signers: [...people], namespace });
  if (verdict.is === 'refused') throw new Refused(`That does not count as a decision of yours: ${verdict.reason}.`);
  const person = people.find(({ name }) => name === verdict.by);
  if (person === undefined) throw new Refused(`${verdict.by} is not among people: in the settings.`);
  const decision: Decision = JSON.parse(text);
  if (!(Math.abs(now - decision.at) <= freshMs)) {
    throw new Refused(
      'The signature is too old: it counts for five minutes. Sign again, and see whether the clocks agree.',
    );
  }
  return { person, decision };
}
