import type { Probe } from '../upgrade/node/types.ts';
import type { Evidence } from '../upgrade/rollout/types.ts';

/** Probes all `nodes` now, at once. A probe that breaks counts as unhealthy. */
export async function takeEvidence(probe: Probe, nodes: readonly string[]): Promise<Evidence> {
  const answers = await Promise.all(
    nodes.map(async (node): Promise<[string, boolean]> => {
      const health = await probe.health(node).catch(() => null);
      return [node, health?.is === 'healthy'];
    }),
  );
  return { healthy: Object.fromEntries(answers) };
}
