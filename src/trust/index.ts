export { canonical } from './canonical.ts';
export { field, keyId, openKey, readPublicKey, type SigningKey } from './keys.ts';
export { createNotary, type Notary, type Says, type Signature } from './notary.ts';
export { openSealKey, type Sealer, sealer } from './seal.ts';
export { maxSignatureBytes, namesOneOf, type Signer, sign, signingKeyIn, type Verdict, verify } from './ssh-keygen.ts';
export { sshSignature } from './sshsig.ts';
