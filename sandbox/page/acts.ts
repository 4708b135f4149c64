import { type Args, isRecord, Refusal, required, text } from '../slack/args.ts';
import type { Entered } from '../slack/forms.ts';
import * as persons from '../slack/persons.ts';
import * as views from '../slack/persons-views.ts';
import type { Outcome, Question } from '../slack/types.ts';
import { placeOf } from './fragments.tsx';
import type { PageRoom } from './room.ts';

/** A sentence for the person, a question that comes first, or nothing. */
type Answer = string | Question | null;
type Act = (room: PageRoom, args: Args, as: string) => Promise<Answer>;

/** Everything the page's script can ask for. */
const acts: Record<string, Act> = {
  say: async ({ workspace, desk, ...rest }, args, as) => {
    const line = required(args, 'text').trim();
    const thread = text(args, 'thread');
    const tab = text(args, 'tab') === 'direct' ? 'direct' : 'channel';
    const place = placeOf({ workspace, desk, ...rest }, { as, tab });
    if (!line.startsWith('/')) await persons.say(desk, as, line, thread, place);
    else if (thread !== null) return `${line.split(' ')[0]} is not supported in threads. Sorry!`;
    else await persons.command(desk, as, line, place);
    return null;
  },
  click: async ({ desk }, args, as) => {
    const where = required(args, 'where');
    const match = required(args, 'match');
    const picked = [text(args, 'pick') ?? []].flat();
    if (where !== 'home' && where !== 'modal') {
      await persons.click(desk, as, where, match, picked);
      return null;
    }
    return failure(await views.clickView(desk, as, where, match, picked));
  },
  submit: async ({ desk }, args, as) => {
    await views.submit(desk, as, entered(args.values));
    return null;
  },
  closeModal: async ({ desk }, _args, as) => {
    await views.closeModal(desk, as);
    return null;
  },
  openHome: async ({ desk }, _args, as) => {
    await views.openHome(desk, as);
    return null;
  },
  dismiss: async ({ workspace }, args, as) => {
    const message = workspace.ephemerals(as).find((one) => one.ts === text(args, 'ts'));
    if (message) workspace.remove(message);
    return null;
  },
  inject: async ({ options }, args) => {
    if (!options.fleet) throw new Refusal('no_fleet');
    await options.fleet.inject(required(args, 'node'), required(args, 'fault'));
    return null;
  },
  jump: async ({ options }) => (await options.controls?.jumpToNextWindow?.()) ?? null,
  reset: async ({ options }, args) => {
    const question = args.sure === true ? null : ((await options.controls?.beforeReset?.()) ?? null);
    if (question !== null) return question;
    await options.controls?.resetFleet?.();
    return 'The fleet is as it was at the start.';
  },
};

/** Does what a person asked for on the page. Throws a `Refusal` when it makes no sense. */
export async function act(room: PageRoom, args: Args): Promise<Answer> {
  const run = acts[required(args, 'do')];
  if (!run) throw new Refusal('unknown_act');
  const as = room.workspace.person(required(args, 'as'));
  return run(room, args, as.id);
}

function failure(outcome: Outcome): string | null {
  return outcome.acked ? null : `The app did not answer (${outcome.error}).`;
}

function entered(value: unknown): Entered {
  if (!isRecord(value)) return {};
  const isText = (one: unknown): one is string => typeof one === 'string';
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, [one].flat().filter(isText)]));
}
