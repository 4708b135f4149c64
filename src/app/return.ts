import { hostname } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { stopFile } from '../jobs/index.ts';
import { createProbe } from '../upgrade/http/index.ts';
import { createShell } from '../upgrade/ssh/index.ts';
import { comeBack, findWayBack, type WayBack } from '../upgrade/steps/come-back.ts';
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
  const halt = await stopFile(own.stopFile, hostname())(node.region);
  if (halt.is === 'lies') throw new Ended('refused', `Nothing was done: ${halt.reason}. Remove it first.`);
  const shell = createShell(hosts, { transferTimeoutMs: fleet.policy.transferTimeout });
  try {
    const ended = await stoppable(async (signal): Promise<End> => {
      const way = await findWayBack({
        fleet,
        node,
        shell,
        probe: createProbe(healthUrls),
        clock: systemClock(),
        signal,
      });
      if ('is' in way) throw new Ended('refused', `${name} cannot be brought back: ${reasonIn(way)}`);
      return go(name, way, yes);
    });
    return ended ?? 'interrupted';
  } finally {
    await shell.close();
  }
}

async function go(name: string, way: WayBack, yes: boolean): Promise<End> {
  const to = way.kept.version ?? way.kept.sha256.slice(0, 12);
  console.log(
    way.isBack ? `${name} has its newest backup, ${to}, installed; it is proven now.` : intent(name, to, way),
  );
  if (!yes && !way.isBack && !(await isMeant(name))) throw new Ended('refused', 'Nothing was done.');
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

async function isMeant(name: string): Promise<boolean> {
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
