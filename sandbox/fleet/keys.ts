import ssh2 from 'ssh2';

/** A pair of ed25519 keys in OpenSSH's formats. */
export interface KeyPair {
  private: string;
  /** As in known_hosts: `ssh-ed25519 AAAA…`. */
  public: string;
}

/** ssh2 writes one private key in 256 in a form that it cannot read itself, so each is tried. */
export function freshKeyPair(): KeyPair {
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync('ed25519');
    if (!(ssh2.utils.parseKey(pair.private) instanceof Error)) {
      return { private: pair.private, public: pair.public.trim() };
    }
  }
}
