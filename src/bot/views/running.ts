import type { Fleet, NodeSurvey } from '../../upgrade/rollout/types.ts';
import { foreign, names } from './text.ts';

/** A line per region: which versions run on how many of its nodes, and who did not say. */
export function runningLines(fleet: Fleet, survey: NodeSurvey[]): string[] {
  return fleet.regions.map(({ name, nodes }) => {
    const seen = nodes.flatMap((node) => survey.find((each) => each.node === node.name) ?? []);
    const silent = nodes
      .map((node) => node.name)
      .filter((node) => !seen.some((each) => told(each) && each.node === node));
    const versions = [...new Set(seen.flatMap(({ version }) => version ?? []))].sort();
    const counted = versions.map(
      (version) => `${seen.filter((each) => each.version === version).length} on ${foreign(version, 60)}`,
    );
    return `*${foreign(name, 80)}*: ${[...counted, ...(silent.length > 0 ? [`unknown: ${names(silent)}`] : [])].join(', ')}`;
  });
}

/** Whether nodes that say what they run do not all say the same. */
export function isMixed(survey: NodeSurvey[]): boolean {
  return new Set(survey.filter(told).map(({ version, sha256 }) => `${version} ${sha256}`)).size > 1;
}

const told = ({ version }: NodeSurvey): boolean => version !== null;
