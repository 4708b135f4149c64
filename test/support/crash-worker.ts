import { openRedis, startWorker } from '../../src/jobs/index.ts';
import { createProbe } from '../../src/upgrade/http/index.ts';
import { stillProven } from '../../src/upgrade/proof/index.ts';
import type { StepName } from '../../src/upgrade/rollout/types.ts';
import { createShell } from '../../src/upgrade/ssh/index.ts';
import type { Shell } from '../../src/upgrade/ssh/types.ts';
import { steps } from '../../src/upgrade/steps/index.ts';
import type { Step, Steps } from '../../src/upgrade/steps/types.ts';
import { workerParts } from '../jobs/fixtures/parts.ts';
import type { Orders } from './crash-points.ts';

/**
 * A worker as it ships, on real Redis and over real SSH, that names each boundary which it passes, and ends at one of them as
 * by `kill -9`. What it is made of is left alone: its lines are seen where they leave for Redis, its commands where they leave
 * for a node.
 */
const [, , text = ''] = process.argv;
const orders: Orders = JSON.parse(text);

async function pass(boundary: string): Promise<void> {
  if (boundary === orders.dieAt) {
    process.kill(process.pid, 'SIGKILL');
    await new Promise(() => undefined);
  }
  process.send?.(boundary);
}

const redis = await openRedis(null, orders.stateDir);
watchLines();
const shell = createShell(Object.fromEntries(orders.nodes.map((node) => [node.name, node])));
const probe = createProbe(Object.fromEntries(orders.nodes.map(({ name, healthUrl }) => [name, healthUrl])));
const { service, policy } = orders.fleet;
await startWorker(
  workerParts(redis, {
    fleet: orders.fleet,
    regions: orders.fleet.regions.map(({ name }) => name),
    shell,
    probe,
    steps: watched(steps),
    archives: async () => orders.archive,
    stillProven: (node, proof, signal) => stillProven(node, proof, service, shell, policy.commandTimeout, signal),
  }),
);
process.send?.('ready');

/** Every line of a journal is saved by one script, which brings it as one of its arguments. */
function watchLines(): void {
  const wire = redis.patient();
  const send = wire.sendCommand.bind(wire);
  wire.sendCommand = ((command, ...more) => {
    const line = command.name === 'eval' ? command.args.map(String).map(lineOf).find(Boolean) : undefined;
    if (line === undefined) return send(command, ...more);
    return pass(`before the line "${line}"`)
      .then(() => send(command, ...more))
      .then(async (answer) => {
        await pass(`after the line "${line}"`);
        return answer;
      });
  }) as typeof send;
}

function lineOf(argument: string): string | undefined {
  if (!argument.startsWith('{"at":')) return undefined;
  const { event } = JSON.parse(argument);
  return [event.type, event.step, event.report?.is, event.region].filter(Boolean).join(' ');
}

function watched(all: Steps): Steps {
  const around =
    (name: StepName, step: Step): Step =>
    (context) =>
      step({ ...context, shell: watchedShell(name, context.shell) });
  return Object.fromEntries(
    Object.entries(all).map(([name, step]) => [name, around(name as StepName, step)]),
  ) as unknown as Steps;
}

function watchedShell(step: StepName, under: Shell): Shell {
  const between = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    await pass(`before ${what} of ${step}`);
    const result = await work();
    await pass(`after ${what} of ${step}`);
    return result;
  };
  return {
    ...under,
    run: (node, command, signal) => between(`the command "${command.name}"`, () => under.run(node, command, signal)),
    put: (node, from, to, signal) => between('the transfer', () => under.put(node, from, to, signal)),
  };
}
