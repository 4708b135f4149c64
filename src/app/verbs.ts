import { userInfo } from 'node:os';
import { localActor } from '../base/actor.ts';
import { nearest } from '../base/nearest.ts';
import { isVerb, type Verb } from '../bot/command.ts';
import { helpAbout, usage } from '../bot/commands/help.ts';
import type { Outcome, Reply } from '../bot/context.ts';
import { parse } from '../bot/parse.ts';
import { answer, asText } from '../bot/run.ts';
import { type Asked, typed } from './cli/ask.ts';
import { type End, Ended } from './cli/exit.ts';
import { jsonLine } from './cli/json.ts';
import { aborted, stoppable } from './cli/live.ts';

/** The same verbs without Slack: whoever can log in here and read the settings holds every role. */
export async function verb(asked: Asked): Promise<End> {
  refuseAlmostCommon(asked.rest);
  const reply = await replyTo(typed([asked.word ?? '', ...asked.rest]));
  const outcome = reply.outcome ?? 'done';
  const name = asked.word?.toLowerCase() ?? '';
  if (asked.json) console.log(jsonLine(isVerb(name) ? name : null, outcome, Date.now(), reply.facts ?? asText(reply)));
  else if (isAnswer(outcome, reply)) console.log(asText(reply));
  else console.error(asText(reply));
  return outcome;
}

export const page = (about: Verb): string => asText(helpAbout(about));

/** The chat knows none of these, so its parser could not guess them. */
function refuseAlmostCommon(words: string[]): void {
  for (const word of words) {
    const meant = word.startsWith('--') ? nearest(word.slice(2), ['json', 'help', 'version']) : null;
    if (meant !== null) throw new Ended('usage', `${word} is not known: did you mean --${meant}?`);
  }
}

/** What cannot be read is told without settings and without Redis. */
async function replyTo(text: string): Promise<Reply> {
  const parsed = parse(text);
  if (parsed.is === 'usage') return usage(parsed.problem, parsed.verb, parsed.input);
  if (parsed.command.verb === 'help') return helpAbout(parsed.command.about);
  const { openOwnRuntime, settings } = await import('./open.ts');
  const asking = { actor: localActor(userInfo().username), rollout: null };
  const own = settings();
  const { closeRuntime, commandContext } = await import('./wiring.ts');
  const { createLog } = await import('./log.ts');
  // Ctrl-C closes the runtime too: a private Redis that was started for this must not stay behind.
  const reply = await stoppable(async (asked) => {
    const runtime = await openOwnRuntime(own, createLog('cli', 'warn'));
    try {
      return await Promise.race([answer(commandContext(runtime), asking, parsed.command), aborted(asked)]);
    } finally {
      await closeRuntime(runtime);
    }
  });
  if (!reply) throw new Ended('interrupted', 'interrupted; it is not known what came of it');
  return reply;
}

/** What was asked for goes to stdout; why it was not done, to stderr. */
function isAnswer(outcome: Outcome, { facts }: Reply): boolean {
  return outcome === 'done' || outcome === 'wrong' || (outcome === 'unreachable' && facts !== undefined);
}
