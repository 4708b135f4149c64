/** @jsxRuntime automatic */
import type { ReactNode } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { type Block as LibraryBlock, Message, type MessageProps } from 'slack-blocks-to-jsx';
import { isRecord } from '../slack/args.ts';
import type { Workspace } from '../slack/workspace.ts';
import { hideEscapes, showEscapes } from './escapes.ts';

/** One run of Slack's markup. */
export function Mrkdwn({ text, workspace }: { text: string; workspace: Workspace }): ReactNode {
  return <Drawn block={{ type: 'section', text: { type: 'mrkdwn', text } }} workspace={workspace} />;
}

/** A block as slack-blocks-to-jsx draws it. */
export function Drawn({ block, workspace }: { block: unknown; workspace: Workspace }): ReactNode {
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
