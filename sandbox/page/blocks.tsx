/** @jsxRuntime automatic */
import type { ReactNode } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { type Block as LibraryBlock, Message, type MessageProps } from 'slack-blocks-to-jsx';
import { isRecord } from '../slack/args.ts';
import type { Block, BlockElement } from '../slack/types.ts';
import type { Workspace } from '../slack/workspace.ts';
import { Control, InputBlock } from './elements.tsx';
import { hideEscapes, showEscapes } from './escapes.ts';

/** Where a click on these blocks is reported from: a message timestamp, `home` or `modal`. */
export type Where = string;

type Props = { blocks: readonly Block[]; where: Where; workspace: Workspace; errors?: Record<string, string> };

/** Draws blocks: what a person acts on by hand, everything else by slack-blocks-to-jsx. */
export function Blocks({ blocks, where, workspace, errors = {} }: Props): ReactNode {
  return blocks.map((block) => (
    <OneBlock key={block.block_id} block={block} where={where} workspace={workspace} errors={errors} />
  ));
}

function OneBlock({ block, where, workspace, errors }: Omit<Required<Props>, 'blocks'> & { block: Block }): ReactNode {
  const blockId = block.block_id ?? '';
  const control = (element: BlockElement) => (
    <Control key={element.action_id} element={element} blockId={blockId} where={where} workspace={workspace} />
  );
  if (block.type === 'actions') return <div className="actions">{elements(block.elements).map(control)}</div>;
  if (block.type === 'input') return <InputBlock block={block} workspace={workspace} error={errors[blockId]} />;
  const [accessory] = elements([block.accessory]);
  if (accessory === undefined || accessory.type === 'image') return <Drawn block={block} workspace={workspace} />;
  const { accessory: _drawnHere, ...rest } = block;
  return (
    <div className="with-accessory">
      <Drawn block={rest} workspace={workspace} />
      {control(accessory)}
    </div>
  );
}

function elements(value: unknown): BlockElement[] {
  const isElement = (one: unknown): one is BlockElement => isRecord(one) && typeof one.type === 'string';
  return Array.isArray(value) ? value.filter(isElement) : [];
}

/** One run of Slack's markup. */
export function Mrkdwn({ text, workspace }: { text: string; workspace: Workspace }): ReactNode {
  return <Drawn block={{ type: 'section', text: { type: 'mrkdwn', text } }} workspace={workspace} />;
}

function Drawn({ block, workspace }: { block: unknown; workspace: Workspace }): ReactNode {
  const hidden = hideEscapes(block);
  if (!isLibraryBlock(hidden)) return null;
  const html = showEscapes(markupOf(hidden, workspace));
  // The library gives every message the same id and fixes its theme; both are the page's to decide.
  const bare = html.replaceAll(/ id="[^"]*"/g, '').replaceAll(' data-theme="light"', '');
  // biome-ignore lint/security/noDangerouslySetInnerHtml: React rendered and escaped it in markupOf
  return <div className="drawn" dangerouslySetInnerHTML={{ __html: bare }} />;
}

/** A block that the library cannot draw must not take the page down with it. */
function markupOf(block: LibraryBlock, workspace: Workspace): string {
  try {
    return renderToStaticMarkup(
      <Message name="" logo="" blocks={[block]} withoutWrapper data={names(workspace)} hooks={hooks} />,
    );
  } catch (error) {
    return renderToStaticMarkup(
      <p role="alert">
        This {block.type} block could not be drawn here: {String(error)}
      </p>,
    );
  }
}

function isLibraryBlock(block: unknown): block is LibraryBlock {
  return isRecord(block) && typeof block.type === 'string';
}

function names(workspace: Workspace): NonNullable<MessageProps['data']> {
  return {
    users: workspace.people.map(({ id, name }) => ({ id, name })),
    channels: [workspace.channel],
    user_groups: workspace.groups.map(({ id, handle }) => ({ id, name: handle })),
  };
}

/** Dates are written by the browser, in the zone of whoever reads; until then they show their fallback. */
const hooks: NonNullable<MessageProps['hooks']> = {
  date: ({ timestamp, format, fallback }) => (
    <time data-at={Number(timestamp) * 1000} data-format={format} title={fallback}>
      {fallback}
    </time>
  ),
};
