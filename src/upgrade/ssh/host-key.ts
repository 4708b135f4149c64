import type { Verdict } from './known-hosts.ts';
import { fingerprint, judge, namesOf, pinsFor } from './known-hosts.ts';
import type { ReadPins } from './pin-files.ts';
import { Unreachable } from './reasons.ts';
import type { Host } from './types.ts';

const rsa = ['rsa-sha2-512', 'rsa-sha2-256'] as const;
const usable = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': rsa,
} as const;
const all = Object.values(usable).flat();
type Algorithm = (typeof all)[number];

function algorithmsOf(type: string): readonly Algorithm[] {
  return Object.entries(usable).find(([name]) => name === type)?.[1] ?? [];
}

/** Decides, for one dial, whether the key that a host shows is the one that was pinned. */
export interface HostKeyCheck {
  /** Host key algorithms to offer: those of the pinned types, or all when nothing is pinned (the refusal then names the key). */
  algorithms: Algorithm[];
  /** True only for a pinned key that is not revoked. */
  accept(key: Buffer): boolean;
  /** Why the key was refused; null while none was. */
  refusal(): string | null;
  /** Why no common algorithm means a changed key. */
  mismatch(): string;
}

function refusalOf(verdict: Exclude<Verdict, { is: 'accepted' }>, host: Host, key: Buffer): string {
  const shown = `${host.name} (${host.address}:${host.port}) shows ${fingerprint(key)}`;
  const file = host.knownHostsFile;
  switch (verdict.is) {
    case 'changed': {
      const lines = verdict.pins.map((pin) => `${fingerprint(pin.key)} (line ${pin.line})`).join(', ');
      return `host key changed: ${shown}, but ${file} has ${lines}; find out why before you replace the line`;
    }
    case 'revoked':
      return `host key revoked: ${shown}, which line ${verdict.pin.line} of ${file} revokes`;
    case 'authority':
      return `host key unknown: line ${verdict.pin.line} of ${file} is a @cert-authority, which is not supported; add the plain key of ${shown}`;
    case 'unknown':
      return `host key unknown: ${shown} and ${file} has no line for it; compare it on the node, then add it`;
  }
}

/** Throws Unreachable when the file cannot be read or pins only key types that cannot be checked. */
export async function hostKeyCheck(host: Host, readPins: ReadPins): Promise<HostKeyCheck> {
  const pins = pinsFor(await readPins(host.knownHostsFile), namesOf(host));
  const plain = pins.filter((pin) => pin.marker === null);
  const types = [...new Set(plain.map((pin) => pin.type))];
  const pinned = types.flatMap((type) => [...algorithmsOf(type)]);
  if (types.length > 0 && pinned.length === 0) {
    throw new Unreachable(`host key not usable: ${host.knownHostsFile} pins only ${types.join(', ')} for ${host.name}`);
  }
  let refusal: string | null = null;
  return {
    algorithms: pinned.length > 0 ? pinned : [...all],
    accept(key) {
      const verdict = judge(pins, key);
      if (verdict.is !== 'accepted') refusal = refusalOf(verdict, host, key);
      return verdict.is === 'accepted';
    },
    refusal: () => refusal,
    mismatch: () => `host key changed: ${host.name} no longer offers a key of type ${types.join(', ')}`,
  };
}
