import type { Look, Ui } from './ui.ts';

/** Talks to the server: what the person looks at, what the person does. */
export function connection(ui: Ui): void {
  let socket: WebSocket | null = null;
  /** Who was acted as before a reload; a sandbox of before may have had other people. */
  const remembered = () => {
    const as = sessionStorage.getItem('as') ?? '';
    return document.querySelector(`.person[data-as="${CSS.escape(as)}"]`) ? as : null;
  };
  ui.onPatch = [];
  ui.toEnd = true;
  ui.look = { as: remembered() ?? document.body.dataset.as ?? '', tab: 'channel', thread: null };

  ui.setLook = (change: Partial<Look>) => {
    Object.assign(ui.look, change);
    sessionStorage.setItem('as', ui.look.as);
    ui.toEnd = true;
    document.body.dataset.as = ui.look.as;
    document.body.dataset.tab = ui.look.tab;
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(ui.look));
  };

  ui.act = async (what) => {
    try {
      const body = JSON.stringify({ as: ui.look.as, tab: ui.look.tab, ...what });
      const response = await fetch('/page/act', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
      const answer = await response.json();
      if (answer.ask) return (await ui.asked(answer.ask)) && ui.act({ ...what, sure: true });
      if (answer.told) ui.toast(answer.told);
      return answer.ok === true;
    } catch {
      ui.toast('The sandbox does not answer. Is it still running?');
      return false;
    }
  };

  const connect = () => {
    socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/page/live`);
    socket.onopen = () => {
      document.body.classList.remove('offline');
      ui.setLook({});
    };
    socket.onmessage = (message) =>
      window.dispatchEvent(new CustomEvent('lists', { detail: JSON.parse(message.data).lists }));
    socket.onclose = () => {
      document.body.classList.add('offline');
      setTimeout(connect, 1000);
    };
  };
  window.addEventListener('DOMContentLoaded', connect);
}
