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
/** Connecting may take longer than that: then the file is looked for again. */
const rounds = 6;

/** The same shell, which looks for the file right before everything that changes a node. @throws Halted while it lies there */
export function heeding(shell: Shell, ask: () => Promise<Halt>, clock: Pick<Clock, 'monotonic'>): Shell {
  const heed = async () => {
    const said = await ask();
    if (said.is === 'lies') throw new Halted(said.reason);
  };
  return {
    async run(node, command, signal) {
      if (command.looks) return shell.run(node, command, signal);
      const until = clock.monotonic() + (command.sendWithinMs ?? rounds * soon);
      for (;;) {
        await heed();
        const asked = clock.monotonic();
        const within = Math.min(soon, until - asked);
        const outcome = await shell.run(node, { ...command, sendWithinMs: Math.max(0, within) }, signal);
        const isLate = outcome.is === 'unreachable' && clock.monotonic() - asked >= soon;
        if (!isLate || clock.monotonic() >= until || signal?.aborted) return outcome;
      }
    },
    async put(...what) {
      await heed();
      return shell.put(...what);
    },
    ...(shell.becomes === undefined ? {} : { becomes: (node: string) => shell.becomes?.(node) ?? 'sudo' }),
    close: () => shell.close(),
  };
}
