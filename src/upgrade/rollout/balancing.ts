import { Bug, Refused } from '../../base/errors.ts';
import { together } from './approvers.ts';
import { approversFor, type Persons } from './persons.ts';
import { isTurn, takesNodes } from './phases.ts';
import { undoOf } from './traits.ts';
import type {
  ApprovalPhase,
  Fleet,
  FleetNode,
  NodeRun,
  NodesPhase,
  Phase,
  PlanInput,
  Region,
  Rollout,
  StepName,
  WatchPhase,
} from './types.ts';
import { untouched } from './unbegun.ts';

/**
 * A balancer has its turns like a node: they are waited for, tried again, looked at and brought back by the same rules. In the first the
 * release comes up beside what serves; the second gives it the traffic; in the last, when the nodes themselves have had their turn, these get it back.
 */
export interface BalancerTurns {
  beside: string;
  switch: string;
  home: string;
}

export const balancerTurns = (region: string): BalancerTurns => ({
  beside: `${region}-green`,
  switch: `${region}-lb`,
  home: `${region}-lb-home`,
});

/** The region of which it is a turn, among these; undefined: it is none. */
export function balancedBy(
  name: string,
  regions: readonly Region[],
): { region: Region; turn: keyof BalancerTurns } | undefined {
  for (const region of regions) {
    if (!region.balanced) continue;
    const all = balancerTurns(region.name);
    const turn = (Object.keys(all) as (keyof BalancerTurns)[]).find((each) => all[each] === name);
    if (turn !== undefined) return { region, turn };
  }
  return undefined;
}

/** Every turn of a balancer, and of no node. */
export const isBalancer = ({ balances }: Pick<NodeRun, 'balances'>): boolean => balances !== undefined;

const paths: Record<keyof BalancerTurns, StepName[]> = {
  beside: ['beside'],
  switch: ['lb-switch', 'traffic'],
  home: ['lb-home', 'traffic', 'retire'],
};

/** Whoever wants it must have what it takes. @throws Refused */
export function refuseUnbalanced(
  { fleet, change, limit }: Pick<PlanInput, 'fleet' | 'change' | 'limit'>,
  regions: readonly Region[],
  { services, changesKeys }: { services: number; changesKeys: boolean },
): void {
  if (services > 1)
    throw new Refused(
      '--strategy blue-green is for one service at a time: bring the others with an upgrade of their own.',
    );
  if (change !== undefined || changesKeys)
    throw new Refused(
      '--strategy blue-green brings a release and nothing else: what runs beside reads the environment file as it is. Take another strategy.',
    );
  if (limit !== null)
    throw new Refused('--strategy blue-green switches whole regions: leave --nodes out, and take --regions.');
  const without = regions.filter(({ balanced }) => !balanced).map(({ name }) => name);
  if (fleet.service.slots === undefined)
    throw new Refused(
      '--strategy blue-green wants a second place on each node: write service.slots, or take another strategy.',
    );
  if (without.length > 0)
    throw new Refused(
      `--strategy blue-green wants a balancer in each region, and ${without.join(', ')} has none: write it, or leave the region out with --regions.`,
    );
  const names = fleet.regions.flatMap(({ nodes }) => nodes.map(({ name }) => name));
  const taken = regions.flatMap(({ name }) => Object.values(balancerTurns(name))).find((name) => names.includes(name));
  if (taken !== undefined)
    throw new Refused(`A node is called ${taken}, as a turn of the balancer is: call it otherwise.`);
}

/**
 * Puts the turns of the balancers around those of the nodes. Whoever approves a region approves the switch, with the release proven beside what serves; before
 * anything of it runs there somebody was asked as the settings want it, too.
 */
export function withBalancers(phases: Phase[], input: Persons): Phase[] {
  const { fleet } = input;
  const { slots } = fleet.service;
  if (slots === undefined) throw new Bug('blue-green without a second place');
  return phases.flatMap((phase): Phase[] => {
    const region = regionOf(phase, fleet);
    if (phase.is === 'approval' && region !== undefined) return [approval(phase, region, phase.needed)];
    if (phase.is === 'nodes' && phase.id === 'stage') {
      const changed = phases.filter(isTurn).filter(takesNodes);
      const all = fleet.regions.filter(({ name }) => changed.some(({ id }) => id === `nodes/${name}`));
      return [{ ...phase, nodes: [...phase.nodes, ...all.flatMap(({ name }) => Object.values(balancerTurns(name)))] }];
    }
    if (phase.is !== 'nodes' || region === undefined || !takesNodes(phase)) return [phase];
    const names = balancerTurns(region.name);
    const watch: WatchPhase = {
      ...{
        id: `watch/${names.switch}`,
        title: `${region.name} with the old one warm`,
        state: { is: 'pending' },
        is: 'watch',
      },
      ...{ regions: [region.name], nodes: [names.beside, names.switch], for: slots.warm, healthy: {} },
    };
    const opens = [turnId(names.switch), phase.id, turnId(names.home)];
    return [
      turn(names.beside, `${region.name} beside`, 'beside'),
      switching(region, opens, approversFor([region], false, input)),
      turn(names.switch, `the balancer of ${region.name}`, 'switch'),
      watch,
      phase,
      turn(names.home, `the balancer of ${region.name}, home`, 'home'),
    ];
  });
}

/** The region that a part of the plan is about. */
function regionOf(phase: Phase, { regions }: Fleet): Region | undefined {
  return regions.find(({ name }) => phase.id === `nodes/${name}` || phase.id === `approval/${name}`);
}

const turnId = (name: string): string => `nodes/${name}`;

const turn = (name: string, title: string, which: keyof BalancerTurns): NodesPhase => ({
  ...{ id: turnId(name), title, state: { is: 'pending' }, is: 'nodes', nodes: [name], path: paths[which] },
  // Nothing of it is diagnosed or cleaned up.
  undo: undoOf(paths[which]).filter((step) => step !== 'diagnose' && step !== 'cleanup'),
});

/** Before the release runs there at all. */
const approval = (phase: ApprovalPhase, region: Region, needed: number): ApprovalPhase => {
  const { beside } = balancerTurns(region.name);
  return { ...phase, id: `approval/${beside}`, title: beside, opens: [turnId(beside)], needed };
};

const switching = ({ name, approvers }: Region, opens: string[], needed: number): ApprovalPhase => ({
  ...{ id: `approval/${name}`, title: name, state: { is: 'pending' }, is: 'approval', opens },
  ...{ by: together([approvers]), needed, given: [] },
});

/** The turns of the balancers, as they are before anything was done. */
export function balancersIn(phases: Phase[], nodes: FleetNode[], fleet: Fleet, now: number): NodeRun[] {
  const all = phases.flatMap((phase) => (phase.is === 'nodes' && phase.id !== 'stage' ? phase.nodes : []));
  return all.flatMap((name): NodeRun[] => {
    const found = balancedBy(name, fleet.regions);
    if (found === undefined || nodes.some((node) => node.name === name)) return [];
    const { region } = found;
    return [{ ...untouched({ name, region: region.name }, now), balances: region.nodes.map((node) => node.name) }];
  });
}

/** Turns of a region's balancer that are over. */
export const balancersDone = ({ nodes }: Pick<Rollout, 'nodes'>, region: string): string[] =>
  Object.values(nodes).flatMap((node) =>
    isBalancer(node) && node.region === region && node.state.is === 'done' ? [node.name] : [],
  );

/** The new place has the traffic of a region, and the turn that takes it away was not reached. */
export function isLeftSwitched({ nodes, phases }: Pick<Rollout, 'nodes' | 'phases'>, region: string): boolean {
  const { switch: switched, home } = balancerTurns(region);
  const next = phases.find(({ id }) => id === turnId(home));
  return nodes[switched]?.state.is === 'done' && next?.state.is === 'pending';
}
