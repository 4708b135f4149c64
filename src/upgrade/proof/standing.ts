import { short } from '../../base/hash.ts';
import { read } from '../host/answer.ts';
import * as commands from '../host/commands.ts';
import { type Observation, readObservation } from '../host/observation.ts';
import { reportOf } from '../host/reports.ts';
import type { Proof, Service } from '../rollout/types.ts';
import type { Shell } from '../ssh/types.ts';
import type { ProofLook } from './types.ts';

/** Whether a finished node still is what was proven: the same image, on disk too, in the same process. Never throws. */
export async function stillProven(
  node: string,
  proof: Proof,
  service: Service,
  shell: Shell,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<ProofLook> {
  const answer = read(await shell.run(node, commands.glance(service, timeoutMs), signal));
  if (answer.is === 'ok') return compare(readObservation(answer.output), proof);
  const report = reportOf(answer, 'unknown');
  return { is: 'unseen', reason: `cannot be looked at: ${'reason' in report ? report.reason : ''}` };
}

function compare({ unit, image, disk }: Observation, proof: Proof): ProofLook {
  const broken = (reason: string): ProofLook => ({ is: 'broken', reason });
  const { invocation, restarts } = unit;
  const restarted = (reason: string): ProofLook => ({ is: 'broken', reason, runs: { invocation, restarts } });
  if (unit.mainPid === 0) return broken(`the service does not run (${unit.active}/${unit.sub})`);
  if (image !== proof.sha256) return broken(`runs another image (${image === null ? 'unreadable' : short(image)})`);
  if (disk !== proof.sha256) return broken('somebody replaced the file on disk');
  if (restarts > proof.restarts) {
    return restarted(`systemd restarted it since it was proven (${proof.restarts} -> ${restarts} restarts)`);
  }
  if (invocation !== proof.invocation) return restarted('was restarted since it was proven');
  return { is: 'holds' };
}
