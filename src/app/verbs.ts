import { randomBytes } from 'node:crypto';
import { userInfo } from 'node:os';
import { localActor } from '../base/actor.ts';
import { Refused } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';
import { type Command, isVerb, type Verb } from '../bot/command.ts';
import { helpAbout, usage } from '../bot/commands/help.ts';
import type { Asking, Outcome, Reply } from '../bot/context.ts';
import { parse } from '../bot/parse.ts';
import { isFree } from '../bot/permissions.ts';
import { answer, asText } from '../bot/run.ts';
import { type As, asFlags, readAs } from './cli/as.ts';
import { type Asked, typed } from './cli/ask.ts';
import { type End, Ended } from './cli/exit.ts';
import { jsonLine } from './cli/json.ts';
import { aborted, stoppable } from './cli/live.ts';
import type { Runtime } from './wiring.ts';

/** The same verbs without Slack. Whoever can log in here may look, pause and stop; all else is signed by a person's own key. */
export async function verb(asked: Asked): Promise<End> {
  const { rest, ...as } = readAs(asked.rest, process.env);
  refuseAlmostCommon(rest);
  const reply = await replyTo(typed([asked.word ?? '', ...rest]), as);
  const outcome = reply.outcome ?? 'done';
  const name = asked.word?.toLowerCase() ?? '';
  if (asked.json) console.log(jsonLine(isVerb(name) ? name : null, outcome, Date.now(), reply.facts ?? asText(reply)));
  else if (isAnswer(outcome, reply)) console.log(await answerOf(reply, asked, rest));
  else console.error(asText(reply));
  return outcome;
}

/** A terminal has room for what is too long for a chat, and may keep it. */
async function answerOf(reply: Reply, asked: Asked, rest: string[]): Promise<string> {
  const parsed = parse(typed([asked.word ?? '', ...rest]));
  const command = parsed.is === 'command' ? parsed.command : null;
  if (command?.verb === 'report') return (await import('./report.ts')).reportText(reply, command);
  const to = command?.verb === 'diagnose' ? command.bundle : undefined;
  if (to === undefined || reply.facts === undefined || !('bundle' in reply.facts)) return asText(reply);
  const { bundleText, writeBundle } = await import('./cli/bundle.ts');
  if (to === '-') return bundleText(reply.facts);
  await writeBundle(to, bundleText(reply.facts));
  return `${asText(reply)}\nAll that was captured is in ${to}.`;
}

export const page = (about: Verb): string => asText(helpAbout(about));

/** The chat knows none of these, so its parser could not guess them. */
function refuseAlmostCommon(words: string[]): void {
  for (const word of words) {
    const meant = word.startsWith('--') ? nearest(word.slice(2), ['json', 'help', 'version', ...asFlags]) : null;
    if (meant !== null) throw new Ended('usage', `${word} is not known: did you mean --${meant}?`);
  }
}

/** What cannot be read is told without settings and without Redis. */
async function replyTo(text: string, as: As & { isNamed: boolean }): Promise<Reply> {
  const parsed = parse(text);
  if (parsed.is === 'usage') return usage(parsed.problem, parsed.verb, parsed.input);
  if (parsed.command.verb === 'help') return helpAbout(parsed.command.about);
  const { chosen, openOwnRuntime } = await import('./open.ts');
  const { command } = parsed;
  const which = chosen();
  const { own } = which;
  if (command.verb === 'report' && command.from !== null) {
    const { reportFrom } = await import('./report.ts');
    return reportFrom(own, command.from, command.rollout);
  }
  const { closeRuntime, commandContext } = await import('./wiring.ts');
  const { createLog } = await import('./log.ts');
  // Ctrl-C closes the runtime too: a private Redis that was started for this must not stay behind.
  const reply = await stoppable(async (asked) => {
    const log = createLog('cli', 'warn');
    const { lookWithoutRedis, needsNodesAlone } = await import('./without-redis.ts');
    const runtime = await openOwnRuntime(which, log).catch((error: unknown) => {
      if (!(error instanceof Ended) || error.end !== 'unreachable') throw error;
      if (needsNodesAlone(command)) return error.message;
      throw new Ended('unreachable', `${error.message}. Without it: zeitwork verify, diagnose NODE, return NODE.`);
    });
    if (typeof runtime === 'string')
      return Promise.race([lookWithoutRedis(own, anybody(), command, log, runtime), aborted(asked)]);
    try {
      const context = commandContext(runtime);
      const isSigned = as.isNamed || !isFree(command);
      const asking = isSigned ? await signed(runtime, as, command, text) : anybody();
      return await Promise.race([answer(context, asking, command), aborted(asked)]);
    } finally {
      await closeRuntime(runtime);
    }
  });
  if (!reply) throw new Ended('interrupted', 'interrupted; it is not known what came of it');
  return reply;
}

const anybody = (): Asking => ({ actor: localActor(userInfo().username), rollout: null });

/** The same as this person's click or command in the chat: whoever signs is the one whose Slack id stands beside the key. */
async function signed(runtime: Runtime, as: As, { verb: name }: Command, text: string): Promise<Asking> {
  const { control, clock, settings } = runtime;
  const { people, fleet } = settings;
  const { subjectOf } = await import('../jobs/index.ts');
  const about = (await control.store.open()) ?? (await control.store.latest(1))[0] ?? null;
  const decision = {
    fleet: fleet.name,
    rollout: about?.id ?? null,
    revision: about?.revision ?? null,
    release: about === null ? null : subjectOf(about),
    verb: name,
    arguments: text,
    at: clock.now(),
    nonce: randomBytes(16).toString('hex'),
  };
  const { signDecision, signerOf } = await import('../trust/index.ts');
  const { withKeyOf } = await import('./signer.ts');
  const signed = await withKeyOf(as, people, (file) => signDecision(decision, file));
  const { person } = await signerOf(signed, people, clock.now());
  if (as.as !== null && as.as !== person.name) throw new Refused(`That key is ${person.name}'s, not ${as.as}'s.`);
  return { actor: person.slack, rollout: null, signed };
}

/** What was asked for goes to stdout; why it was not done, to stderr. */
function isAnswer(outcome: Outcome, { facts }: Reply): boolean {
  return outcome === 'done' || outcome === 'wrong' || (outcome === 'unreachable' && facts !== undefined);
}
