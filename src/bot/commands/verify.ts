import { type NodeSurvey, Refused, type Release } from '../../upgrade/rollout/types.ts';
import { type CommandDeps, say } from '../deps.ts';
import { surveyLines } from '../views/survey.ts';
import { count, foreign, names } from '../views/text.ts';
import { demand, type Handler, survey } from './common.ts';

/** Looks at every node and says plainly which are not right. */
export const verify: Handler<'verify'> = async (deps, asking) => {
  await demand(deps, asking, { is: 'look' });
  const seen = await survey(deps);
  const releases = await known(deps, seen);
  const wrong = seen.flatMap((node) => complaints(node, releases));
  const newest = (await deps.releases.versions()).at(-1) ?? null;
  return say(
    wrong.length === 0
      ? `✓ All ${count(seen.length, 'node')} are right: healthy, running, and no image differs from its release.`
      : `✗ ${count(wrong.length, 'thing')} not right:`,
    ...wrong,
    ...uncompared(seen, releases),
    ...mixed(seen, newest),
    ...surveyLines(deps.fleet, seen),
  );
};

async function known(deps: CommandDeps, seen: NodeSurvey[]): Promise<Map<string, Release | null>> {
  const versions = [...new Set(seen.flatMap(({ version }) => (version === null ? [] : [version])))].slice(0, 5);
  const found = await Promise.all(versions.map(async (version) => [version, await release(deps, version)] as const));
  return new Map(found);
}

/** null when there is no archive to compare with. */
async function release({ releases }: CommandDeps, version: string): Promise<Release | null> {
  try {
    return await releases.resolve(version.startsWith('v') ? version : `v${version}`);
  } catch (error) {
    if (error instanceof Refused) return null;
    throw error;
  }
}

function complaints(
  { node, version, sha256, healthy, detail, unit }: NodeSurvey,
  releases: Map<string, Release | null>,
): string[] {
  const name = foreign(node, 80);
  const wanted = version === null ? null : (releases.get(version) ?? null);
  return [
    ...(healthy ? [] : [`✗ ${name} is not healthy: ${foreign(detail, 200)}`]),
    ...(unit === 'active/running'
      ? []
      : [`✗ ${name}: its unit is ${foreign(unit ?? 'unknown, SSH gave no answer', 80)}`]),
    ...(version === null ? [`✗ ${name} does not say its version`] : []),
    ...(sha256 === null ? [`✗ ${name}: the running image could not be read`] : []),
    ...(wanted !== null && sha256 !== null && sha256 !== wanted.binarySha256
      ? [
          `✗ ${name} says ${foreign(version ?? '', 60)}, and its image ${foreign(sha256.slice(0, 12))} is not that release's`,
        ]
      : []),
  ];
}

function uncompared(seen: NodeSurvey[], releases: Map<string, Release | null>): string[] {
  return [...releases].flatMap(([version, release]) => {
    const nodes = seen.filter((each) => each.version === version).map(({ node }) => node);
    return release === null
      ? [`○ Images not compared, there is no archive of ${foreign(version, 60)}: ${names(nodes)}`]
      : [];
  });
}

function mixed(seen: NodeSurvey[], newest: string | null): string[] {
  const versions = [...new Set(seen.map(({ version }) => version ?? 'unknown'))].sort();
  const run = versions.length === 1 ? `All run ${names(versions)}` : `Mixed versions: ${names(versions)}`;
  return [newest === null ? run : `${run}; the newest release is ${foreign(newest, 60)}`];
}
