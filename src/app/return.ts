import { hostname } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { type AskHalt, Halted, heeding, stopFile } from '../jobs/index.ts';
import { createProbe } from '../upgrade/http/index.ts';
import { serviceOf } from '../upgrade/rollout/index.ts';
import { createShell } from '../upgrade/ssh/index.ts';
import { comeBack, findWayBack, type ReturnParts, type WayBack } from '../upgrade/steps/come-back.ts';
import type { StepResult } from '../upgrade/steps/types.ts';
import { type End, Ended } from './cli/exit.ts';
import { stoppable } from './cli/live.ts';
import { systemClock } from './clock.ts';
import { settings } from './open.ts';

/** Brings one node back to its newest backup with nothing but SSH: when Slack, Redis and the bot are away. */
export async function returnNode(name: string, yes: boolean): Promise<End> {
  const own = settings();
  const { fleet, hosts, healthUrls } = own;
  const node = fleet.regions.flatMap(({ nodes }) => nodes).find((each) => each.name === name);
  if (node === undefined)
    throw new Ended('refused', `There is no node ${name}; the fleet has ${Object.keys(hosts).join(', ')}.`);
  const shell = createShell(hosts, { transferTimeoutMs: fleet.policy.transferTimeout });
  const parts = {
    fleet: { ...fleet, service: serviceOf(fleet, name) },
    node,
    shell,
    probe: createProbe(healthUrls),
    clock: systemClock(),
  };
  const ask = stopFile(own.stopFile, hostname());
  try {
    const ended = await stoppable((signal) =>
      bringBack({ ...parts, signal }, ask, yes ? async () => true : () => isWritten(name)),
    );
    return ended ?? 'interrupted';
  } finally {
    await shell.close();
  }
}

/** @param ask whether a file stops everything: at once, so that nobody is asked for nothing, and right before each change */
export async function bringBack(parts: ReturnParts, ask: AskHalt, isMeant: () => Promise<boolean>): Promise<End> {
  const { name, region } = parts.node;
  const halt = () => ask(region);
  const said = await halt();
  if (said.is === 'lies') throw new Ended('refused', `Nothing was done: ${said.reason}. Remove it first.`);
  const way = await findWayBack({ ...parts, shell: heeding(parts.shell, halt, parts.clock) });
  if ('is' in way) throw new Ended('refused', `${name} cannot be brought back: ${reasonIn(way)}`);
  try {
    return await go(name, way, isMeant);
  } catch (error) {
    if (!(error instanceof Halted)) throw error;
    throw new Ended(
      'refused',
      `Nothing more is done to ${name}: ${error.message}. Remove it, then say the same again: it is safe to run twice.`,
    );
  }
}

async function go(name: string, way: WayBack, isMeant: () => Promise<boolean>): Promise<End> {
  const to = way.kept.version ?? way.kept.sha256.slice(0, 12);
  console.log(
    way.isBack ? `${name} has its newest backup, ${to}, installed; it is proven now.` : intent(name, to, way),
  );
  if (!way.isBack && !(await isMeant())) throw new Ended('refused', 'Nothing was done.');
  const result = await comeBack(way);
  if (result.is !== 'succeeded') {
    const what = result.is === 'later' ? 'runs it again and is out of service' : 'is not back';
    console.error(`${name} ${what}: ${reasonIn(result)}`);
    return 'wrong';
  }
  console.log(
    `${name} runs ${to} again and is proven healthy. What was still on its way to it from its rollout changes nothing`,
  );
  console.log('any more; the rollout will find that the node runs something else, hold, and ask.');
  return 'done';
}

function intent(name: string, to: string, { kept, seen, runs, strange, context }: WayBack): string {
  const now = runs ?? (seen.image === null ? 'nothing' : `the image ${seen.image.slice(0, 12)}`);
  return [
    `${name} runs ${now} (${seen.unit.active}/${seen.unit.sub}).`,
    `It will be brought back to ${to}, from ${kept.name}: binary and environment file are put back, and`,
    `${context.rollout.service.unit} is restarted.`,
    ...(strange.length === 0 ? [] : [`Nobody recorded ${strange.join(', ')}: it is kept aside on the node.`]),
  ].join('\n');
}

async function isWritten(name: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw new Ended('usage', 'Nobody can be asked here: say --yes if it is meant.');
  const asking = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return (await asking.question(`Write the name of the node to go on: `)).trim() === name;
  } finally {
    asking.close();
  }
}

function reasonIn(result: StepResult): string {
  if (result.is === 'gated') return result.gates.map(({ reason }) => reason).join('; ');
  return 'reason' in result ? result.reason : '';
}
