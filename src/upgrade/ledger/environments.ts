import type { NodeSurvey } from '../rollout/types.ts';
import type { Ledger, Left } from './types.ts';

/** A node that runs what was proven on it last, with another environment file on its disk than then. */
export interface NewEnvironment {
  node: string;
  left: Left;
}

/** What a restart would bring into effect besides: nobody has proven it. Of a node that did not tell its hash nothing is said. */
export function newEnvironments({ nodes }: Pick<Ledger, 'nodes'>, survey: readonly NodeSurvey[]): NewEnvironment[] {
  return survey.flatMap(({ node, sha256, fitness }) => {
    const left = nodes[node];
    const lies = fitness?.seen?.envSha256;
    if (left === undefined || lies == null || left.envSha256 === null || sha256 !== left.sha256) return [];
    return lies === left.envSha256 ? [] : [{ node, left }];
  });
}
