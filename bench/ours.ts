import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../src/app/clock.ts';
import { isOpen } from '../src/upgrade/rollout/index.ts';
import type { Rollout } from '../src/upgrade/rollout/types.ts';
import { createShell } from '../src/upgrade/ssh/index.ts';
import { openRuntime, type Runtime, type Where } from './runtime.ts';
import { tableOf, timesOf } from './times.ts';

const clock = systemClock();

const usage =
  'usage: ours.js roll|stage|send|survey --nodes A,B,... --archive FILE --key FILE --known FILE [--trace] [--warm N]';

/** Milliseconds between two looks at the rollout: often enough to end in time, seldom enough to cost little with many nodes. */
const lookEvery = (nodes: number): number => Math.max(5, nodes);

/** Starts the rollout and waits until `until` says so. */
async function follow(
  runtime: Runtime,
  startAt: number | null,
  until: (rollout: Rollout) => boolean,
): Promise<Rollout> {
  const planned = await runtime.planRelease(versionOf(where.archive), startAt);
  say('planned');
  await runtime.control.start(planned);
  let staged = false;
  for (;;) {
    const rollout = await runtime.control.store.load(planned.id);
    if (!rollout) throw new Error('the rollout is gone');
    const nodes = Object.values(rollout.nodes);
    if (!staged && nodes.every(({ state }) => state.is !== 'staging')) {
      staged = true;
      say('staged');
    }
    if (until(rollout)) return rollout;
    const bad = nodes.find(({ state }) => ['failed', 'stuck', 'unproven', 'rolled-back'].includes(state.is));
    if (bad || rollout.status.is === 'held')
      throw new Error(`${rollout.status.is}: ${JSON.stringify(bad ?? rollout.status)}`);
    await clock.sleep(lookEvery(nodes.length));
  }
}

async function trace({ control, commands }: Runtime, { id }: Rollout): Promise<void> {
  if (!values.trace) return;
  for (const line of [...timesOf(await control.store.journal(id)), '', ...tableOf(commands)]) console.log(line);
}

async function roll(runtime: Runtime): Promise<void> {
  const rollout = await follow(runtime, null, (each) => !isOpen(each));
  const unproven = Object.values(rollout.nodes).filter(({ state, proof }) => state.is !== 'done' || proof === null);
  if (rollout.status.is !== 'done' || unproven.length > 0) throw new Error(`not proven: ${JSON.stringify(unproven)}`);
  await trace(runtime, rollout);
}

/** Everything that can be done before the first node is stopped, and no more: it is scheduled for later. */
async function stage(runtime: Runtime): Promise<void> {
  const rollout = await follow(runtime, clock.now() + 3_600_000, ({ nodes }) =>
    Object.values(nodes).every(({ state }) => state.is !== 'staging'),
  );
  if (Object.values(rollout.nodes).some(({ state }) => state.is !== 'ready')) throw new Error('not all are ready');
  await trace(runtime, rollout);
}

async function survey({ control, nodes }: Runtime): Promise<void> {
  for (const { node, version, healthy, detail } of await control.survey(nodes, 60_000)) {
    console.log(`${node}: ${healthy ? 'healthy' : detail} ${version}`);
  }
  say('surveyed');
  for (let round = 0; round < Number(values.warm); round++) {
    await control.survey(nodes, 60_000);
    say('surveyed again, connections kept');
  }
}

/** The bare transfer, to compare with what peers call staging: no queue, nothing unpacked, nothing verified. */
async function send({ nodes, archive, key, known }: Where): Promise<void> {
  const hosts = nodes.map((address) => [
    address,
    { name: address, address, port: 2222, user: 'root', keyFile: key, knownHostsFile: known },
  ]);
  const shell = createShell(Object.fromEntries(hosts));
  const results = await Promise.all(nodes.map((node) => shell.put(node, archive, `/tmp/${basename(archive)}`)));
  const bad = results.find(({ is }) => is !== 'sent');
  if (bad) throw new Error(JSON.stringify(bad));
  await shell.close();
}

const versionOf = (archive: string): string => /-(v\d[^/]*)\.tar\.gz$/.exec(archive)?.[1] ?? '';

function say(what: string): void {
  console.error(`${Math.round(performance.now())} ms ${what}`);
}

const text = { type: 'string', default: '' } as const;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    nodes: text,
    archive: text,
    key: text,
    known: text,
    trace: { type: 'boolean', default: false },
    warm: { type: 'string', default: '0' },
  },
});
const where: Where = { ...values, nodes: values.nodes.split(',') };
const modes: Record<string, (runtime: Runtime) => Promise<void>> = { roll, stage, survey };

async function main(): Promise<void> {
  const [mode = ''] = positionals;
  if (mode === 'send') return send(where);
  const run = modes[mode];
  if (!run || values.nodes === '') throw new Error(usage);
  const runtime = await openRuntime(where, values.trace);
  say('open');
  try {
    await run(runtime);
  } finally {
    await runtime.close();
  }
  say(`closed, at most ${Math.round(process.resourceUsage().maxRSS / 1024)} MB`);
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
