import type { Actor } from '../base/actor.ts';
import { Refused } from '../base/errors.ts';
import { isAny } from '../base/is-any.ts';
import { Incompatible } from '../upgrade/rollout/index.ts';
import type { Command } from './command.ts';
import { Denied, refusal, Unanswered } from './commands/common.ts';
import { usage } from './commands/help.ts';
import { perform } from './commands/index.ts';
import { type Asking, type CommandContext, ended, type Reply, say, withFacts } from './context.ts';
import { compatibleFacts } from './facts/compatible.ts';
import { isLooking } from './looks.ts';
import { parse } from './parse.ts';
import { refusedNote } from './refused-note.ts';
import { message } from './views/parts.ts';
import { ownWords, span, toTerminal } from './views/text.ts';

/** What was typed after `/zeitwork`, or on the local command line. Never throws: every trouble becomes an answer. */
export async function runCommand(context: CommandContext, actor: Actor, text: string): Promise<Reply> {
  const parsed = parse(text);
  if (parsed.is === 'usage') return usage(parsed.problem, parsed.verb, parsed.input);
  return answer(context, { actor, rollout: null }, parsed.command);
}

/** A parsed command, typed or clicked. Never throws. */
export async function answer(context: CommandContext, asking: Asking, command: Command): Promise<Reply> {
  try {
    const wait = isLooking(command) ? context.looks.tooMany(asking.actor) : null;
    if (wait !== null) return tooMany(context, asking, command, wait);
    const reply = await perform(context, asking, command);
    noteLook(context, asking, command);
    return reply;
  } catch (error) {
    if (error instanceof Denied) return ended('denied', say(error.message));
    if (error instanceof Incompatible) return incompatible(error);
    if (error instanceof Refused) return refusal(error);
    if (error instanceof Unanswered) return ended('unreachable', say(ownWords(error.message, 1_500)));
    const reference = context.newId();
    context.log.error({ err: error, reference, verb: command.verb, actor: asking.actor }, 'command failed');
    const look = 'look with `/zeitwork status` before you try again';
    return (await storeAnswers(context))
      ? ended(
          'bug',
          say(
            `That failed on our side and it is not clear what came of it: ${look}. Reference: ${ownWords(reference, 60)}`,
          ),
        )
      : ended(
          'unreachable',
          say(`The store does not answer, and it is not clear what came of this: when it is back, ${look}.`),
        );
  }
}

/** The same for programs, mismatch by mismatch. */
const incompatible = (error: Incompatible): Reply =>
  withFacts({ message: error.message, compatible: compatibleFacts(error.verdict) }, refusal(error));

/** Whoever had nodes looked at is noted, with what. */
function noteLook({ control, clock }: CommandContext, { actor: by }: Asking, command: Command): void {
  const { verb } = command;
  const isLook =
    isAny(verb, 'verify', 'diagnose', 'status', 'drift') || (command.verb === 'rollback' && command.dryRun);
  if (!isLook) return;
  const node = command.verb === 'diagnose' ? { node: command.node } : {};
  control.note({ type: 'looked', at: clock.now(), by, with: verb, ...node });
}

function tooMany(context: CommandContext, { actor }: Asking, { verb }: Command, wait: number): Reply {
  refusedNote(context, { actor, what: verb, reason: 'too many looks within a minute' });
  const line = `That was a lot of looking for one minute, and the nodes have other work too. Ask again in ${span(wait)}.`;
  return ended('refused', say(line));
}

/** Tells a store that is away from a mistake of ours: whatever failed, asking again settles it. */
async function storeAnswers({ control }: CommandContext): Promise<boolean> {
  return control.store.load('-').then(
    () => true,
    () => false,
  );
}

/** An answer as plain text for a terminal. */
export function asText({ parts }: Reply): string {
  return toTerminal(message(parts, 'reply').text).replaceAll('/zeitwork ', 'zeitwork ');
}
