import { short } from '../../base/hash.ts';
import { isMeantBy } from '../../base/sibling.ts';
import { type Fleet, type NodeSurvey, Refused, type Release } from './types.ts';

/**
 * The one build that the nodes of these regions run, as a release: nothing of it is fetched or put anywhere. Of a node that is down it is
 * the file that a start would bring up.
 * @param regions null: all
 * @throws Refused where there is not exactly one
 */
export function whatRuns(
  { regions: all }: Pick<Fleet, 'regions'>,
  regions: string[] | null,
  survey: NodeSurvey[],
): Release {
  const chosen = all.filter(({ name }) => regions?.some((word) => isMeantBy(name, word)) ?? true);
  const seen = survey.filter(({ region }) => chosen.some(({ name }) => name === region));
  const builds = new Map<string, NodeSurvey[]>();
  for (const each of seen) {
    const sha256 = each.sha256 ?? each.fitness?.seen?.disk ?? null;
    if (sha256 !== null) builds.set(sha256, [...(builds.get(sha256) ?? []), each]);
  }
  const [first, ...others] = [...builds];
  if (first === undefined)
    throw new Refused('Nothing was started: no node says what it runs. See verify, and zeitwork doctor.');
  if (others.length > 0)
    throw new Refused(
      `A restart brings up one build, and there are ${builds.size}: ${[...builds].map(inWords).join('; ')}. Bring them to one version first, or restart regions that run one: --regions.`,
    );
  return releaseOf(...first);
}

const versionOf = (nodes: NodeSurvey[]): string | null =>
  nodes.find(({ version }) => version !== null)?.version ?? null;

const inWords = ([sha256, nodes]: [string, NodeSurvey[]]): string => {
  const names = nodes.map(({ node }) => node);
  const more = names.length > 3 ? ` and ${names.length - 3} more` : '';
  return `${versionOf(nodes) ?? 'an unknown version'} (${short(sha256)}) on ${names.slice(0, 3).join(', ')}${more}`;
};

/** Nobody knows any more who signed the archive that it came in, and nobody is to put it anywhere. */
const releaseOf = (sha256: string, nodes: NodeSurvey[]): Release => ({
  version: versionOf(nodes) ?? short(sha256),
  archive: 'binary',
  archiveSha256: sha256,
  binarySha256: sha256,
  archiveBytes: 0,
  binaryBytes: 0,
  signed: null,
});
