import { plain } from '../../base/plain.ts';
import { keysOf } from '../environment/index.ts';
import { type ConfigChange, type Fleet, type FleetNode, type NodeSurvey, Refused, type Rollout } from './types.ts';

/** What becomes of the environment file of a node; null where this rollout changes none there. */
export function fileOf({ change }: Pick<Rollout, 'change'>, node: string): { before: string; after: string } | null {
  return change?.is === 'config' && Object.hasOwn(change.files, node) ? (change.files[node] ?? null) : null;
}

/** What it is about, for a sentence: `MAX_CONNECTIONS, LOG_LEVEL and 2 more`. */
export function keysInWords({ wanted }: ConfigChange): string {
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
  { service }: Pick<Fleet, 'service'>,
  nodes: FleetNode[],
  survey: NodeSurvey[],
): ConfigChange {
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
  const all = Object.values(files);
  if (all.every(({ before, after }) => before === after))
    throw new Refused(
      `Nothing to do: the environment files of all ${all.length} nodes have it. A process that was started before that gets it by a restart.`,
    );
  refuseTorn(files);
  return { ...change, files };
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
function refuseTorn(files: ConfigChange['files']): void {
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
