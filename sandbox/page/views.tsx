/** @jsxRuntime automatic */
import type { ReactNode } from 'react';
import type { Person, View } from '../slack/types.ts';
import type { Workspace } from '../slack/workspace.ts';
import { Blocks } from './blocks.tsx';
import { Avatar } from './message.tsx';

/** A person one can act as. */
export function PersonItem({ person, isYou }: { person: Person; isYou: boolean }): ReactNode {
  const faded = person.deleted || person.guest || person.teamId !== undefined;
  return (
    <button
      type="button"
      className={faded ? 'person faded' : 'person'}
      data-key={person.id}
      data-as={person.id}
      aria-pressed={isYou}
    >
      <Avatar person={person} />
      <span>
        <b>{person.realName}</b>
        <small>{person.role ?? `@${person.name}`}</small>
      </span>
    </button>
  );
}

export function HomeItem({ view, workspace }: { view: View; workspace: Workspace }): ReactNode {
  return (
    <div className="home-view" data-key={view.id}>
      <Blocks blocks={view.blocks} where="home" workspace={workspace} />
    </div>
  );
}

export function ModalItem({ view, workspace }: { view: View; workspace: Workspace }): ReactNode {
  return (
    <div className="veil" data-key={view.id}>
      <form className="modal" role="dialog" aria-modal="true" aria-label={view.title} data-modal>
        <header>
          <h2>{view.title}</h2>
          <button type="button" className="link" data-close-modal aria-label="Close">
            ✕
          </button>
        </header>
        <div className="modal-body">
          {view.errors[''] && <p role="alert">{view.errors['']}</p>}
          <Blocks blocks={view.blocks} where="modal" workspace={workspace} errors={view.errors} />
        </div>
        <footer className="dialog-buttons">
          <button type="button" className="button plain" data-close-modal>
            {view.close ?? 'Cancel'}
          </button>
          {view.submit !== null && (
            <button type="submit" className="button primary">
              {view.submit}
            </button>
          )}
        </footer>
      </form>
    </div>
  );
}

/** Made by the product, which escapes all that hosts and people said. */
export function Night({ svg }: { svg: string }): ReactNode {
  // biome-ignore lint/security/noDangerouslySetInnerHtml: a picture that the product drew, not what somebody typed
  return <div className="night-view" data-key="night" dangerouslySetInnerHTML={{ __html: svg }} />;
}

/** What an empty place says. */
export function Empty({ id, title, children }: { id: string; title: string; children: ReactNode }): ReactNode {
  return (
    <div className="empty" data-key={id}>
      <h2>{title}</h2>
      {children}
    </div>
  );
}

export function Chip({ text }: { text: string }): ReactNode {
  return (
    <button type="button" className="chip" data-fill={text} aria-label={`Put ${text} into the composer`}>
      {text}
    </button>
  );
}

export function UnreadCount({ count }: { count: number }): ReactNode {
  return (
    <span className="count" data-key="unread">
      {count} <span className="unseen">unread</span>
    </span>
  );
}
