import { minute } from '../base/duration.ts';
import { rolloutFacts } from '../bot/facts/rollout.ts';
import { asText } from '../bot/run.ts';
import { headline } from '../bot/views/ending.ts';
import { mainParts } from '../bot/views/main.ts';
import { isOpen } from '../upgrade/rollout/index.ts';
import type { Rollout } from '../upgrade/rollout/types.ts';
import { type End, Ended } from './cli/exit.ts';
import { jsonLine } from './cli/json.ts';
import { stoppable } from './cli/live.ts';
import { freshLines, type Watched, watch } from './cli/watch.ts';
import { createLog } from './log.ts';
import { chosen, openOwnRuntime } from './open.ts';
import { closeRuntime, type Runtime } from './wiring.ts';

const everyMs = 500;
const patienceMs = minute;

interface Seen extends Watched {
  rollout: Rollout;
}

/** Follows a rollout, the open one when none is named, until it is over or Ctrl-C. */
export async function watchRollout(id: string | null, json: boolean): Promise<End> {
  const ended = await stoppable(async (asked): Promise<End | null> => {
    const unread = new AbortController();
    // Nobody reads any more, e.g. `zeitwork watch | head -1`.
    process.stdout.once('error', () => unread.abort());
    const runtime = await openOwnRuntime(chosen(), createLog('cli', 'warn'));
    try {
      const { rollout } = await named(runtime, id);
      const seen = await watch({
        look: () => named(runtime, rollout.id),
        show: json ? showJson : showing(),
        onSilence: () => console.error('zeitwork: the store does not answer; trying on'),
        signal: AbortSignal.any([asked, unread.signal]),
        everyMs,
        patienceMs,
      });
      return seen === null ? null : endOf(seen.rollout);
    } finally {
      await closeRuntime(runtime);
    }
  });
  return ended ?? 'interrupted';
}

const endOf = ({ status }: Rollout): End => (status.is === 'done' ? 'done' : 'wrong');

/** @throws Ended when there is none */
async function named({ control, settings: { fleet } }: Runtime, id: string | null): Promise<Seen> {
  const rollout = id === null ? await control.store.open() : await control.store.load(id);
  if (rollout === null || rollout.fleet !== fleet.name) {
    throw new Ended('refused', id === null ? 'Nothing is running.' : `There is no rollout ${id}; see history.`);
  }
  return { rollout, revision: rollout.revision, over: !isOpen(rollout) };
}

function showJson({ rollout, over }: Seen): void {
  console.log(jsonLine('watch', over ? endOf(rollout) : null, Date.now(), { rollout: rolloutFacts(rollout) }));
}

/** All of it at first, then what changed. Buttons are for those who can press them. */
function showing(): (seen: Seen) => void {
  let before = '';
  return ({ rollout, over }) => {
    const parts = mainParts(rollout).filter(({ is }) => is !== 'buttons');
    const text = asText({ parts });
    const time = new Date().toISOString().slice(11, 19);
    for (const line of freshLines(text, before)) console.log(before === '' ? line : `${time}Z  ${line}`);
    before = text;
    if (over) console.log(asText({ parts: [{ is: 'lines', lines: [headline(rollout)] }] }));
  };
}
