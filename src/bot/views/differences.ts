import type { ShownDifference } from '../../upgrade/environment/index.ts';
import type { NodeSurvey, Rollout } from '../../upgrade/rollout/types.ts';
import { count, foreign, names } from './text.ts';

/** `MAX_CONNECTIONS 100 -> 200 on 8 nodes`, one text for what several nodes have in common, and who has it already. */
export function differences({ nodes }: Rollout, survey: NodeSurvey[]): string[] {
  const seen = survey.filter(({ node }) => nodes[node] !== undefined);
  const told = new Map<string, string[]>();
  const has: string[] = [];
  for (const { node, environment } of seen) {
    if (environment?.is !== 'read') continue;
    if (environment.before === environment.after) has.push(node);
    for (const each of environment.differences) {
      const text = inWords(each);
      told.set(text, [...(told.get(text) ?? []), node]);
    }
  }
  return [
    ...[...told].map(([text, on]) => `${text} on ${on.length > 3 ? count(on.length, 'node') : names(on)}`),
    ...(has.length === 0 ? [] : [`Has it: ${names(has)}`]),
  ];
}

/** An arrow that a shell shows as well. */
function inWords({ key, from, to, hidden }: ShownDifference): string {
  const value = (text: string | null): string => {
    if (text === null) return 'absent';
    if (hidden) return 'hidden';
    return text === '' ? 'empty' : foreign(text, 110);
  };
  return `*${foreign(key, 100)}* ${value(from)} -> ${value(to)}`;
}
