import type { Settings } from '../config/index.ts';
import { checkWords } from '../upgrade/checks/index.ts';
import type { AskChecks, CheckResult } from '../upgrade/checks/types.ts';
import { isAskedChecks } from '../upgrade/rollout/index.ts';
import { type Finding, note, right, wrong } from './finding.ts';

const subject = 'checks';

/** As long as whoever verifies waits. */
const patience = 30_000;

/** Asks everything once that the settings ask of every node, from where the doctor runs: what is absent, unknown or bad is better known before the night. */
export async function examineChecks({ fleet }: Pick<Settings, 'fleet'>, ask: AskChecks | null): Promise<Finding[]> {
  const { checks = [], regions } = fleet;
  if (ask === null || checks.length === 0)
    return [note(subject, 'nothing is asked of nodes but their health (checks in the settings)')];
  const nodes = regions.flatMap((region) => region.nodes).filter(({ name }) => isAskedChecks(fleet, name));
  const signal = AbortSignal.timeout(patience);
  const results = (await Promise.all(nodes.map(({ name }) => ask(name, 'all', signal)))).flat();
  const found = checks.flatMap(({ name }) => findingsOf(results.filter(({ check }) => check === name)));
  const good = results.filter(({ is }) => is === 'good').length;
  return found.length > 0
    ? [...found, note(subject, `${good} of ${results.length} answers are good`)]
    : [
        right(
          subject,
          `${checks.map(({ name }) => name).join(', ')}: good on ${nodes.length} of ${nodes.length} nodes`,
        ),
      ];
}

/** What several nodes have in common is told once. */
function findingsOf(results: readonly CheckResult[]): Finding[] {
  const alike = new Map<string, CheckResult[]>();
  for (const each of results) {
    if (each.is === 'good') continue;
    const words = checkWords(each);
    alike.set(words, [...(alike.get(words) ?? []), each]);
  }
  return [...alike].map(([words, [first, ...others]]) => {
    const names = [first, ...others].flatMap((each) => each?.node ?? []);
    const shown = names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ');
    const text = `${words}: ${shown}${hint(first)}`;
    return first?.counts === 'good' ? note(subject, text) : wrong(subject, text);
  });
}

function hint(result: CheckResult | undefined): string {
  if (result?.is === 'absent' && result.counts === 'bad')
    return '; correct the check, take it out, or write absent: skip where this service has no such thing';
  return result?.is === 'unknown' ? '; unknown never counts as good' : '';
}
