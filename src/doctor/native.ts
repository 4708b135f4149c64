import { createRequire } from 'node:module';
import { type Finding, note, right } from './finding.ts';

const addon = 'ssh2/lib/protocol/crypto/build/Release/sshcrypto.node';

/** ssh2 does its ciphers in plain JavaScript when its addon was not compiled. */
export function examineNative(resolve: (name: string) => string = createRequire(import.meta.url).resolve): Finding[] {
  try {
    resolve(addon);
    return [right('ssh2', 'with its native addon')];
  } catch {
    return [note('ssh2', 'without its native addon: works, and takes 1.5 times the CPU per MB sent')];
  }
}
