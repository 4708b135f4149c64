export { canonical } from './canonical.ts';
export { keyId, openKey, readPublicKey, type SigningKey } from './keys.ts';
export { maxSignatureBytes, type Signer, sign, signingKeyIn, type Verdict, verify } from './ssh-keygen.ts';
