import { inSeconds } from '../../base/duration.ts';
import { redact } from '../../base/redact.ts';
import type { Output } from '../host/answer.ts';
import * as commands from '../host/commands.ts';
import { runScript } from '../host/look.ts';
import { failed, failedForNow, reportOf, succeeded } from '../host/reports.ts';
import type { Report } from '../rollout/types.ts';
import { fresh, leftToSend } from './stop.ts';
import type { Step } from './types.ts';

/** How long a command that is not over yet is left alone before it is run again, ms. */
const lookAgain = 2_000;

const tooOld = `the gates took longer than ${inSeconds(fresh)} to ask: what they saw was too old to act on`;

/** EX_TEMPFAIL of sysexits.h: not over yet. */
const underWay = '75';

/** Takes the node out of service, when the gates allow it; nothing was sent when they do not. */
export const drain: Step = async (context) => {
  const { clock } = context;
  const asked = clock.monotonic();
  const gates = await context.gates({ down: false, unchanged: true });
  context.signal.throwIfAborted();
  if (gates.length > 0) return { is: 'gated', gates, unchanged: true };
  const left = leftToSend(asked, clock.monotonic());
  if (left < 0) return { is: 'later', reason: tooOld, after: lookAgain };
  const answer = await runScript(context, { ...commands.traffic(context, 'drain'), sendWithinMs: left });
  return answer.is === 'ok' ? judge('drain', answer.output) : reportOf(answer, 'unknown');
};

/** Puts the node back into service. */
export const undrain: Step = async (context) => {
  const answer = await runScript(context, commands.traffic(context, 'undrain'));
  return answer.is === 'ok' ? judge('undrain', answer.output) : reportOf(answer, 'unknown');
};

function judge(name: 'drain' | 'undrain', output: Output): Report {
  const lines = output.get('traffic') ?? [];
  const code = lines.at(-1)?.replace(/^exit /, '') ?? '';
  const told = redact(lines.slice(0, -1).join('\n')).split('\n');
  const said = (told.findLast((line) => line.trim() !== '') ?? '').slice(0, 200);
  if (code === '0') return succeeded();
  if (code === underWay) return { is: 'later', reason: said || `${name} is under way`, after: lookAgain };
  const reason = `the command for ${name} ended with exit code ${code}${said === '' ? '' : `: ${said}`}`;
  return code === '126' || code === '127' ? failed(reason) : failedForNow(reason);
}
