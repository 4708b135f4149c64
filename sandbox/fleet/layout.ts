import { join } from 'node:path';

/** Where the parts of one node lie on this machine. */
export interface Layout {
  /** The node's root directory: everything a command may see. */
  tree: string;
  home: string;
  binary: string;
  envFile: string;
  proc: string;
  /** Shims that are always first on PATH. */
  shims: string;
  /** Shims for the time when the disk is full. */
  fullShims: string;
  /** A FIFO: one line per call of a shim. */
  control: string;
  /** Answers to shims that wait. */
  calls: string;
  /** While this file exists, sudo wants a password. */
  sudoBroken: string;
  /** What was asked of `chown`, one line each. */
  owners: string;
  /** What the node lost, for whoever mends it. */
  lost: string;
  /** How far the clock is put forward, in words that `date -d` knows. */
  clock: string;
}

/** @param root directory of the node; only this module knows what lies in it. */
export function layoutIn(root: string): Layout {
  const tree = join(root, 'tree');
  const machinery = join(root, 'machinery');
  return {
    tree,
    home: join(tree, 'home/ops'),
    binary: join(tree, 'usr/local/bin/zeitwork-operator'),
    envFile: join(tree, 'etc/zeitwork/operator.env'),
    proc: join(tree, 'proc'),
    shims: join(machinery, 'bin'),
    fullShims: join(machinery, 'full'),
    control: join(machinery, 'control'),
    calls: join(machinery, 'calls'),
    sudoBroken: join(machinery, 'sudo-broken'),
    owners: join(machinery, 'owners'),
    lost: join(machinery, 'lost'),
    clock: join(machinery, 'clock'),
  };
}
