import { createHash } from 'node:crypto';
import { helperPath } from '../../../base/helper-request.ts';
import type { Check } from '../../checks/types.ts';
import { isAskedChecks, serviceOf } from '../../rollout/index.ts';
import type { Fleet, Service } from '../../rollout/types.ts';
import type { Host } from '../../ssh/types.ts';
import { policyFolder, policyPath, policyText, signersPath, signersText, sudoersText } from './policy.ts';
import { helperScript } from './script.ts';

export { orderNamespace } from './policy.ts';

/** Everything that lies on a node for its helper. */
export interface HelperParts {
  script: string;
  policy: string;
  signers: string;
  sudoers: string;
}

export interface HelperOf {
  fleet: string;
  node: string;
  service: Service;
  /** What the settings ask of every node besides. */
  checks?: readonly Check[];
  /** The login. */
  user: string;
  /** Public key lines. */
  signers: readonly string[];
}

export function helperParts({ fleet, node, service, checks, user, signers }: HelperOf): HelperParts {
  return {
    script: helperScript(),
    policy: policyText(fleet, node, service, checks),
    signers: signersText(signers),
    sudoers: sudoersText(user),
  };
}

const sudoersPath = '/etc/sudoers.d/zeitwork-node';

/** A script for root on the node that puts all of it there; safe to run again. Nothing is put before sudo finds its line good. */
export function installer(of: HelperOf): string {
  const { script, policy, signers, sudoers } = helperParts(of);
  const files: [string, string, string][] = [
    ['755', helperPath, script],
    ['644', policyPath(of.service), policy],
    ['644', signersPath(of.service), signers],
    ['440', sudoersPath, sudoers],
  ];
  return [
    `#!/bin/sh\n# Installs the helper of ${of.node}; run it there as root.`,
    'set -eu\numask 077\nwork=$(mktemp -d)\ntrap \'rm -rf "$work"\' EXIT',
    'put() { # MODE FILE NAME\n  chown root:root "$work/$3"\n  chmod "$1" "$work/$3"\n  mv -f "$work/$3" "$2"\n}',
    ...files.map(([, , text], at) => `cat >"$work/${at}" <<'END-OF-FILE-${at}'\n${text}END-OF-FILE-${at}`),
    `visudo -cqf "$work/${files.length - 1}"`,
    `mkdir -p ${policyFolder}\nchown root:root ${policyFolder}\nchmod 755 ${policyFolder}`,
    ...files.map(([mode, path], at) => `put ${mode} ${path} ${at}`),
    "echo 'installed; now take away whatever else lets this login become root'",
    '',
  ].join('\n');
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** What is to be found on the node, as its helper tells it: SHA-256 by part. */
export const helperHashes = (of: HelperOf): Record<'helper' | 'policy' | 'signers', string> => {
  const { script, policy, signers } = helperParts(of);
  return { helper: sha256(script), policy: sha256(policy), signers: sha256(signers) };
};

/**
 * What the helper of each node should be, by node; null where sudo runs any command. Where nobody knows whose orders count, that
 * part is not compared.
 */
export const helpersOf =
  (fleet: Fleet, hosts: Record<string, Host>, signers: readonly string[]) =>
  (node: string): Record<string, string> | null => {
    const host = hosts[node];
    if (host?.become !== 'helper') return null;
    const { name } = fleet;
    const checks = isAskedChecks(fleet, node) ? (fleet.checks ?? []) : [];
    const of = { fleet: name, node, service: serviceOf(fleet, node), checks, user: host.user, signers };
    const { signers: ofSigners, ...known } = helperHashes(of);
    return signers.length === 0 ? known : { ...known, signers: ofSigners };
  };
