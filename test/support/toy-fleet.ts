import type { Controls, FleetNode, FleetSource } from '../../sandbox/slack/types.ts';

/** Nine nodes that exist only in this process, and a clock that can be moved: what the page needs to be drawn. */
export function toyFleet(): { fleet: FleetSource; controls: Controls; nodes: FleetNode[] } {
  const regions = ['eu-west', 'us-east', 'ap-south'];
  const nodes = regions.flatMap((region) =>
    [1, 2, 3].map(
      (index): FleetNode => ({
        name: `${region}-${index}`,
        region,
        version: 'v1.4.2',
        status: 'healthy',
        unit: 'active (running)',
      }),
    ),
  );
  const since = Date.now();
  let jumpedMs = 0;
  const healthy = (region: string) =>
    nodes.filter((node) => node.region === region && node.status === 'healthy').length;
  const fewest = Object.fromEntries(regions.map((region) => [region, 3]));
  const note = () => {
    for (const region of regions) fewest[region] = Math.min(fewest[region] ?? 3, healthy(region));
  };
  return {
    nodes,
    fleet: {
      nodes: () => nodes.map((node) => ({ ...node })),
      counter: () => {
        note();
        return {
          probes: 18_240,
          failures: Object.values(fewest).filter((count) => count < 2).length,
          fewestHealthy: { ...fewest },
          since,
        };
      },
      faults: () => [
        { id: 'stop', label: 'Stop the service' },
        { id: 'cut', label: 'Cut the network' },
        { id: 'mend', label: 'Mend it' },
      ],
      inject: async (name, fault) => {
        const node = nodes.find((one) => one.name === name);
        if (!node) throw new Error(`no node ${name}`);
        node.status = fault === 'mend' ? 'healthy' : 'down';
        node.unit = fault === 'stop' ? 'inactive (dead)' : 'active (running)';
      },
    },
    controls: {
      now: () => Date.now() + jumpedMs,
      jumpToNextWindow: async () => {
        jumpedMs += 3_600_000;
        return 'The window of eu-west has just opened.';
      },
      resetFleet: async () => {
        for (const node of nodes) Object.assign(node, { status: 'healthy', unit: 'active (running)' });
      },
    },
  };
}
