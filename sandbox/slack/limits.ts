import { isRecord, Refusal } from './args.ts';
import { checkElement } from './limits-elements.ts';
import { characters, checkId, checkText, type Problems } from './limits-text.ts';
import type { Block } from './types.ts';

type Surface = 'message' | 'home' | 'modal';
type Check = (block: Record<string, unknown>, at: string, problems: Problems) => void;

const mostBlocks: Record<Surface, number> = { message: 50, home: 100, modal: 100 };
/** Slack does not write this one down; it was measured at about 13,200. */
const mostCharacters = 13_000;

const checks: Record<string, Check> = {
  divider: () => {},
  header: (block, at, problems) => checkText(block.text, `${at}/text`, 150, problems, 'plain_text'),
  section: checkSection,
  context: (block, at, problems) => each(block.elements, `${at}/elements`, 1, 10, problems, checkContextElement),
  actions: (block, at, problems) => {
    each(block.elements, `${at}/elements`, 1, 25, problems, checkElement);
    refuseTwins(block.elements, 'action_id', `${at}/elements`, problems);
  },
  input: (block, at, problems) => {
    checkText(block.label, `${at}/label`, 2000, problems, 'plain_text');
    if (block.hint !== undefined) checkText(block.hint, `${at}/hint`, 2000, problems, 'plain_text');
    checkElement(block.element, `${at}/element`, problems);
  },
  image: (block, at, problems) => {
    if (typeof block.alt_text !== 'string') problems.push(`missing required field: alt_text [json-pointer:${at}]`);
  },
  markdown: (block, at, problems) => {
    if (typeof block.text !== 'string') problems.push(`missing required field: text [json-pointer:${at}]`);
    else if (characters(block.text) > 12_000)
      problems.push(`must be less than 12001 characters [json-pointer:${at}/text]`);
  },
  table: (block, at, problems) =>
    each(block.rows, `${at}/rows`, 1, 100, problems, (row, place) => each(row, place, 1, 20, problems, () => {})),
  rich_text: (block, at, problems) => each(block.elements, `${at}/elements`, 0, 1000, problems, () => {}),
  plan: (block, at, problems) => checkTitled(block, at, problems),
  task_card: (block, at, problems) => checkTitled(block, at, problems),
  data_visualization: (block, at, problems) => checkTitled(block, at, problems),
};

/**
 * Checks blocks against the limits of their surface and gives each a `block_id`.
 * Throws a `Refusal`: `invalid_blocks` naming every block at fault, or `msg_blocks_too_long`.
 */
export function checkBlocks(value: unknown, surface: Surface, refused: ReadonlySet<string> = new Set()): Block[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new Refusal('invalid_blocks_format', ['[ERROR] blocks must be an array']);
  const problems: Problems = [];
  if (value.length > mostBlocks[surface])
    problems.push(`no more than ${mostBlocks[surface]} items allowed [json-pointer:/blocks]`);
  const blocks = value.map((block: unknown, index) => checkBlock(block, `/blocks/${index}`, refused, problems));
  refuseTwins(blocks, 'block_id', '/blocks', problems);
  if (problems.length > 0)
    throw new Refusal(
      'invalid_blocks',
      problems.map((problem) => `[ERROR] ${problem}`),
    );
  if (surface === 'message' && lengthOfTexts(blocks) > mostCharacters) {
    throw new Refusal('msg_blocks_too_long', [
      `[ERROR] ${lengthOfTexts(blocks)} characters in all blocks, ${mostCharacters} allowed`,
    ]);
  }
  return blocks;
}

function checkBlock(block: unknown, at: string, refused: ReadonlySet<string>, problems: Problems): Block {
  if (!isRecord(block) || typeof block.type !== 'string') {
    problems.push(`missing required field: type [json-pointer:${at}]`);
    return { type: 'unknown' };
  }
  const check = checks[block.type];
  if (!check || refused.has(block.type))
    problems.push(`unsupported block type: ${block.type} [json-pointer:${at}/type]`);
  else check(block, at, problems);
  checkId(block.block_id, `${at}/block_id`, problems);
  return withIds(block, block.type);
}

/** Slack names whatever the app left without a name, so that every action can say where it comes from. */
function withIds(block: Record<string, unknown>, type: string): Block {
  const named = (element: unknown) =>
    isRecord(element) && element.action_id === undefined ? { ...element, action_id: freshId() } : element;
  const blockId = typeof block.block_id === 'string' ? block.block_id : freshId();
  const inside: Record<string, unknown> = {};
  if (type === 'actions' && Array.isArray(block.elements)) inside.elements = block.elements.map(named);
  if (block.accessory !== undefined) inside.accessory = named(block.accessory);
  if (type === 'input') inside.element = named(block.element);
  return { ...block, ...inside, type, block_id: blockId };
}

function freshId(): string {
  return Math.random().toString(36).slice(2, 7);
}

function checkSection(block: Record<string, unknown>, at: string, problems: Problems): void {
  if (block.text === undefined && block.fields === undefined)
    problems.push(`text or fields is required [json-pointer:${at}]`);
  if (block.text !== undefined) checkText(block.text, `${at}/text`, 3000, problems);
  if (block.fields !== undefined) {
    each(block.fields, `${at}/fields`, 1, 10, problems, (field, place) => checkText(field, place, 2000, problems));
  }
  if (block.accessory !== undefined) checkElement(block.accessory, `${at}/accessory`, problems);
}

function checkContextElement(element: unknown, at: string, problems: Problems): void {
  if (isRecord(element) && element.type === 'image') checkElement(element, at, problems);
  else checkText(element, at, 2000, problems);
}

function checkTitled(block: Record<string, unknown>, at: string, problems: Problems): void {
  if (typeof block.title !== 'string') problems.push(`missing required field: title [json-pointer:${at}]`);
}

function each(
  value: unknown,
  at: string,
  fewest: number,
  most: number,
  problems: Problems,
  check: (item: unknown, at: string, problems: Problems) => void,
): void {
  if (!Array.isArray(value)) return void problems.push(`must be an array [json-pointer:${at}]`);
  if (value.length < fewest) problems.push(`no fewer than ${fewest} items allowed [json-pointer:${at}]`);
  if (value.length > most) problems.push(`no more than ${most} items allowed [json-pointer:${at}]`);
  for (const [index, item] of value.entries()) check(item, `${at}/${index}`, problems);
}

function refuseTwins(items: unknown, key: string, at: string, problems: Problems): void {
  const seen = new Set<unknown>();
  for (const item of Array.isArray(items) ? items : []) {
    const id = isRecord(item) ? item[key] : undefined;
    if (id !== undefined && seen.has(id)) problems.push(`${key} "${id}" already exists [json-pointer:${at}]`);
    seen.add(id);
  }
}

function lengthOfTexts(value: unknown): number {
  if (typeof value === 'string') return characters(value);
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + lengthOfTexts(item), 0);
  return isRecord(value) ? Object.values(value).reduce((sum: number, item) => sum + lengthOfTexts(item), 0) : 0;
}
