import type { Runtime } from '../src/app/wiring.ts';
import { packOf, picture } from '../src/upgrade/report/index.ts';

/** Often enough to be watched, ms; a long journal, which is read as a whole each time, is drawn less often. */
const every = 1_000;

/** The newest rollout as a picture, drawn anew while it changes. `svg` is what was drawn last; null before the first. */
export function drawnNight(runtime: () => Runtime | null): { svg(): string | null; close(): Promise<void> } {
  let drawn: { of: string; svg: string } | null = null;
  let latest = Promise.resolve();
  const draw = async (): Promise<void> => {
    const opened = runtime();
    if (opened === null) return;
    const { control, settings } = opened;
    const [newest] = await control.store.latest(1);
    const of = newest === undefined ? null : `${newest.id} ${newest.revision}`;
    if (newest === undefined || of === null || of === drawn?.of) return;
    const names = Object.fromEntries(settings.people.map(({ slack, name }) => [slack, name]));
    drawn = { of, svg: picture(packOf((await control.written(newest.id)).lines), names) };
  };
  const drawAgain = async (): Promise<void> => {
    const began = performance.now();
    // What cannot be read now is drawn the next time.
    await draw().catch(() => undefined);
    if (closed) return;
    timer = setTimeout(next, Math.max(every, 10 * (performance.now() - began))).unref();
  };
  const next = () => {
    latest = drawAgain();
  };
  let closed = false;
  let timer = setTimeout(next, every).unref();
  return {
    svg: () => drawn?.svg ?? null,
    async close() {
      closed = true;
      clearTimeout(timer);
      await latest;
    },
  };
}
