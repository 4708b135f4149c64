import type { Clock } from '../base/clock.ts';
import type { Halt } from '../upgrade/rollout/types.ts';
import type { Shell } from '../upgrade/ssh/types.ts';

/** Whether somebody stopped everything by a file on this machine, now. Never throws. */
export type AskHalt = (region: string) => Promise<Halt>;

/** Nothing was sent: somebody stopped everything. */
export class Halted extends Error {
  override readonly name = 'Halted';
}

/** What was not sent so soon after the file was looked for is not sent, ms: whoever stops everything waits for nobody. */
const soon = 1_900;
/** How often the file is looked for during a transfer, ms. */
const lookEvery = 1_000;
/** Connecting may take longer than that: then the file is looked for again. */
const rounds = 6;

/** The same shell, which looks for the file right before everything that changes a node. @throws Halted while it lies there */
export function heeding(shell: Shell, ask: () => Promise<Halt>, clock: Pick<Clock, 'monotonic' | 'sleep'>): Shell {
  const heed = async () => {
    const said = await ask();
    if (said.is === 'lies') throw new Halted(said.reason);
  };
  const watch = async (over: AbortSignal, cut: AbortController) => {
    while (!over.aborted) {
      await clock.sleep(lookEvery, over);
      const said = await ask();
      if (said.is === 'lies' && !over.aborted) return cut.abort(new Halted(said.reason));
    }
  };
  return {
    async run(node, command, signal) {
      if (command.looks) return shell.run(node, command, signal);
      const until = clock.monotonic() + (command.sendWithinMs ?? rounds * soon);
      for (;;) {
        const asked = clock.monotonic();
        await heed();
        // The look itself may have taken its time.
        const within = Math.min(asked + soon, until) - clock.monotonic();
        const outcome = await shell.run(node, { ...command, sendWithinMs: Math.max(0, within) }, signal);
        const isLate = outcome.is === 'unreachable' && clock.monotonic() - asked >= soon;
        if (!isLate || clock.monotonic() >= until || signal?.aborted) return outcome;
      }
    },
    /** A transfer may take minutes, and as long to begin: it is cut short, and what has arrived by then is used by nobody. */
    async put(node, from, remotePath, signal) {
      await heed();
      const over = new AbortController();
      const cut = new AbortController();
      const signals = AbortSignal.any([cut.signal, ...(signal ? [signal] : [])]);
      void watch(over.signal, cut).catch(() => undefined);
      try {
        const sent = await shell.put(node, from, remotePath, signals);
        cut.signal.throwIfAborted();
        return sent;
      } catch (error) {
        throw cut.signal.aborted ? cut.signal.reason : error;
      } finally {
        over.abort();
      }
    },
    ...(shell.becomes === undefined ? {} : { becomes: (node: string) => shell.becomes?.(node) ?? 'sudo' }),
    close: () => shell.close(),
  };
}
