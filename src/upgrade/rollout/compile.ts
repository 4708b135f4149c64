import { together } from './approvers.ts';
import { approversFor, isMajorChange, type Persons, toldIn } from './persons.ts';
import { takesNodes } from './phases.ts';
import type { Group } from './strategies.ts';
import { traits, undoOf } from './traits.ts';
import {
  type ApprovalPhase,
  type NodeSurvey,
  type NodesPhase,
  type Phase,
  type PlanInput,
  Refused,
  type Region,
  type Rehearsal,
  type Rollout,
  type Service,
  type StepName,
  type WatchPhase,
} from './types.ts';

const pending = { is: 'pending' } as const;

/** The path of a node in its turn. */
export function pathFor({ traffic }: Service): StepName[] {
  return traffic === null
    ? ['backup', 'switch', 'verify', 'cleanup']
    : ['backup', 'drain', 'switch', 'verify', 'undrain', 'cleanup'];
}

/** The path of a node whose service is only restarted: it is looked at right before, since the plan is from earlier. */
function restartPath({ traffic }: Service): StepName[] {
  return traffic === null ? ['stage', 'restart', 'verify'] : ['stage', 'drain', 'restart', 'verify', 'undrain'];
}

/** The path of a node whose environment file is changed. */
function configPath({ traffic }: Service): StepName[] {
  return traffic === null
    ? ['backup', 'configure', 'verify', 'cleanup']
    : ['backup', 'drain', 'configure', 'verify', 'undrain', 'cleanup'];
}

const paths = { restart: restartPath, config: configPath };

/** The path of nodes that run the release already: nothing else can happen to them. */
const onlyProven: StepName[] = ['verify'];

/** What is to be done to the nodes of one service. */
export interface Side {
  groups: Group[];
  input: Persons & Pick<PlanInput, 'rehearse'>;
}

/**
 * Groups in order, with all that the settings ask for: staging first, and before each group in which something is changed
 * its approval, and a watch of all that came since the last one. A service comes after all of the one before it.
 * @param isOnIt whether a node runs the release already, and nothing else lies there
 */
export function compile(sides: Side[], isOnIt: (node: string) => boolean): Phase[] {
  const turns = sides.flatMap((side) => turnsOf(side, isOnIt).map((turn) => ({ turn, input: side.input })));
  const regions = sides.flatMap(({ input }) => input.fleet.regions);
  const all = turns.flatMap(({ turn: { nodes } }) => nodes);
  const staging: NodesPhase = { ...turn('stage', 'staging', all, ['stage']), id: 'stage' };
  let since: NodesPhase[] = [];
  const opened = turns.map(({ turn: next, input }, index) => {
    if (!takesNodes(next)) {
      since = [...since, next];
      return [next];
    }
    const needed = approversFor(regionsOf(next, regions), index === 0, input);
    const before = [
      ...watch(since, regions, input.fleet.policy.bake),
      ...(needed === 0 ? [] : [approval(next, needed, regions)]),
    ];
    since = [next];
    return [...before, next];
  });
  return [staging, ...opened.flat()];
}

function turnsOf({ groups, input }: Side, isOnIt: (node: string) => boolean): NodesPhase[] {
  const path = (input.change === undefined || input.change.is === 'migrate' ? pathFor : paths[input.change.is])(
    input.fleet.service,
  );
  return withRehearsal(
    groups.map(({ id, title, nodes }) => turn(id, title, nodes, nodes.every(isOnIt) ? onlyProven : path)),
    input,
  );
}

/** In the first part in which something is changed, so before any part after it is asked for. A flag may want more than the settings, never less. */
function withRehearsal(turns: NodesPhase[], input: Persons & Pick<PlanInput, 'rehearse'>): NodesPhase[] {
  const first = turns.find(takesNodes);
  const node = wantsRehearsal(input) ? first?.nodes.find((name) => canRehearse(name, input)) : undefined;
  if (first !== undefined && node === undefined && input.rehearse === true)
    throw new Refused(
      `The way back cannot be rehearsed: no node of ${first.title} is healthy and runs something else than ${input.release.version}. Mend one first, or plan it anew without --rehearse.`,
    );
  if (first === undefined || node === undefined) return turns;
  return turns.map((each) => (each === first ? { ...each, rehearsal: { node, ...rehearsalOf(each.path) } } : each));
}

const wantsRehearsal = (input: Persons & Pick<PlanInput, 'rehearse'>): boolean =>
  input.rehearse === true || isWanted(input.fleet.policy, input);

const isWanted = ({ rehearse }: PlanInput['fleet']['policy'], input: Pick<PlanInput, 'release' | 'survey'>): boolean =>
  rehearse === 'always' || (rehearse === 'major' && isMajorChange(input));

/** The settings want a rehearsal of this plan, and no node of its first part could do it: whoever starts it must know. */
export function lacksRehearsal({ policy, release, phases, nodes }: Rollout, survey: NodeSurvey[]): boolean {
  const regions = Object.values(nodes).map(({ region }) => region);
  const all = phases.filter((phase) => phase.is === 'nodes');
  return (
    all.some(takesNodes) &&
    all.every(({ rehearsal }) => rehearsal === undefined) &&
    isWanted(policy, { release, survey: toldIn(regions, survey) })
  );
}

/** It runs something to go back to, and well: of a sick one nobody could prove that it came back. */
const canRehearse = (name: string, { survey, release }: Persons): boolean =>
  survey.some(({ node, healthy, sha256 }) => node === name && healthy && sha256 !== release.binarySha256);

/** There, back, and there again; what was staged is used up by then. */
function rehearsalOf(path: StepName[]): Pick<Rehearsal, 'path' | 'again'> {
  const there = path.slice(0, path.findIndex((step) => traits[step].proves) + 1);
  const andBack = [...there, ...traits.switch.undo];
  return { path: [...andBack, 'stage', ...path], again: andBack.length };
}

/**
 * One node gets back what was proven on it: nobody is asked, since nothing runs that did not run before. What still serves is taken out
 * of service first.
 */
export function compileRecovery(node: string, serves: boolean, service: Service): Phase[] {
  const upgrade = pathFor(serves ? service : { ...service, traffic: null });
  const path = upgrade.filter((step) => step !== 'backup').map((step) => (step === 'switch' ? 'recover' : step));
  return [{ ...turn('stage', 'staging', [node], ['stage']), id: 'stage' }, turn('recovery', node, [node], path)];
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

function regionsOf({ nodes }: Pick<NodesPhase, 'nodes'>, regions: Region[]): Region[] {
  return regions.filter((region) => region.nodes.some(({ name }) => nodes.includes(name)));
}

/** Called after the last of these turns; nothing where there was none. */
function watch(turns: NodesPhase[], regions: Region[], bake: number): WatchPhase[] {
  const last = turns.at(-1);
  if (last === undefined) return [];
  const nodes = turns.flatMap((each) => each.nodes);
  const phase: WatchPhase = {
    id: `watch/${nameOf(last)}`,
    title: turns.map(({ title }) => title).join(', '),
    state: pending,
    is: 'watch',
    regions: regionsOf({ nodes }, regions).map(({ name }) => name),
    nodes,
    for: bake,
    healthy: {},
  };
  return [phase];
}

/** A part of several regions wants the approvers of each: no strategy lets those of one speak for another. */
function approval(opens: NodesPhase, needed: number, all: Region[]): ApprovalPhase {
  const regions = regionsOf(opens, all);
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
