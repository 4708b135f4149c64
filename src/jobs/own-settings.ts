import { canonical } from '../trust/index.ts';
import { balancedBy, broughtTo, serviceOf } from '../upgrade/rollout/index.ts';
import type { Fleet, Gate, NodeTask, Rollout, Service, StepName } from '../upgrade/rollout/types.ts';
import type { StepResult } from '../upgrade/steps/types.ts';

/**
 * A rollout as far as this worker's own settings let it be believed: who is a peer is what they say, and a plan can ask
 * for more healthy ones, never for less. Of what nobody signed, policy and places are not believed either.
 */
export function asWeKnow(
  known: Rollout,
  { policy: own, regions, services = [] }: Pick<Fleet, 'policy' | 'regions' | 'services'>,
): Rollout {
  const rollout = blinding(known, services);
  const peers = {
    ...(rollout.onlyBack ? {} : rollout.peers),
    ...Object.fromEntries(regions.map((region) => [region.name, region.nodes.map(({ name }) => name)])),
  };
  const minimumHealthy = Math.max(rollout.policy.minimumHealthy, own.minimumHealthy);
  if (!rollout.onlyBack) return { ...rollout, peers, policy: { ...rollout.policy, minimumHealthy } };
  const places = new Map(regions.flatMap(({ nodes }) => nodes).map(({ name, region }) => [name, region]));
  const placed = Object.entries(rollout.nodes).map(([name, node]) => [
    name,
    { ...node, region: places.get(name) ?? node.region },
  ]);
  return { ...rollout, peers, policy: own, nodes: Object.fromEntries(placed) };
}

/** What is blinded by what is told by the plan and by the own settings: either may ask for more. */
function blinding(rollout: Rollout, services: NonNullable<Fleet['services']>): Rollout {
  const own = services.filter(({ blinds }) => blinds.length > 0);
  if (own.length === 0) return rollout;
  const all = own.map(({ key, blinds }): [string, string[]] => {
    const more = rollout.blinds?.[key] ?? [];
    return [key, [...new Set([...blinds, ...more])]];
  });
  return { ...rollout, blinds: { ...rollout.blinds, ...Object.fromEntries(all) } };
}

/** Steps before which nothing on a node was changed. */
const beforeAnything: readonly StepName[] = ['stage', 'backup', 'beside'];
/** Steps that take something out of service. */
const stops: readonly StepName[] = ['drain', 'switch', 'recover', 'restart', 'configure', 'lb-switch', 'lb-home'];

/**
 * What becomes of a step that this worker's own settings know otherwise than the plan; null when it may be done. Before
 * anything was changed it fails, with the reason; right before a stop it waits, until the settings agree or somebody goes back;
 * after a change nothing is concluded from a look at another unit. Going back never waits for what differs, unless the node
 * itself is in no settings: then it cannot be reached.
 */
export function disagreement(
  task: NodeTask,
  rollout: Rollout,
  own: Pick<Fleet, 'service' | 'services' | 'regions'>,
): StepResult | null {
  const { node, region, step } = task;
  const isKnown =
    own.regions.some(({ name, nodes }) => name === region && nodes.some((each) => each.name === node)) ||
    balancedBy(node, own.regions)?.region.name === region;
  const keys = differing(serviceOf(own, node), broughtTo(rollout, node).service);
  if (isKnown && keys.length === 0) return null;
  const reason = isKnown
    ? `the settings of this worker say otherwise than the plan, service: ${keys.join(', ')}`
    : `the settings of this worker have no ${node} in ${region}`;
  if (beforeAnything.includes(step)) return { is: 'failed', reason, retry: false, facts: {} };
  // An earlier try may have changed something: nobody has looked.
  if (stops.includes(step)) return { is: 'gated', gates: [{ ...shut, reason }], unchanged: false };
  return isKnown && !(step === 'verify' && (keys.includes('unit') || keys.includes('binary')))
    ? null
    : { is: 'unknown', reason };
}

const shut: Omit<Gate, 'reason'> = { name: 'state', owner: 'whoever keeps the settings', opensAt: null };

/** Keys in which the plan was made for another service than this worker's own settings have. */
export function differing(own: Service, planned: Service): string[] {
  const keys = Object.keys({ ...own, ...planned }) as (keyof Service)[];
  return keys.filter((key) => canonical(own[key] ?? null) !== canonical(planned[key] ?? null));
}
