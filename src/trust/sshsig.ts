import { createHash, sign } from 'node:crypto';
import { field, type SigningKey } from './keys.ts';

const magic = Buffer.from('SSHSIG');
const digest = 'sha512';

/**
 * A signature that `ssh-keygen -Y verify -n NAMESPACE` accepts (PROTOCOL.sshsig of OpenSSH): armored, with a last newline.
 * @param namespace what it is for; nobody takes a signature of one namespace for one of another
 */
export function sshSignature(key: SigningKey, namespace: string, message: string): string {
  return sshSignatureOver(key, namespace, createHash(digest).update(message).digest());
}

/** The same of what is too large to be held at once, by its SHA-512. */
export function sshSignatureOver(key: SigningKey, namespace: string, hashed: Buffer): string {
  const about = [field(namespace), field(''), field(digest)];
  const signature = sign(null, Buffer.concat([magic, ...about, field(hashed)]), key.private);
  const [type = '', blob = ''] = key.public.split(' ');
  const version = Buffer.from([0, 0, 0, 1]);
  const signed = field(Buffer.concat([field(type), field(signature)]));
  return armored(Buffer.concat([magic, version, field(Buffer.from(blob, 'base64')), ...about, signed]));
}

function armored(content: Buffer): string {
  const lines = content.toString('base64').match(/.{1,70}/g) ?? [];
  return ['-----BEGIN SSH SIGNATURE-----', ...lines, '-----END SSH SIGNATURE-----', ''].join('\n');
}
