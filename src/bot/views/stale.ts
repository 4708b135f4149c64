import type { Block, KnownBlock } from '@slack/types';
import { cut } from './text.ts';

interface Shown {
  text: string;
  blocks: Block[];
}

const blockId = 'stale';
/** As in `parts.ts`, less the line that is put before. */
const textMax = 3_800;
const blocksMax = 50;

/**
 * The message with a first line that says plainly why nothing in it is current, and without its buttons.
 * @param known the revision that the store has; 0 when it does not know the rollout
 * @param painted the revision that the message shows
 * @param again whether it begins with such a line already, which is replaced
 */
export function staled({ text, blocks }: Shown, known: number, painted: number, again: boolean) {
  const line = known === 0 ? unknown : putBack(known, painted);
  const said = again ? text.slice(text.indexOf('\n') + 1) : text;
  const head: KnownBlock = { type: 'section', block_id: blockId, text: { type: 'mrkdwn', text: line, verbatim: true } };
  const kept = blocks.filter(({ type, block_id: id }) => type !== 'actions' && id !== blockId);
  return {
    text: cut(`${line}\n${said}`, textMax),
    // A message whose blocks were refused says everything in its text.
    blocks: blocks.length === 0 ? [] : [head, ...kept].slice(0, blocksMax),
  };
}

const unknown =
  '‼ *This rollout is no longer known to the store* (Redis was emptied or put back). Nothing here is current, and its buttons are gone. `/zeitwork verify` says what the nodes run.';

const putBack = (known: number, painted: number): string =>
  `‼ *The store was put back to before this message* (revision ${known}, painted ${painted}). Nothing here is current until the rollout goes on, and its buttons are gone. \`/zeitwork status\` says what is known, \`/zeitwork verify\` what the nodes run.`;
