export { canonical } from './canonical.ts';
export { keyId, openKey, readPublicKey, type SigningKey } from './keys.ts';
export { openSealKey, type Sealer, sealer } from './seal.ts';
