import type { Fleet, NodeSurvey } from '../../upgrade/rollout/types.ts';
import { foreign, names } from './text.ts';

/** A line per node up to 30 nodes, else a line per region with only what is not well. */
export function surveyLines(fleet: Fleet, survey: NodeSurvey[]): string[] {
  return fleet.regions.flatMap(({ name, nodes }) => {
    const seen = nodes.map((node) => survey.find((each) => each.node === node.name) ?? unseen(node.name, name));
    const healthy = seen.filter((each) => each.healthy).length;
    const head = `*${foreign(name, 80)}*: ${healthy} of ${seen.length} healthy${quorum(healthy, fleet)}`;
    return survey.length <= 30 ? [head, ...seen.map(nodeLine)] : [`${head}; ${summary(seen)}`];
  });
}

function quorum(healthy: number, { policy }: Fleet): string {
  return healthy > policy.minimumHealthy
    ? ''
    : healthy === policy.minimumHealthy
      ? ', none to spare'
      : `, *fewer than the ${policy.minimumHealthy} that are needed*`;
}

function nodeLine(seen: NodeSurvey): string {
  const glyph = seen.healthy ? '✓' : '✗';
  const state = seen.healthy ? 'healthy' : `not healthy: ${foreign(seen.detail, 160)}`;
  const image = seen.sha256 === null ? 'image unknown' : `image ${foreign(seen.sha256.slice(0, 12))}`;
  return `${glyph} ${foreign(seen.node, 80)}  ${foreign(seen.version ?? 'version unknown', 60)}  ${state}, ${foreign(seen.unit ?? 'unit unknown', 60)}, ${image}`;
}

function summary(seen: NodeSurvey[]): string {
  const versions = [...new Set(seen.map(({ version }) => version ?? 'unknown'))].sort();
  const parts = versions.map(
    (version) => `${seen.filter((each) => (each.version ?? 'unknown') === version).length} on ${foreign(version, 60)}`,
  );
  const sick = seen.filter(({ healthy }) => !healthy).map(({ node }) => node);
  return [...parts, ...(sick.length === 0 ? [] : [`not healthy: ${names(sick)}`])].join(', ');
}

function unseen(node: string, region: string): NodeSurvey {
  return { node, region, version: null, sha256: null, healthy: false, detail: 'no answer', unit: null, at: 0 };
}
