import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { isRecord, text } from '../slack/args.ts';
import { drawLists, firstLook, type ListName, type Lists, type Look } from './fragments.tsx';
import type { PageRoom } from './room.ts';

type Viewer = { socket: WebSocket; look: Look; seen: Map<string, string>; sent: Map<string, string> };
type Change = { order: string[]; changed: Record<string, string> };

const drawWithinMs = 25;
/** The fleet has no events of its own: it is looked at this often. */
const lookAtFleetEveryMs = 500;

/** Keeps every open page up to date by sending the pieces of HTML that changed. */
export function livePages(room: PageRoom) {
  const viewers = new Set<Viewer>();
  const acceptor = new WebSocketServer({ noServer: true });
  let due: NodeJS.Timeout | null = null;

  const drawSoon = () => {
    due ??= setTimeout(() => {
      due = null;
      for (const viewer of viewers) update(room, viewer);
    }, drawWithinMs).unref();
  };
  const unsubscribe = room.workspace.onChange(drawSoon);
  const ticker = setInterval(drawSoon, lookAtFleetEveryMs).unref();

  return {
    take(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
      acceptor.handleUpgrade(request, socket, head, (accepted) => {
        const viewer: Viewer = { socket: accepted, look: firstLook(room), seen: new Map(), sent: new Map() };
        viewers.add(viewer);
        accepted.on('close', () => viewers.delete(viewer));
        accepted.on('error', () => accepted.terminate());
        accepted.on('message', (data) => {
          viewer.look = { ...readLook(room, String(data)), seen: viewer.seen };
          update(room, viewer);
        });
      });
      return true;
    },
    close(): void {
      unsubscribe();
      clearInterval(ticker);
      if (due) clearTimeout(due);
      for (const { socket } of viewers) socket.terminate();
    },
  };
}

function update(room: PageRoom, viewer: Viewer): void {
  const { as, tab } = viewer.look;
  if (tab === 'direct') viewer.seen.set(as, room.workspace.lasting(room.workspace.direct(as)).at(-1)?.ts ?? '');
  const lists = changes(drawLists(room, viewer.look), viewer.sent);
  if (Object.keys(lists).length > 0) viewer.socket.send(JSON.stringify({ lists }));
}

const orderKey = '#order';

/** What is new since it was last sent, remembering it as sent. */
function changes(lists: Lists, sent: Map<string, string>): Record<string, Change> {
  const found: Record<string, Change> = {};
  for (const name of Object.keys(lists).filter((key): key is ListName => key in lists)) {
    const pieces = lists[name];
    const order = pieces.map(([key]) => key);
    const changed = Object.fromEntries(pieces.filter(([key, html]) => sent.get(`${name}/${key}`) !== html));
    const sameOrder = sent.get(name + orderKey) === order.join(' ');
    if (sameOrder && Object.keys(changed).length === 0) continue;
    for (const key of sent.keys())
      if (key.startsWith(`${name}/`) && !order.includes(key.slice(name.length + 1))) sent.delete(key);
    for (const [key, html] of pieces) sent.set(`${name}/${key}`, html);
    sent.set(name + orderKey, order.join(' '));
    found[name] = { order, changed };
  }
  return found;
}

function readLook(room: PageRoom, data: string): Omit<Look, 'seen'> {
  const first = firstLook(room);
  try {
    const parsed: unknown = JSON.parse(data);
    const said = isRecord(parsed) ? parsed : {};
    const as = text(said, 'as');
    const tab = text(said, 'tab');
    const isKnown = room.workspace.people.some((person) => person.id === as);
    return {
      as: as !== null && isKnown ? as : first.as,
      tab: tab === 'home' || tab === 'direct' || tab === 'night' ? tab : 'channel',
      thread: text(said, 'thread'),
    };
  } catch {
    return first;
  }
}
