import { Transform } from 'node:stream';

/** Absolute folders of a real node that live inside the node's own tree here. */
const folders = [
  '/usr/local/bin',
  '/etc/zeitwork',
  '/var/lib/zeitwork-upgrades',
  '/var/lib/zeitwork',
  '/home/ops',
  '/proc',
  '/run',
  '/tmp',
];

// A folder counts only as the start of a path and up to the end of one of its names.
const inwards = new RegExp(`(?<![\\w./-])(?:${folders.join('|')})(?![\\w.-])`, 'g');
const searchPath = /(["']?)\bPATH=(["']?)(?=\/)/g;

/** Translates between the paths that a command means and those of the node's tree on this machine. */
export interface Rewriter {
  /** A command line or a line of a script, as it may run here. */
  inwards(text: string): string;
  /** Output, as it would look on a real node. */
  outwards(text: string): string;
  /** One remote path; a relative one starts at the login directory. */
  path(remote: string): string;
}

/**
 * @param tree the node's root directory on this machine, absolute and without blanks
 * @param searched shim directories that go first on every PATH; asked anew for each text
 */
export function rewriter(tree: string, searched: () => string[]): Rewriter {
  const path = (remote: string): string => {
    const absolute = remote.startsWith('/') ? remote : `/home/ops/${remote}`;
    return absolute.replace(inwards, (folder) => tree + folder);
  };
  return {
    path,
    inwards: (text) =>
      text
        .replace(inwards, (folder) => tree + folder)
        .replace(
          searchPath,
          (_, whole, value) => `${whole}TMPDIR=${tree}/tmp${whole} ${whole}PATH=${value}${searched().join(':')}:`,
        ),
    outwards: (text) => text.replaceAll(tree, ''),
  };
}

/** Rewrites a stream line by line; bytes that are not text pass unharmed. */
export function rewriting(rewrite: (text: string) => string): Transform {
  let rest = '';
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const text = rest + chunk.toString('latin1');
      const end = text.lastIndexOf('\n') + 1;
      rest = text.slice(end);
      done(null, end === 0 ? undefined : Buffer.from(rewrite(text.slice(0, end)), 'latin1'));
    },
    flush(done) {
      done(null, rest === '' ? undefined : Buffer.from(rewrite(rest), 'latin1'));
    },
  });
}
