import type { Ui } from './ui.ts';

/** Writes times in the reader's own zone, and makes the sandbox's clock tick. */
export function times(ui: Ui): void {
  const write = (at: number, options: Intl.DateTimeFormatOptions) => new Date(at).toLocaleString(undefined, options);
  const formats: Record<string, Intl.DateTimeFormatOptions> = {
    date_num: { year: 'numeric', month: '2-digit', day: '2-digit' },
    date: { year: 'numeric', month: 'long', day: 'numeric' },
    date_short: { year: 'numeric', month: 'short', day: 'numeric' },
    date_long: { weekday: 'long', year: 'numeric', month: 'long', day: 'numeric' },
    time: { hour: '2-digit', minute: '2-digit', hour12: false },
    time_secs: { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false },
  };

  const writeAll = () => {
    for (const element of document.querySelectorAll<HTMLTimeElement>('time[data-at]')) {
      const at = Number(element.dataset.at);
      const format = element.dataset.format ?? '{time}';
      const text = format.replace(/\{(\w+?)(_pretty)?\}/g, (token, name: string) => {
        const options = formats[name];
        return options ? write(at, options) : token;
      });
      if (element.textContent !== text) element.textContent = text;
      element.dateTime = new Date(at).toISOString();
      element.title ||= write(at, { dateStyle: 'full', timeStyle: 'medium' });
    }
  };

  const tick = () => {
    for (const clock of document.querySelectorAll<HTMLElement>('[data-clock]')) {
      const now = new Date(Date.now() + Number(clock.dataset.clock));
      const day = now.toLocaleDateString('en-GB', {
        weekday: 'short',
        day: 'numeric',
        month: 'short',
        timeZone: 'UTC',
      });
      clock.innerHTML = `<b>${now.toISOString().slice(11, 19)}</b> UTC <span>${day}</span>`;
    }
  };

  ui.onPatch.push(writeAll, tick);
  setInterval(tick, 1000);
  window.addEventListener('DOMContentLoaded', () => {
    writeAll();
    tick();
  });
}
