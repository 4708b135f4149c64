/** @jsxRuntime automatic */
import type { ReactNode } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import type { Suggestion } from '../slack/types.ts';
import { drawLists, firstLook, type ListName, type Lists } from './fragments.tsx';
import { Mark } from './message.tsx';
import type { PageRoom } from './room.ts';
import { Chip } from './views.tsx';

/** The whole page as a newcomer first sees it. */
export function pageHtml(room: PageRoom): string {
  return `<!doctype html>${renderToStaticMarkup(<Page room={room} />)}`;
}

function Page({ room }: { room: PageRoom }): ReactNode {
  const { workspace, options } = room;
  const look = firstLook(room);
  const lists = drawLists(room, look);
  const hasFleet = Boolean(options.fleet ?? options.controls ?? options.tries);
  return (
    <html lang="en">
      <head>
        <meta charSet="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{`#${workspace.channel.name} · zeitwork sandbox`}</title>
        <link rel="stylesheet" href="/page/style.css" />
      </head>
      <body data-as={look.as} data-tab="channel" data-fleet={hasFleet}>
        <aside className="side" aria-label="People">
          <h1>
            <Mark /> zeitwork <small>sandbox</small>
          </h1>
          <List name="status" lists={lists} className="status" />
          <h2>Act as</h2>
          <List name="people" lists={lists} className="people" />
        </aside>
        <main>
          <ChannelHead
            name={workspace.channel.name}
            hasFleet={hasFleet}
            hasNight={options.night !== undefined}
            lists={lists}
          />
          <List name="messages" lists={lists} className="messages" label="Messages" live />
          <Composer
            id="composer"
            label={`Message #${workspace.channel.name}`}
            completions={options.completions ?? []}
          />
        </main>
        <aside className="thread" aria-label="Thread" hidden>
          <header>
            <h2>Thread</h2>
            <button type="button" className="link" data-close-thread aria-label="Close the thread">
              ✕
            </button>
          </header>
          <List name="thread" lists={lists} className="messages" label="Replies" live />
          <Composer id="thread-composer" label="Reply…" completions={[]} />
        </aside>
        {hasFleet && (
          <aside className="fleet" aria-label="Fleet">
            <List name="fleet" lists={lists} className="fleet-list" />
            {options.tries && options.tries.length > 0 && <Tries tries={options.tries} />}
          </aside>
        )}
        <List name="modal" lists={lists} className="modals" />
        <dialog className="confirm-dialog" aria-label="Confirm" />
        <AskTemplate />
        <p className="toast" role="status" hidden />
        <script src="/page/client.js" defer />
      </body>
    </html>
  );
}

/** Filled in by the page's script with what the server wants to be sure of. */
function AskTemplate(): ReactNode {
  return (
    <template className="ask">
      <h2>Are you sure?</h2>
      <p>It cannot be taken back.</p>
      <div className="dialog-buttons">
        <button type="button" className="button plain" data-answer="no">
          Leave it
        </button>
        <button type="button" className="button danger" data-answer="yes">
          Yes
        </button>
      </div>
    </template>
  );
}

type HeadProps = { name: string; hasFleet: boolean; hasNight: boolean; lists: Lists };

function ChannelHead({ name, hasFleet, hasNight, lists }: HeadProps): ReactNode {
  return (
    <header className="head">
      <nav aria-label="Views">
        <button type="button" data-tab-to="channel" aria-current="page">
          <span aria-hidden="true">#</span> {name}
        </button>
        <button type="button" data-tab-to="home">
          Home
        </button>
        <button type="button" data-tab-to="direct">
          Direct<span className="wide-only"> messages</span>{' '}
          <List name="unread" lists={lists} className="unread" inline />
        </button>
        {hasNight && (
          <button type="button" data-tab-to="night">
            Night
          </button>
        )}
        {hasFleet && (
          <button type="button" data-tab-to="fleet" className="narrow-only">
            Fleet
          </button>
        )}
      </nav>
    </header>
  );
}

function Composer({ id, label, completions }: { id: string; label: string; completions: Suggestion[] }): ReactNode {
  return (
    <form className="composer" id={id} data-completions={JSON.stringify(completions)}>
      <div className="suggestions" role="listbox" aria-label="Commands" hidden />
      <textarea rows={1} aria-label={label} placeholder={label} autoComplete="off" spellCheck={false} />
      <button type="submit" className="send" aria-label="Send">
        ↵
      </button>
    </form>
  );
}

function Tries({ tries }: { tries: Suggestion[] }): ReactNode {
  return (
    <section className="card tries">
      <h3>Things to try</h3>
      <ul>
        {tries.map((one) => (
          <li key={one.text}>
            <Chip text={one.text} />
            <span>{one.about}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

type ListProps = { name: ListName; lists: Lists; className: string; label?: string; live?: boolean; inline?: boolean };

function List({ name, lists, className, label, live = false, inline = false }: ListProps): ReactNode {
  const html = lists[name].map(([, piece]) => piece).join('');
  const spoken = { ...(label ? { 'aria-label': label } : {}), ...(live ? { role: 'log', tabIndex: 0 } : {}) };
  const Tag = inline ? 'span' : 'div';
  // biome-ignore lint/security/noDangerouslySetInnerHtml: the pieces were rendered and escaped by React
  return <Tag className={className} data-list={name} {...spoken} dangerouslySetInnerHTML={{ __html: html }} />;
}
