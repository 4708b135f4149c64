import { together } from './approvers.ts';
import { approversFor, type Persons } from './persons.ts';
import type { Group } from './strategies.ts';
import { undoOf } from './traits.ts';
import type { ApprovalPhase, NodesPhase, Phase, PlanInput, Service, StepName, WatchPhase } from './types.ts';

const pending = { is: 'pending' } as const;

/** The path of a node in its turn. */
export function pathFor({ traffic }: Service): StepName[] {
  return traffic === null
    ? ['backup', 'switch', 'verify', 'cleanup']
    : ['backup', 'drain', 'switch', 'verify', 'undrain', 'cleanup'];
}

/** Groups in order, with all that the settings ask for: staging first, and before each group its approval and a watch of what was before. */
export function compile(groups: Group[], input: Persons): Phase[] {
  const { fleet } = input;
  const path = pathFor(fleet.service);
  const turns = groups.map(({ id, title, nodes }) => turn(id, title, nodes, path));
  const all = turns.flatMap(({ nodes }) => nodes);
  const staging: NodesPhase = { ...turn('stage', 'staging', all, ['stage']), id: 'stage' };
  return [
    staging,
    ...turns.flatMap((next, index) => {
      const before = turns[index - 1];
      const needed = approversFor(regionsOf(next, fleet), before === undefined, input);
      return [
        ...(before === undefined ? [] : [watch(before, fleet)]),
        ...(needed === 0 ? [] : [approval(next, needed, fleet)]),
        next,
      ];
    }),
  ];
}

const turn = (id: string, title: string, nodes: string[], path: StepName[]): NodesPhase => ({
  id: `nodes/${id}`,
  title,
  state: pending,
  is: 'nodes',
  nodes,
  path,
  undo: undoOf(path),
});

const nameOf = ({ id }: NodesPhase) => id.slice('nodes/'.length);

function regionsOf({ nodes }: NodesPhase, { regions }: PlanInput['fleet']): PlanInput['fleet']['regions'] {
  return regions.filter((region) => region.nodes.some(({ name }) => nodes.includes(name)));
}

const watch = (after: NodesPhase, fleet: PlanInput['fleet']): WatchPhase => ({
  id: `watch/${nameOf(after)}`,
  title: after.title,
  state: pending,
  is: 'watch',
  regions: regionsOf(after, fleet).map(({ name }) => name),
  nodes: after.nodes,
  for: fleet.policy.bake,
  healthy: {},
});

/** A part of several regions wants the approvers of each: no strategy lets those of one speak for another. */
function approval(opens: NodesPhase, needed: number, fleet: PlanInput['fleet']): ApprovalPhase {
  const regions = regionsOf(opens, fleet);
  const each = Object.fromEntries(regions.map((region) => [region.name, region.needed]));
  return {
    id: `approval/${nameOf(opens)}`,
    title: opens.title,
    state: pending,
    is: 'approval',
    opens: [opens.id],
    by: together(regions.map(({ approvers }) => approvers)),
    needed,
    ...(regions.length > 1 ? { each } : {}),
    given: [],
  };
}
