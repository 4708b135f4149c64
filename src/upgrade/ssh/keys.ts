import { open } from 'node:fs/promises';
import type { ParsedKey } from 'ssh2';
import ssh2 from 'ssh2';
import { fileReasonOf, Unreachable } from './reasons.ts';

async function readPrivate(file: string): Promise<Buffer> {
  const handle = await open(file, 'r');
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new Unreachable(`the key file ${file} is not a file`);
    const mode = stats.mode & 0o777;
    if ((mode & 0o077) !== 0) {
      throw new Unreachable(
        `the key file ${file} may be read by others (mode 0${mode.toString(8)}); run: chmod 600 ${file}`,
      );
    }
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

function problem(file: string, error: unknown): Unreachable {
  if (error instanceof Unreachable) return error;
  return new Unreachable(`the key file ${file} cannot be read: ${fileReasonOf(error)}`);
}

/** Reads a private key. Throws Unreachable, in words, when the file is missing, open to others, encrypted or no key. */
export async function readKey(file: string, passphrase?: string): Promise<ParsedKey> {
  const text = await readPrivate(file).catch((error: unknown) => {
    throw problem(file, error);
  });
  const parsed: ParsedKey | Error | ParsedKey[] = ssh2.utils.parseKey(text, passphrase);
  const key = Array.isArray(parsed) ? parsed[0] : parsed;
  if (key instanceof Error) {
    if (/no passphrase given/i.test(key.message)) {
      throw new Unreachable(`the key file ${file} is encrypted and no passphrase was given`);
    }
    throw new Unreachable(`the key file ${file} cannot be used: ${key.message}`);
  }
  if (!key?.isPrivateKey()) throw new Unreachable(`the key file ${file} holds no private key`);
  return key;
}
