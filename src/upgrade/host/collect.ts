import { redact } from '../../base/redact.ts';
import type { Health, Probe } from '../http/types.ts';
import type { Diagnosis, Service } from '../rollout/types.ts';
import type { Shell } from '../ssh/types.ts';
import { type Output, read } from './answer.ts';
import * as commands from './commands.ts';
import { diagnosisOf, type Signs } from './diagnosis.ts';
import { lastError, linesOf } from './journal.ts';
import type { Visit } from './look.ts';
import { readSpace, readUnit } from './observation.ts';

function signsOf(output: Output, health: Health): Signs {
  return {
    health,
    unit: readUnit(output.get('unit') ?? []),
    journal: linesOf(output.get('journal') ?? []),
    listens: output.get('listens') ?? [],
    file: (output.get('file') ?? [])[0] ?? '',
    executable: output.get('executable')?.[0] !== 'no',
    space: readSpace(output.get('space') ?? []).binary ?? null,
  };
}

/** Looks for the likely cause of a sick node. Never fails: what cannot be seen is said. Redacted already. */
export async function diagnoseNode(
  node: string,
  service: Service,
  shell: Shell,
  probe: Probe,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Diagnosis> {
  const command = commands.diagnose(service, timeoutMs);
  const [outcome, health] = await Promise.all([shell.run(node, command, signal), probe.health(node)]);
  const answer = read(outcome);
  if (answer.is === 'ok') return diagnosisOf(signsOf(answer.output, health), service);
  const why = answer.is === 'refused' ? answer.word : answer.reason;
  const heard = health.is === 'healthy' ? 'healthy' : health.detail;
  return { summary: `the node cannot be looked at: ${why}`, evidence: [redact(`health: ${heard}`)] };
}

/** The newest line of the journal that tells of an error, redacted; null when there is none or it cannot be read. */
export async function lastWords(visit: Visit): Promise<string | null> {
  const { rollout, node, shell, signal } = visit;
  const answer = read(
    await shell.run(node.name, commands.diagnose(rollout.service, rollout.policy.commandTimeout), signal),
  );
  signal.throwIfAborted();
  return answer.is === 'ok' ? lastError(linesOf(answer.output.get('journal') ?? [])) : null;
}
