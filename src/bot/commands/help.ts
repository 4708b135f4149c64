import { redact } from '../../base/redact.ts';
import { isVerb, manual, type Verb, verbs } from '../command.ts';
import { ended, type Reply, say, withFacts } from '../context.ts';
import { permit, type Right } from '../permissions.ts';
import { foreign, who } from '../views/text.ts';
import { approverMentions } from '../views/words.ts';
import { demand, type Handler } from './common.ts';

export const help: Handler<'help'> = async (_deps, _asking, { about }) => helpAbout(about);

/** Needs nothing but the manual; null: all verbs. */
export const helpAbout = (about: Verb | null): Reply => (about === null ? overview() : page(about));

function overview(): Reply {
  const lines = verbs
    .filter(isVerb)
    .map((verb) => `\`${manual[verb].usage.replace(/ \[--.*/, ' […]')}\`  ${manual[verb].what}`);
  return say('*Commands*, each after `/zeitwork`:', ...lines, '`help VERB` shows one with an example.');
}

function page(verb: Verb): Reply {
  const { usage, what, example } = manual[verb];
  return say(`\`/zeitwork ${usage}\``, `${what}. For example: \`/zeitwork ${example}\``);
}

/** Which keys hold secrets only the settings know. */
const withoutValues = (text: string): string => text.replace(/=(?!V\b)\S+/g, '=…');

/** What could not be read, with the input as it was understood. */
export function usage(problem: string, verb: Verb | null, input: string): Reply {
  const hint = verb === null ? 'See `/zeitwork help`.' : `Usage: \`/zeitwork ${manual[verb].usage}\``;
  const shown = (text: string): string => redact(verb === 'config' ? withoutValues(text) : text);
  const lines = [
    `Nothing was done: ${foreign(shown(problem), 300)}`,
    `You wrote: \`${foreign(shown(input), 200)}\``,
    hint,
  ];
  return ended('usage', say(...lines));
}

export const whoami: Handler<'whoami'> = async (context, asking) => {
  await demand(context, asking, { is: 'look' });
  const { actor } = asking;
  const rights: [string, Right][] = [
    ['look', { is: 'look' }],
    ['start', { is: 'start' }],
    ["override windows, replace somebody's work and adopt", { is: 'override' }],
    ['diagnose', { is: 'diagnose' }],
    ['pause and stop', { is: 'halt' }],
    ['freeze and roll back', { is: 'go-back' }],
    ['unfreeze, resume and retry', { is: 'go-on' }],
  ];
  const verdicts = await Promise.all(
    rights.map(async ([what, right]) => ({ what, right: right.is, ...(await permit(context, actor, right, 'look')) })),
  );
  const may = verdicts.filter(({ is }) => is === 'allowed');
  const { regions } = context.fleet;
  const lines = regions.map(({ name, approvers }) => `• ${foreign(name, 80)}: ${approverMentions(approvers)}`);
  return withFacts(
    {
      actor,
      rights: may.map(({ right }) => right),
      approvers: regions.map(({ name, approvers: { users, groups } }) => ({ region: name, users, groups })),
    },
    say(
      `You are ${who(actor)} (${foreign(actor, 60)}).`,
      may.length === 0 ? 'You may do nothing here.' : `You may ${may.map(({ what }) => what).join('; ')}.`,
      'Regions are approved by:',
      ...lines,
    ),
  );
};
