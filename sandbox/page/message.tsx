/** @jsxRuntime automatic */
import type { ReactNode } from 'react';
import type { ChannelMessage, Person } from '../slack/types.ts';
import { bot, type Workspace } from '../slack/workspace.ts';
import { Blocks } from './blocks.tsx';
import { Mrkdwn } from './drawn.tsx';

type Props = { message: ChannelMessage; workspace: Workspace; inThread?: boolean };

/** One message, with its marks, buttons and the way into its thread. */
export function MessageItem({ message, workspace, inThread = false }: Props): ReactNode {
  const author = workspace.people.find((person) => person.id === message.user);
  const kind = message.visibleTo === null ? '' : ' ephemeral';
  return (
    <article className={`message${kind}`} data-key={message.ts} data-ts={message.ts}>
      {message.visibleTo !== null && <OnlyYou ts={message.ts} />}
      {message.broadcast && !inThread && <FromThread message={message} workspace={workspace} />}
      <Avatar person={author} />
      <div className="said">
        <header>
          <b>{author?.bot ? author.name : author?.realName}</b>
          {author?.bot && <span className="badge">app</span>}
          <time data-at={Math.round(Number(message.ts) * 1000)} data-format="{time}" />
        </header>
        {message.blocks.length > 0 ? (
          <Blocks blocks={message.blocks} where={message.ts} workspace={workspace} />
        ) : (
          <Mrkdwn text={message.text} workspace={workspace} />
        )}
        {message.edits > 0 && (
          <span className="edited" title={`edited ${message.edits} times`}>
            (edited)
          </span>
        )}
        <Reactions message={message} />
        {!inThread && <ThreadLink message={message} workspace={workspace} />}
      </div>
    </article>
  );
}

export function Avatar({ person }: { person: Person | undefined }): ReactNode {
  if (person?.id === bot.id) {
    return (
      <span className="avatar app" aria-hidden="true">
        <Mark />
      </span>
    );
  }
  const hue = [...(person?.id ?? '')].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0) * 67) % 360, 40);
  const initials = (person?.realName ?? '?').split(' ').map((word) => [...word][0]);
  return (
    <span className="avatar" style={{ background: `oklch(0.85 0.08 ${hue})` }} aria-hidden="true">
      {initials.slice(0, 2)}
    </span>
  );
}

/** The mark of the product: a clock that turns upwards. */
export function Mark(): ReactNode {
  return (
    <svg
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="2.4"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d="M20.5 12a8.5 8.5 0 1 1-2.7-6.2" />
      <path d="M20.8 2.6v4.2h-4.2" />
      <path d="M12 7.6V12l3 1.8" />
    </svg>
  );
}

function OnlyYou({ ts }: { ts: string }): ReactNode {
  return (
    <p className="mark">
      <span aria-hidden="true">◉</span> Only visible to you
      <button type="button" className="link" data-dismiss={ts}>
        Dismiss
      </button>
    </p>
  );
}

function FromThread({ message, workspace }: { message: ChannelMessage; workspace: Workspace }): ReactNode {
  const root = workspace.find(message.channel, message.threadTs ?? '');
  return (
    <p className="mark">
      <span aria-hidden="true">↪</span> replied to a thread:
      <button type="button" className="link" data-thread={message.threadTs}>
        {excerpt(root?.text ?? 'a message')}
      </button>
    </p>
  );
}

function ThreadLink({ message, workspace }: { message: ChannelMessage; workspace: Workspace }): ReactNode {
  const root = message.threadTs ?? message.ts;
  if (message.visibleTo !== null || message.broadcast) return null;
  const replies = workspace.replies(message.channel, root);
  const last = replies.at(-1);
  if (!last) {
    return (
      <button type="button" className="link reply" data-thread={root}>
        Reply in thread
      </button>
    );
  }
  return (
    <button type="button" className="thread-link" data-thread={root}>
      <b>{replies.length === 1 ? '1 reply' : `${replies.length} replies`}</b> last at{' '}
      <time data-at={Math.round(Number(last.ts) * 1000)} data-format="{time}" />
    </button>
  );
}

function Reactions({ message }: { message: ChannelMessage }): ReactNode {
  return message.reactions.map((reaction) => (
    <span key={reaction.name} className="reaction">
      :{reaction.name}: {reaction.users.length}
    </span>
  ));
}

function excerpt(text: string): string {
  const plain = text.replace(/<[^>|]*\|?([^>]*)>/g, '$1').replace(/[*~`]|\b_|_\b/g, '');
  return plain.length > 60 ? `${[...plain].slice(0, 60).join('')}…` : plain;
}
