import { plain } from '../../base/plain.ts';
import { byVersion, isNewer } from '../../base/version.ts';
import { keysOf, merged, noRules, refusedWanted, type VersionChange, type Wanted } from '../environment/index.ts';
import {
  type ConfigChange,
  type Configuration,
  type Fleet,
  type FleetNode,
  type NodeRun,
  type NodeSurvey,
  Refused,
  type Release,
  type Rollout,
} from './types.ts';

/** What becomes of environment files here; null where nothing does. */
export const configurationOf = ({ change, config }: Pick<Rollout, 'change' | 'config'>): Configuration | null =>
  change?.is === 'config' ? change : (config ?? null);

/** What becomes of the environment file of a node; null where this rollout changes none there. What ran the release before keeps its own. */
export function fileOf(
  rollout: Pick<Rollout, 'change' | 'config'>,
  { name, already, touched }: Pick<NodeRun, 'name' | 'already' | 'touched'>,
): { before: string; after: string } | null {
  const files = configurationOf(rollout)?.files ?? {};
  if (rollout.change === undefined && already && !touched) return null;
  return Object.hasOwn(files, name) ? (files[name] ?? null) : null;
}

/**
 * What goes with an upgrade of these nodes: of the settings, all that belongs to a version that one of them crosses. null: nothing.
 * @throws Refused where nobody knows what is crossed
 */
export function crossed(
  { config }: Pick<Fleet, 'config'>,
  release: Release,
  nodes: FleetNode[],
  survey: NodeSurvey[],
): Wanted | null {
  const changes = inOrder(config?.changes ?? [], release);
  const seen = toBeSwitched(release, nodes, survey);
  if (changes.length === 0 || seen.length === 0) return null;
  const unknown = seen.flatMap(({ node, version }) => (version === null ? [node] : []));
  if (unknown.length > 0)
    throw new Refused(
      `Nothing was started: ${unknown.join(', ')} ${unknown.length === 1 ? 'does' : 'do'} not say which version runs there, so nobody knows which of config.changes go with this upgrade. See verify.`,
    );
  const of = (each: NodeSurvey) => changes.filter(({ version }) => isNewer(version, each.version ?? ''));
  const [first, ...others] = seen;
  const all = first === undefined ? [] : of(first);
  const other = others.find((each) => of(each).length !== all.length);
  if (first !== undefined && other !== undefined)
    throw new Refused(
      `Nothing was started: ${named(other)} comes from a version with which another part of config.changes goes than ${named(first)}, and one rollout makes one change. Upgrade them one after the other, with --nodes or --regions.`,
    );
  return all.length === 0 ? null : together(all);
}

/** All that may go with this release by these settings: what they say of the versions from any one on up to it. */
export function goingWith({ config }: Pick<Fleet, 'config'>, release: Release): Wanted[] {
  const upTo = inOrder(config?.changes ?? [], release);
  return upTo.map((_, from) => together(upTo.slice(from)));
}

const named = ({ node, version }: NodeSurvey): string => `${node} (${plain(version ?? '').slice(0, 60)})`;

const inOrder = (changes: readonly VersionChange[], release: Release): VersionChange[] =>
  changes
    .filter(({ version }) => !isNewer(version, release.version))
    .sort((one, other) => byVersion(one.version, other.version));

const together = (changes: VersionChange[]): Wanted => merged(changes.map(({ version: _, ...wanted }) => wanted));

const toBeSwitched = (release: Release, nodes: FleetNode[], survey: NodeSurvey[]): NodeSurvey[] =>
  survey.filter(
    ({ node, sha256, fitness }) =>
      nodes.some(({ name }) => name === node) && (sha256 ?? fitness?.seen?.disk) !== release.binarySha256,
  );

/** The same with hashes, as the nodes were just asked. @throws Refused with what to do instead */
export function withRelease(
  fleet: Fleet,
  release: Release,
  nodes: FleetNode[],
  survey: NodeSurvey[],
): Configuration | null {
  const wanted = crossed(fleet, release, nodes, survey);
  if (wanted === null) return null;
  const refusal = refusedWanted(wanted, fleet.config ?? noRules);
  if (refusal !== null) throw new Refused(`Nothing was started. config.changes: ${refusal}.`);
  const names = toBeSwitched(release, nodes, survey).map(({ node }) => node);
  return {
    wanted,
    files: filesOf(
      fleet,
      nodes.filter(({ name }) => names.includes(name)),
      survey,
    ),
  };
}

/** What it is about, for a sentence: `MAX_CONNECTIONS, LOG_LEVEL and 2 more`. */
export function keysInWords({ wanted }: Pick<Configuration, 'wanted'>): string {
  const keys = keysOf(wanted).map((key) => plain(key).slice(0, 100));
  const more = keys.length > 3 ? ` and ${keys.length - 3} more` : '';
  return `${keys.slice(0, 3).join(', ')}${more}`;
}

/**
 * The change with the hashes that every node's file has before and after, as they were just read there.
 * @throws Refused with what to do instead
 */
export function frozen(
  change: ConfigChange,
  fleet: Pick<Fleet, 'service'>,
  nodes: FleetNode[],
  survey: NodeSurvey[],
): ConfigChange {
  const files = filesOf(fleet, nodes, survey);
  const all = Object.values(files);
  if (all.every(({ before, after }) => before === after))
    throw new Refused(
      `Nothing to do: the environment files of all ${all.length} nodes have it. A process that was started before that gets it by a restart.`,
    );
  return { ...change, files };
}

function filesOf(
  { service }: Pick<Fleet, 'service'>,
  nodes: FleetNode[],
  survey: NodeSurvey[],
): Configuration['files'] {
  if (service.envFile === null)
    throw new Refused('The service has no environment file in the settings (service.envFile), so none can be changed.');
  const seen = nodes.flatMap(({ name }) => survey.find(({ node }) => node === name) ?? []);
  refuseHelpers(seen);
  refuseUnread(seen);
  const files = Object.fromEntries(
    seen.flatMap(({ node, environment }) =>
      environment?.is === 'read' ? [[node, { before: environment.before, after: environment.after }]] : [],
    ),
  );
  refuseTorn(files);
  return files;
}

function refuseHelpers(seen: NodeSurvey[]): void {
  const helped = seen.flatMap(({ node, fitness }) => (fitness?.helper == null ? [] : [node]));
  if (helped.length === 0) return;
  throw new Refused(
    `${helped.join(', ')}: a helper keeps even the worker from reading the environment file there. Change it by hand on these nodes and use restart, or leave their regions out with --regions.`,
  );
}

function refuseUnread(seen: NodeSurvey[]): void {
  const whys = seen.flatMap(({ node, environment }) => {
    if (environment === undefined) return [[node, 'its worker is of an older version: update it'] as const];
    return environment.is === 'refused' ? [[node, environment.reason] as const] : [];
  });
  if (whys.length === 0) return;
  const each = [...new Set(whys.map(([, why]) => why))].map(
    (why) => `${whys.flatMap(([node, own]) => (own === why ? [node] : [])).join(', ')}: ${why}`,
  );
  throw new Refused(`Nothing was started. ${each.join('; ')}.`);
}

/** Workers whose settings or secret files differ would make different files of the same one. */
function refuseTorn(files: Configuration['files']): void {
  const after = new Map<string, { after: string; node: string }>();
  for (const [node, file] of Object.entries(files)) {
    const known = after.get(file.before);
    if (known !== undefined && known.after !== file.after)
      throw new Refused(
        `${known.node} and ${node} have the same environment file and would get different ones: the secret files (config.files) of their workers differ.`,
      );
    after.set(file.before, { after: file.after, node });
  }
}
