import type { Block, KnownBlock } from '@slack/types';
import { cut } from './text.ts';

interface Shown {
  text: string;
  blocks: (KnownBlock | Block)[];
}

/** As in `parts.ts`. */
const textMax = 3_800;
const blocksMax = 50;
const blockId = 'closing';
/** Lines that are put into messages after they were posted; see `stale.ts` too. */
const added = [blockId, 'stale'];

/**
 * What stands in the chat, with one more line and without its buttons: who decided what, and why, is never rewritten. Doing
 * it twice is harmless.
 */
export function closed({ text, blocks }: Shown, line: string): Shown {
  const kept = blocks.filter(({ type, block_id: id }) => type !== 'actions' && !added.includes(id ?? ''));
  // A message whose blocks were refused says everything in its text.
  if (kept.length === 0) return { text: cut(text.includes(line) ? text : `${text}\n${line}`, textMax), blocks: [] };
  const end: KnownBlock = { type: 'section', block_id: blockId, text: { type: 'mrkdwn', text: line, verbatim: true } };
  const said = kept.flatMap(wordsOf).join('\n');
  return {
    text: `${cut(said, textMax - line.length - 1)}\n${line}`,
    blocks: [...kept.slice(0, blocksMax - 1), end],
  };
}

function wordsOf(block: KnownBlock | Block): string[] {
  if ('text' in block && block.text !== undefined) return [textIn(block.text)];
  return 'elements' in block && Array.isArray(block.elements) ? block.elements.map(textIn) : [];
}

function textIn(value: unknown): string {
  const { text } = typeof value === 'object' && value !== null && 'text' in value ? value : { text: '' };
  return typeof text === 'string' ? text : '';
}
