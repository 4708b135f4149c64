import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Command } from '../bot/command.ts';
import type { Asking, CommandContext, Reply } from '../bot/context.ts';
import { answer } from '../bot/run.ts';
import { foreign } from '../bot/views/text.ts';
import type { Settings } from '../config/index.ts';
import { createElsewhere } from '../jobs/index.ts';
import type { Control } from '../jobs/types.ts';
import { openShelves } from '../releases/index.ts';
import { diagnoseNode, surveyNode } from '../upgrade/host/index.ts';
import { createProbe } from '../upgrade/http/index.ts';
import { emptyLedger } from '../upgrade/ledger/index.ts';
import { serviceOf } from '../upgrade/rollout/index.ts';
import { createShell } from '../upgrade/ssh/index.ts';
import { systemClock } from './clock.ts';
import { checksOf, commandContext } from './wiring.ts';

/** Verbs that only nodes have to answer. */
export const needsNodesAlone = ({ verb }: Command): boolean => verb === 'verify' || verb === 'diagnose';

/**
 * The same look straight from this machine, over SSH and HTTP with the settings of its worker.
 * @param why Redis cannot be asked, in words
 */
export async function lookWithoutRedis(
  settings: Settings,
  asking: Asking,
  command: Command,
  log: Logger,
  why: string,
): Promise<Reply> {
  const { fleet, hosts, healthUrls } = settings;
  const clock = systemClock();
  const shell = createShell(hosts, { transferTimeoutMs: fleet.policy.transferTimeout });
  const releases = openShelves(settings.releases, fleet, join(settings.stateDir, 'releases'));
  try {
    const control = nodesAlone(settings, shell, createProbe(healthUrls), clock);
    const elsewhere = createElsewhere(settings.proven, clock);
    const context: CommandContext = commandContext({ settings, control, releases, elsewhere, clock, log });
    const reply = await answer(context, asking, command);
    const head = `Redis cannot be asked (${foreign(why, 200)}): looked at from this machine, over SSH. What is under way, and what was recorded, is not known.`;
    return {
      ...reply,
      parts: [{ is: 'lines', lines: [head] }, ...reply.parts],
      ...(reply.facts === undefined ? {} : { facts: { ...reply.facts, without: 'redis' } }),
    };
  } finally {
    await shell.close();
  }
}

/** What nodes answer; a store of which nothing is known, and that says nothing about them. */
function nodesAlone(
  settings: Settings,
  shell: ReturnType<typeof createShell>,
  probe: ReturnType<typeof createProbe>,
  clock: ReturnType<typeof systemClock>,
): Control {
  const { fleet } = settings;
  const limit = fleet.policy.commandTimeout;
  const checks = checksOf(settings, shell, clock);
  const asked = async (name: string, timeoutMs: number) =>
    checks === null ? {} : { checks: await checks(name, 'all', AbortSignal.timeout(timeoutMs)) };
  return onlyThese<Control>({
    store: onlyThese<Control['store']>({
      open: async () => null,
      latest: async () => [],
      // Whether runs were forgotten cannot be told: none is called unknown.
      lastEpoch: async () => Number.MAX_SAFE_INTEGER,
    }),
    ledger: onlyThese<Control['ledger']>({ load: async () => emptyLedger }),
    note: () => undefined,
    survey: (nodes, timeoutMs, how) =>
      Promise.all(
        nodes.map(async ({ name, region }) => {
          const [seen, found] = await Promise.all([
            surveyNode(name, region, serviceOf(fleet, name), shell, probe, clock, limit),
            how === 'checked' ? asked(name, timeoutMs) : {},
          ]);
          return { ...seen, ...found };
        }),
      ),
    diagnose: ({ name }) =>
      diagnoseNode(name, serviceOf(fleet, name), shell, probe, limit, undefined, { now: () => clock.now() }),
  });
}

/** Whatever else is asked was not meant to be: it fails, rather than to make something up. */
function onlyThese<T extends object>(known: Partial<T>): T {
  return new Proxy(known as T, {
    get(target, key) {
      if (key in target) return Reflect.get(target, key);
      throw new Error(`${String(key)} needs Redis`);
    },
  });
}
