import { isRecord } from './args.ts';
import type { Block, BlockElement, View } from './types.ts';

/** What a person put in, by action id or block id. Choices are given by their `value`. */
export type Entered = Readonly<Record<string, string | string[]>>;

export type Found = { element: BlockElement; blockId: string };

/** Every element of the blocks a person can act on or fill in. */
export function elementsOf(blocks: readonly Block[]): Found[] {
  return blocks.flatMap((block) => {
    const inside = [
      block.accessory,
      block.element,
      ...(block.type === 'actions' && Array.isArray(block.elements) ? block.elements : []),
    ];
    return inside.filter(isElement).map((element) => ({ element, blockId: block.block_id ?? '' }));
  });
}

function isElement(value: unknown): value is BlockElement {
  return isRecord(value) && typeof value.type === 'string' && value.type !== 'image';
}

export function labelOf(element: BlockElement): string {
  return isRecord(element.text) && typeof element.text.text === 'string' ? element.text.text : '';
}

/** `state.values` of a view, as Slack builds it on submission. */
export function stateOf(view: View, entered: Entered): Record<string, Record<string, unknown>> {
  const values: Record<string, Record<string, unknown>> = {};
  for (const { element, blockId } of elementsOf(view.blocks)) {
    if (element.type === 'button' || element.type === 'overflow') continue;
    const given = entered[element.action_id ?? ''] ?? entered[blockId];
    const value = given === undefined ? initialOf(element) : chosen(element, [given].flat());
    values[blockId] = { ...values[blockId], [element.action_id ?? '']: { type: element.type, ...value } };
  }
  return values;
}

/** The input blocks that must be filled in and are not, with what to tell the person. */
export function missing(view: View, state: Record<string, Record<string, unknown>>): Record<string, string> {
  const required = view.blocks.filter((block) => block.type === 'input' && block.optional !== true);
  const empty = required.filter((block) => Object.values(state[block.block_id ?? ''] ?? {}).every(isEmpty));
  return Object.fromEntries(empty.map((block) => [block.block_id ?? '', 'Please complete this required field.']));
}

function isEmpty(value: unknown): boolean {
  if (!isRecord(value)) return true;
  return Object.entries(value)
    .filter(([key]) => key !== 'type')
    .every(([, one]) => one === null || one === '' || (Array.isArray(one) && one.length === 0));
}

/** The part of an action or of the state that says what was chosen. */
export function chosen(element: BlockElement, given: string[]): Record<string, unknown> {
  const first = given[0] === undefined || given[0] === '' ? null : given[0];
  switch (element.type) {
    case 'button':
      return {};
    case 'static_select':
    case 'radio_buttons':
    case 'overflow':
      return { selected_option: optionsOf(element).find((option) => option.value === first) ?? null };
    case 'multi_static_select':
    case 'checkboxes':
      return {
        selected_options: optionsOf(element).filter(
          (option) => typeof option.value === 'string' && given.includes(option.value),
        ),
      };
    case 'datepicker':
      return { selected_date: first };
    case 'timepicker':
      return { selected_time: first };
    case 'datetimepicker':
      return { selected_date_time: first === null ? null : Number(first) };
    case 'users_select':
      return { selected_user: first };
    case 'multi_users_select':
      return { selected_users: given };
    case 'conversations_select':
      return { selected_conversation: first };
    case 'channels_select':
      return { selected_channel: first };
    default:
      return { value: first };
  }
}

export function optionsOf(element: BlockElement): Record<string, unknown>[] {
  const groups = Array.isArray(element.option_groups) ? element.option_groups.filter(isRecord) : [element];
  return groups.flatMap((group) => (Array.isArray(group.options) ? group.options.filter(isRecord) : []));
}

/** What an untouched field holds, as the list of strings a person would have entered. */
export function initialValues(element: BlockElement): string[] {
  const one = element.initial_option;
  if (isRecord(one) && typeof one.value === 'string') return [one.value];
  if (Array.isArray(element.initial_options)) {
    return element.initial_options
      .filter(isRecord)
      .flatMap((option) => (typeof option.value === 'string' ? [option.value] : []));
  }
  for (const key of [
    'initial_value',
    'initial_date',
    'initial_time',
    'initial_date_time',
    'initial_user',
    'initial_conversation',
  ]) {
    const value = element[key];
    if (typeof value === 'string' || typeof value === 'number') return [String(value)];
  }
  return [];
}

function initialOf(element: BlockElement): Record<string, unknown> {
  return chosen(element, initialValues(element));
}
