/** @jsxRuntime automatic */
import type { ReactElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import type { ChannelMessage } from '../slack/types.ts';
import type { Workspace } from '../slack/workspace.ts';
import { Clock, Counter, Region } from './fleet.tsx';
import { MessageItem } from './message.tsx';
import type { PageRoom } from './room.ts';
import { Chip, Empty, HomeItem, ModalItem, Night, PersonItem, UnreadCount } from './views.tsx';

/** What one browser is looking at. */
export type Look = {
  as: string;
  tab: 'channel' | 'direct' | 'home' | 'night';
  thread: string | null;
  /** The last direct message that was seen, by person. */
  seen: ReadonlyMap<string, string>;
};

/** The page as named lists of keyed pieces of HTML, so that only what changed is sent. */
export type Lists = Record<ListName, [key: string, html: string][]>;
export type ListName = 'unread' | 'people' | 'messages' | 'thread' | 'fleet' | 'modal' | 'status';

export function drawLists(room: PageRoom, look: Look): Lists {
  return {
    people: drawPeople(room, look),
    unread: drawUnread(room, look),
    messages: drawMain(room, look),
    thread: drawThread(room, look),
    fleet: drawFleet(room),
    modal: drawModal(room, look),
    status: drawStatus(room),
  };
}

/** A newcomer is the first person of the workspace and sees the channel. */
export function firstLook({ workspace }: PageRoom): Look {
  return { as: workspace.people[0]?.id ?? '', tab: 'channel', thread: null, seen: new Map() };
}

export function placeOf(room: PageRoom, look: Pick<Look, 'as' | 'tab'>): string {
  return look.tab === 'direct' ? room.workspace.direct(look.as) : room.workspace.channel.id;
}

function drawPeople({ workspace }: PageRoom, look: Look): [string, string][] {
  const persons = workspace.people.filter((person) => !person.bot);
  return persons.map((person) => item(person.id, <PersonItem person={person} isYou={person.id === look.as} />));
}

function drawMain(room: PageRoom, look: Look): [string, string][] {
  if (look.tab === 'night') return drawNight(room);
  return look.tab === 'home' ? drawHome(room, look) : drawMessages(room, look);
}

function drawNight({ options }: PageRoom): [string, string][] {
  const svg = options.night?.() ?? null;
  if (svg !== null) return [item('night', <Night svg={svg} />)];
  const empty = (
    <Empty id="no-night" title="No night yet">
      <p>Once an upgrade was started, it is drawn here from its journal, node by node.</p>
    </Empty>
  );
  return [item('no-night', empty)];
}

function drawMessages(room: PageRoom, look: Look): [string, string][] {
  const { workspace } = room;
  const place = placeOf(room, look);
  const seen = workspace.all().filter((message) => isSeen(message, place, look.as));
  if (seen.length > 0) return seen.map((message) => drawMessage(workspace, message, false));
  return [look.tab === 'direct' ? noDirect : emptyChannel(room)];
}

function isSeen(message: ChannelMessage, place: string, as: string): boolean {
  if (message.channel !== place) return false;
  return message.visibleTo === null
    ? message.threadTs === null || message.broadcast
    : message.visibleTo === as && !message.threadTs;
}

function drawThread({ workspace }: PageRoom, look: Look): [string, string][] {
  if (look.thread === null) return [];
  const { thread } = look;
  const seen = workspace.all().filter((one) => one.ts === thread || one.threadTs === thread);
  return seen
    .filter((message) => message.visibleTo === null || message.visibleTo === look.as)
    .map((message) => drawMessage(workspace, message, true));
}

/** Drawing is what costs time here, and a message that was not edited looks the same unless its thread grew. */
function drawMessage(workspace: Workspace, message: ChannelMessage, inThread: boolean): [string, string] {
  const replies = workspace.replies(message.channel, message.ts).at(-1)?.ts;
  const root = message.threadTs ? workspace.find(message.channel, message.threadTs)?.text : '';
  const variant = [inThread, replies, root].join(' ');
  const known = drawn.get(message);
  if (known?.variant === variant) return [message.ts, known.html];
  const [key, html] = item(message.ts, <MessageItem message={message} workspace={workspace} inThread={inThread} />);
  drawn.set(message, { variant, html });
  return [key, html];
}

const drawn = new WeakMap<ChannelMessage, { variant: string; html: string }>();

function drawUnread({ workspace }: PageRoom, look: Look): [string, string][] {
  const last = look.seen.get(look.as) ?? '';
  const count =
    look.tab === 'direct' ? 0 : workspace.lasting(workspace.direct(look.as)).filter(({ ts }) => ts > last).length;
  return count === 0 ? [] : [item('unread', <UnreadCount count={count} />)];
}

function drawHome({ workspace }: PageRoom, look: Look): [string, string][] {
  const view = workspace.homes.get(look.as);
  if (view) return [item(view.id, <HomeItem view={view} workspace={workspace} />)];
  const empty = (
    <Empty id="no-home" title="Nothing here yet">
      <p>The app has not published a Home tab for you.</p>
    </Empty>
  );
  return [item('no-home', empty)];
}

function drawModal({ workspace }: PageRoom, look: Look): [string, string][] {
  const view = workspace.modals.get(look.as)?.at(-1);
  return view ? [item(view.id, <ModalItem view={view} workspace={workspace} />)] : [];
}

function drawFleet({ options }: PageRoom): [string, string][] {
  const { fleet, controls } = options;
  const lists: [string, string][] = [];
  if (controls) {
    // Rounded, so that the piece is sent again only when the clock jumped.
    const offsetMs = Math.round((controls.now() - Date.now()) / 1000) * 1000;
    const clock = (
      <Clock offsetMs={offsetMs} canJump={Boolean(controls.jumpToNextWindow)} canReset={Boolean(controls.resetFleet)} />
    );
    lists.push(item('clock', clock));
  }
  if (!fleet) return lists;
  const nodes = fleet.nodes();
  const { fewestHealthy } = fleet.counter();
  const regions = [...new Set(nodes.map((node) => node.region))].map((name) => {
    const own = nodes.filter((node) => node.region === name);
    return item(
      `region-${name}`,
      <Region name={name} nodes={own} fewest={fewestHealthy[name]} faults={fleet.faults()} />,
    );
  });
  return [...lists, item('counter', <Counter fleet={fleet} />), ...regions];
}

function drawStatus({ connections }: PageRoom): [string, string][] {
  const isConnected = connections() > 0;
  return [
    item(
      'status',
      <p className={isConnected ? 'bot-status on' : 'bot-status'} data-key="status">
        <span aria-hidden="true">{isConnected ? '●' : '○'}</span>{' '}
        {isConnected ? 'zeitwork is connected' : 'zeitwork is not connected'}
      </p>,
    ),
  ];
}

function emptyChannel({ workspace, options }: PageRoom): [string, string] {
  const hint = options.hint ?? '/zeitwork help';
  return item(
    'empty',
    <Empty id="empty" title={`Welcome to #${workspace.channel.name}`}>
      <p>This is a sandbox: the real bot and a small fleet of its own. Nothing you do here can hurt anyone.</p>
      <p>Start by typing</p>
      <Chip text={hint} />
      <p>and press Enter. You can be somebody else at any time: choose a person on the left.</p>
    </Empty>,
  );
}

const noDirect = item(
  'no-direct',
  <Empty id="no-direct" title="No direct messages">
    <p>What zeitwork tells you alone appears here.</p>
  </Empty>,
);

function item(key: string, element: ReactElement): [string, string] {
  return [key, renderToStaticMarkup(element)];
}
