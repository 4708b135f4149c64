import type { ActionsBlock, KnownBlock } from '@slack/types';
import { clip, cut } from './text.ts';

/** A button names its object and effect; what it means comes from the store, not from the button. */
export interface Button {
  label: string;
  /** Becomes the action id; unique within a message. */
  action: string;
  reference: Reference;
  style?: 'primary' | 'danger';
  confirm?: { title: string; text: string; yes: string };
  /** The same, typed: for `text`, for the command line, and when buttons cannot be shown. */
  typed: string;
}

/**
 * `r`: rollout or plan, `g`: what of it (a region, a scope, a node), `v`: revision when it was painted, `o`: what was known
 * then (`knownNow`), where that must not have moved.
 */
export interface Reference {
  r: string;
  g: string;
  v: number;
  o?: string;
}

/** What a message consists of; blocks and text are both made from it, so that they say the same. */
export type Part =
  | { is: 'title'; text: string }
  | { is: 'lines'; lines: string[] }
  | { is: 'note'; text: string }
  | { is: 'code'; text: string }
  | { is: 'buttons'; buttons: Button[] };

export interface Message {
  text: string;
  blocks: KnownBlock[];
}

const sectionMax = 2_900;
/** Slack refuses messages of about 13,000 characters; the rest is for the frame around the text. */
const messageMax = 9_000;
const textMax = 3_800;

/** @param tag goes into the block ids, e.g. `main.12`: key and revision */
export function message(parts: Part[], tag: string): Message {
  const kept = withinBudget(parts);
  const blocks = kept.flatMap(toBlocks).slice(0, 50);
  return {
    text: cut(kept.map(toText).filter(Boolean).join('\n'), textMax),
    blocks: blocks.map((block, index) => ({ ...block, block_id: clip(`${tag}.${index}`, 250) })),
  };
}

/** Cuts lines, never buttons, and says how many are missing. */
function withinBudget(parts: Part[]): Part[] {
  let left = messageMax;
  return parts.map((part) => {
    if (part.is !== 'lines') return part;
    const lines: string[] = [];
    for (const line of part.lines) {
      if (line.length + 1 > left) break;
      left -= line.length + 1;
      lines.push(line);
    }
    const missing = part.lines.length - lines.length;
    return { ...part, lines: missing === 0 ? lines : [...lines, `… and ${missing} more lines`] };
  });
}

function toBlocks(part: Part): KnownBlock[] {
  switch (part.is) {
    case 'title':
      return [{ type: 'header', text: { type: 'plain_text', text: clip(part.text, 150), emoji: false } }];
    case 'lines':
      return chunks(part.lines).map((text) => ({ type: 'section', text: { type: 'mrkdwn', text, verbatim: true } }));
    case 'note':
      return [{ type: 'context', elements: [{ type: 'mrkdwn', text: cut(part.text, 1_900), verbatim: true }] }];
    case 'code':
      return part.text === ''
        ? []
        : [{ type: 'section', text: { type: 'mrkdwn', text: fence(part.text), verbatim: true } }];
    case 'buttons':
      return part.buttons.length === 0 ? [] : [actions(part.buttons)];
  }
}

function actions(buttons: Button[]): ActionsBlock {
  return {
    type: 'actions',
    elements: buttons.map(({ label, action, reference, style, confirm }) => ({
      type: 'button',
      text: { type: 'plain_text', text: clip(label, 75), emoji: false },
      action_id: clip(`zw:${action}`, 255),
      value: JSON.stringify(reference),
      ...(style === undefined ? {} : { style }),
      ...(confirm === undefined ? {} : { confirm: dialog(confirm, style) }),
    })),
  };
}

function dialog(confirm: NonNullable<Button['confirm']>, style: Button['style']) {
  return {
    title: { type: 'plain_text' as const, text: clip(confirm.title, 100) },
    text: { type: 'plain_text' as const, text: clip(confirm.text, 300) },
    confirm: { type: 'plain_text' as const, text: clip(confirm.yes, 30) },
    deny: { type: 'plain_text' as const, text: 'No' },
    ...(style === undefined ? {} : { style }),
  };
}

function chunks(lines: string[]): string[] {
  const found: string[] = [];
  for (const line of lines.map((each) => cut(each, sectionMax))) {
    const last = found.at(-1);
    if (last !== undefined && last.length + 1 + line.length <= sectionMax) found[found.length - 1] = `${last}\n${line}`;
    else found.push(line);
  }
  return found.filter((text) => text.trim() !== '');
}

const fence = (text: string) => `\`\`\`\n${cut(text, sectionMax - 10)}\n\`\`\``;

function toText(part: Part): string {
  switch (part.is) {
    case 'title':
    case 'note':
      return part.text;
    case 'lines':
      return part.lines.join('\n');
    case 'code':
      return part.text === '' ? '' : fence(part.text);
    case 'buttons':
      return part.buttons.map(typedOf).join('\n');
  }
}

/** A button for those who cannot press it. */
export const typedOf = ({ label, typed }: Button): string => `${label}: /zeitwork ${typed}`;

/** The message with a link at its end; unchanged when there is none. */
export function withLink({ text, blocks }: Message, link: string | null): Message {
  if (link === null) return { text, blocks };
  const last: KnownBlock = { type: 'section', block_id: 'link', text: { type: 'mrkdwn', text: link, verbatim: true } };
  return { text: `${text}\n${link}`, blocks: [...blocks, last] };
}
