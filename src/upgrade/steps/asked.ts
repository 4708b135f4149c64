import type { Output } from '../host/answer.ts';
import * as commands from '../host/commands.ts';
import { runScript } from '../host/look.ts';
import { failed, succeeded } from '../host/reports.ts';
import { judgeVersion, readVersion, type VersionAnswer } from '../host/version.ts';
import type { Asked, Facts, Report, Rollout } from '../rollout/types.ts';
import type { StepContext } from './types.ts';

/** What the release's binary said on the first node that had its turn; null as long as nobody could ask it. */
function held({ release, asked }: Rollout): VersionAnswer | null {
  if (asked === null || asked.version === null || asked.sha256 !== release.binarySha256) return null;
  return { is: 'version', version: asked.version };
}

export const isToBeAsked = (rollout: Rollout): boolean =>
  rollout.service.versionArgs !== null && held(rollout) === null;

/** The report of a node that is ready for its switch, unless the new binary says that it is another one. */
export async function judged(context: StepContext, output: Output, facts: Facts): Promise<Report> {
  const { rollout, node } = context;
  const { release, service } = rollout;
  const lines = output.get('version');
  if (service.versionArgs === null || (lines === undefined && held(rollout) === null)) return succeeded(facts);
  const answer = held(rollout) ?? readVersion(lines ?? [], release.version);
  const learned = held(rollout) === null ? { ...facts, ...factsOf(answer, release.binarySha256) } : facts;
  const wrong = judgeVersion(answer, release.version);
  if (wrong === null) return succeeded(learned);
  await runScript(context, commands.cleanup(context, node.before, false));
  return failed(wrong, learned);
}

/** A binary that hung, or said nothing, may be asked again by a retry. */
function factsOf(answer: VersionAnswer, sha256: string): { asked?: Asked } {
  if (answer.is === 'version') return { asked: { sha256, version: answer.version } };
  return answer.is === 'unasked' ? { asked: { sha256, version: null } } : {};
}
