/** What is known of a file that holds a secret. */
export interface SecretFile {
  /** Its absolute path, links followed. */
  path: string;
  mode: number;
  /** Who owns it; 0 is root. */
  uid: number;
  /** It lies in memory, as what an orchestrator mounts does, and not on a disk. */
  inMemory: boolean;
}

/**
 * Why this file may not hold a secret, and the command that mends it; null when only its owner may read it. What Swarm
 * and Kubernetes mount is root's, lies in memory and is open to all users of the container: that one cannot be closed.
 */
export function tooOpen({ path, mode, uid, inMemory }: SecretFile): string | null {
  if ((mode & 0o077) === 0) return null;
  const mounted = inMemory && uid === 0 && (mode & 0o022) === 0 && /^\/(?:var\/)?run\/secrets\//.test(path);
  if (mounted) return null;
  const shown = (mode & 0o777).toString(8).padStart(4, '0');
  return `${path} may be read by others (mode ${shown}); run: chmod 600 ${path}`;
}

/**
 * Why no keys may lie in a folder: whoever may write to it can put others in their place. Null when nobody else may, also
 * when they may look into it, since what is secret there is closed by itself.
 * @param own who runs this; 0 is root
 */
export function inOtherHands({ path, mode, uid }: Omit<SecretFile, 'inMemory'>, own: number): string | null {
  if ((mode & 0o022) !== 0) {
    return `Others may write to ${path}, where keys lie. Close it: chmod 700 ${path}. Where that cannot be, name a folder below it, which is made closed.`;
  }
  if ([own, 0].includes(uid) || own === 0) return null;
  return `${path}, where keys lie, belongs to another user (${uid}). Make it your own, or name another folder.`;
}
