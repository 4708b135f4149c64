export { canonical } from './canonical.ts';
export { type Decision, type Person, type SignedDecision, signDecision, signerOf } from './decision.ts';
export { fingerprint } from './fingerprint.ts';
export { field, keyId, openKey, readPublicKey, type SigningKey } from './keys.ts';
export { createNotary, type Notary, type Says, type Signature } from './notary.ts';
export { ownFolder } from './own-file.ts';
export { openSealKey, type Sealer, sealer } from './seal.ts';
export { keyNamedBy, maxSignatureBytes, type Signer, sign, signingKeyIn, type Verdict, verify } from './ssh-keygen.ts';
export { sshSignature, sshSignatureOver } from './sshsig.ts';
