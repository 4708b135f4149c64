import type { InputBlock, ModalView, PlainTextOption } from '@slack/types';
import { isVersion } from '../../base/version.ts';
import { strategies } from '../../upgrade/rollout/index.ts';
import { strategyNames } from '../../upgrade/rollout/types.ts';
import type { Command, When } from '../command.ts';
import type { UpgradeWish } from '../parse.ts';
import { message } from '../views/parts.ts';
import { clip } from '../views/text.ts';

/** Callback id of the form that asks what to upgrade to. */
export const upgradeForm = 'zw:form:upgrade';

/** What can be chosen now. */
export interface Choices {
  /** Oldest first. */
  versions: readonly string[];
  regions: readonly string[];
  /** The time that was given, epoch ms. */
  at: number | null;
}

const mostOptions = 100;
const title = { type: 'plain_text', text: 'Upgrade', emoji: false } as const;
const plain = (text: string) => ({ type: 'plain_text', text, emoji: false }) as const;
const option = (value: string, words = value): PlainTextOption => ({ text: plain(clip(words, 75)), value });

const starts = {
  windows: 'As soon as the windows allow',
  next: 'When the next window opens',
  at: 'Not before a time',
} as const;
type Start = keyof typeof starts;

/** The form, with what was given filled in. @param metadata comes back with what is submitted */
export function upgradeView(wish: UpgradeWish, { versions, regions, at }: Choices, metadata: string): ModalView {
  const newest = [...versions].reverse().slice(0, mostOptions);
  const known = newest.filter((each) => each === wish.version).map((each) => option(each));
  const chosen = (wish.regions ?? []).filter((each) => regions.includes(each)).map((each) => option(each));
  const start = at !== null ? 'at' : wish.when.is === 'next' ? 'next' : 'windows';
  const blocks: ModalView['blocks'] = [
    field('version', 'Version', {
      ...{ type: 'static_select', action_id: 'version', placeholder: plain('What can be installed, newest first') },
      options: newest.map((each) => option(each)),
      ...(known[0] === undefined ? {} : { initial_option: known[0] }),
    }),
    field('strategy', 'Strategy', {
      ...{ type: 'static_select', action_id: 'strategy' },
      options: strategyNames.map(strategyOption),
      initial_option: strategyOption(wish.strategy ?? 'regions'),
    }),
    ...(regions.length > mostOptions ? [] : [regionsField(regions, chosen)]),
    field('start', 'Start', {
      ...{ type: 'radio_buttons', action_id: 'start' },
      options: Object.entries(starts).map(([value, words]) => option(value, words)),
      initial_option: option(start, starts[start]),
    }),
    {
      ...field('time', 'Time', {
        ...{ type: 'datetimepicker', action_id: 'time' },
        ...(at === null ? {} : { initial_date_time: Math.floor(at / 1_000) }),
      }),
      optional: true,
      hint: plain('Only for “Not before a time”. In your own time zone; the plan tells it in that of each region.'),
    },
    {
      type: 'context',
      block_id: 'note',
      elements: [plain('This shows a plan, to you alone. Nothing starts before you confirm it.')],
    },
  ];
  return {
    ...{ type: 'modal', callback_id: upgradeForm, private_metadata: metadata, title, blocks },
    ...{ submit: plain('Show the plan'), close: plain('Cancel') },
  };
}

const strategyOption = (name: keyof typeof strategies): PlainTextOption =>
  option(name, `${name}: ${strategies[name].way}`);

function regionsField(regions: readonly string[], chosen: PlainTextOption[]): InputBlock {
  return {
    ...field('regions', 'Regions', {
      ...{ type: 'multi_static_select', action_id: 'regions', placeholder: plain('All of them') },
      options: regions.map((each) => option(each)),
      ...(chosen.length === 0 ? {} : { initial_options: chosen }),
    }),
    optional: true,
  };
}

const field = (id: string, label: string, element: InputBlock['element']): InputBlock => ({
  ...{ type: 'input', block_id: id, label: plain(label), element },
});

/** In the place of the form: why there is none, or where to look. */
export function saying(lines: string[]): ModalView {
  const { blocks } = message([{ is: 'lines', lines }], 'form');
  return { type: 'modal', callback_id: 'zw:form:said', title, close: plain('Close'), blocks };
}

/** What Slack says that was put in: by block, then by action. */
export type Entered = Readonly<Record<string, Readonly<Record<string, Field>>>>;
interface Field {
  selected_option?: { value?: string | undefined } | null | undefined;
  selected_options?: readonly { value?: string | undefined }[] | null | undefined;
  selected_date_time?: number | null | undefined;
}

export type Read =
  | { is: 'command'; command: Extract<Command, { verb: 'upgrade' }> }
  /** What is wrong, by the id of the block that it stands in. */
  | { is: 'wrong'; errors: Record<string, string> };

/**
 * A form that came back, as the command that somebody would have typed. Only what the form offered is taken, whatever comes;
 * whether there is such a release, and who may, the command finds out itself. `regions` and `now` (epoch ms) are those of now.
 */
export function readUpgradeForm(
  entered: Entered,
  kept: Pick<UpgradeWish, 'limit' | 'rehearse' | 'dryRun'>,
  { regions, now }: { regions: readonly string[]; now: number },
): Read {
  const one = (id: string) => entered[id]?.[id]?.selected_option?.value ?? '';
  const version = one('version');
  const strategy = strategyNames.find((name) => name === one('strategy'));
  const chosen = (entered.regions?.regions?.selected_options ?? []).map(({ value = '' }) => value);
  const when = whenOf(one('start'), entered.time?.time?.selected_date_time ?? null, now);
  const errors = {
    ...(isVersion(version) && version.startsWith('v') ? {} : { version: 'Choose one of the versions.' }),
    ...(strategy === undefined ? { strategy: 'Choose one of the strategies.' } : {}),
    ...(chosen.every((each) => regions.includes(each)) ? {} : { regions: 'Choose among the regions.' }),
    ...(typeof when === 'string' ? { [one('start') === 'at' ? 'time' : 'start']: when } : {}),
  };
  if (Object.keys(errors).length > 0 || strategy === undefined || typeof when === 'string')
    return { is: 'wrong', errors };
  const all = chosen.length === 0 || regions.every((each) => chosen.includes(each));
  const command = { verb: 'upgrade', version, strategy, when, regions: all ? null : chosen, ...kept } as const;
  return { is: 'command', command };
}

function whenOf(start: string, seconds: number | null, now: number): When | string {
  if (!isStart(start)) return 'Choose when it starts.';
  if (start === 'windows') return { is: 'windows' };
  if (start === 'next') return { is: 'next' };
  if (seconds === null || !Number.isSafeInteger(seconds)) return 'Give the time before which nothing begins.';
  const at = seconds * 1_000;
  if (at <= now) return 'That is over. Give a time that is to come.';
  if (at > now + furthest) return 'That is more than a year ahead.';
  return { is: 'at', text: `${new Date(at).toISOString().slice(0, 16)}Z` };
}

const furthest = 366 * 86_400_000;

const isStart = (word: string): word is Start => Object.hasOwn(starts, word);
