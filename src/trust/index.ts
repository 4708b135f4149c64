export { canonical } from './canonical.ts';
export { keyId, openKey, readPublicKey, type SigningKey } from './keys.ts';
export { sshSignature } from './sshsig.ts';
