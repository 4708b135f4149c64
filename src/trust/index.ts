export { canonical } from './canonical.ts';
export { field, keyId, openKey, readPublicKey, type SigningKey } from './keys.ts';
export { createNotary, type Notary, type Says, type Signature } from './notary.ts';
