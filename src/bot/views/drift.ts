import { short } from '../../base/hash.ts';
import type { Ledger, Left } from '../../upgrade/ledger/types.ts';
import type { NodeSurvey } from '../../upgrade/rollout/types.ts';
import { foreign } from './text.ts';

/** Nodes that do not run what was left there last, a line each. */
export function driftLines({ nodes }: Pick<Ledger, 'nodes'>, seen: readonly NodeSurvey[]): string[] {
  return seen.flatMap(({ node, version, sha256 }) => {
    const left = Object.hasOwn(nodes, node) ? nodes[node] : undefined;
    if (left === undefined || sha256 === null || sha256 === left.sha256) return [];
    return [`○ ${foreign(node, 80)} runs ${image(version, sha256)}; ${image(left.version, left.sha256)} ${how(left)}`];
  });
}

const image = (version: string | null, sha256: string): string =>
  `${foreign(version ?? 'an unknown version', 60)} (${short(sha256)})`;

const how = ({ rollout }: Left): string =>
  rollout === null ? 'was found there when the ledger was adopted' : `was left there by ${foreign(rollout, 60)}`;
