import { plan } from '../src/upgrade/rollout/index.ts';
import { fleetOf, inputOf, tuesday } from '../test/support/rollouts.ts';
import { drive, worldOf } from '../test/support/simulation.ts';

export interface Cost {
  nodes: number;
  events: number;
  /** For one event and one node of the fleet, µs. */
  perNodeAndEvent: number;
}

/** One whole rollout of the pure core, on simulated nodes: deciding, folding events in, deriving what to do. */
export function costOf(perRegion: number): Cost {
  const fleet = fleetOf({ pause: 0, soak: 0, canarySoak: 0, bake: 0 }, { windows: 'always', perRegion });
  const rollout = plan(inputOf(fleet));
  const from = performance.now();
  const { events, rollout: ended } = drive(rollout, worldOf(rollout), { from: tuesday, limit: 1_000_000 });
  const ms = performance.now() - from;
  if (ended.status.is !== 'done') throw new Error(`the simulated rollout ended ${ended.status.is}`);
  const nodes = Object.keys(rollout.nodes).length;
  return { nodes, events: events.length, perNodeAndEvent: (1_000 * ms) / events.length / nodes };
}
