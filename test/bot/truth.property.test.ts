import { expect, it } from 'vitest';
import { rolloutFacts } from '../../src/bot/facts/rollout.ts';
import { asText, runCommand } from '../../src/bot/run.ts';
import { headline } from '../../src/bot/views/ending.ts';
import { posts } from '../../src/bot/views/posts.ts';
import { tally } from '../../src/bot/views/tally.ts';
import { verdict } from '../../src/bot/views/verdict.ts';
import {
  isOpen,
  next,
  nodesInOrder,
  summary,
  todo,
  waitingForPeople,
  waitKey,
  workingNodes,
} from '../../src/upgrade/rollout/index.ts';
import type { Rollout } from '../../src/upgrade/rollout/types.ts';
import { Run, scenario } from '../support/chance.ts';
import { fc } from '../support/fast-check.ts';
import { newImage } from '../support/rollouts.ts';
import type { World } from '../support/simulation.ts';
import { trial } from './support.ts';

const textOf = (rollout: Rollout, key: RegExp): string | undefined =>
  posts({ ...rollout, requester: 'U0ROSA' }).find((each) => key.test(each.key))?.text;

/** `3 of 9 nodes`, wherever it is said. */
const countIn = (text: string): number[] =>
  [...text.matchAll(/(\d+) of (\d+) nodes?/g)].map(([, known]) => Number(known));

/** Title, bar and ending give the number that the store has; the nodes themselves run it, but for those called unsure. */
function countsAreTrue(rollout: Rollout, world: World): void {
  const main = textOf(rollout, /^main$/) ?? '';
  const { onNew, unsure } = tally(rollout);
  const facts = rolloutFacts(rollout).nodes.filter(({ state }) => state === 'done').length;
  expect(onNew.filter(({ state }) => state.is === 'done')).toHaveLength(facts);
  for (const said of countIn(`${main}\n${headline(rollout)}`)) expect(said).toBe(onNew.length);
  for (const { name } of onNew) expect(world.image[name], `${name} is counted and runs it`).toBe(newImage);
  const told = [...onNew, ...unsure, ...workingNodes(rollout)].map(({ name }) => name);
  const untold = nodesInOrder(rollout).filter(({ name }) => world.image[name] === newImage && !told.includes(name));
  expect(untold.map(({ name, state, already, touched }) => ({ name, state, already, touched }))).toEqual([]);
}

/** What a message says of a node is what runs there. */
function nodesAreTrue(rollout: Rollout, world: World): void {
  for (const { key, text, closes } of posts(rollout)) {
    if (closes) continue;
    for (const [, name = ''] of text.matchAll(/✓ \*?([a-z-]+-op-\d)\*? done/g))
      expect(world.image[name], `${key}: ${text}`).toBe(newImage);
    for (const [, name = ''] of text.matchAll(/✗ \*([a-z-]+-op-\d) failed\* and (?:runs|is unchanged)/g))
      expect(world.image[name], `${key}: ${text}`).toBe(world.initial[name]);
  }
}

/** One sentence, wherever somebody asks. */
async function answersAgree(rollout: Rollout, now: number): Promise<void> {
  const here = trial();
  here.control.rollouts.set(rollout.id, rollout);
  here.clock.at = now;
  const ask = async (text: string) => asText(await runCommand(here.context, 'U0ROSA', text));
  const said = verdict(rollout);
  const [status, why, history] = [await ask('status'), await ask('why'), await ask('history')];
  expect(history).toContain(said);
  if (!isOpen(rollout)) return;
  expect(status.split('\n')[0]).toBe(`zeitwork-operator v2.0.0: ${said}`);
  expect(textOf(rollout, /^main$/)?.split('\n')[0]).toBe(`zeitwork-operator v2.0.0: ${said}`);
  if (why !== 'Nothing is left to do.') expect(why.split('\n')[0]).toBe(`v2.0.0: ${said}`);
  for (const { name } of workingNodes(rollout)) expect(why).toContain(name);
}

/** Who has what waits is said by every message that tells of it, and wherever somebody asks; nobody is offered it any more. */
async function handsAgree(rollout: Rollout, now: number): Promise<boolean> {
  const waits = waitingForPeople(rollout).filter(({ since }) => since <= now);
  const taken = next(rollout, { type: 'taken-on', at: now, by: 'U0OTTO', waits: waits.map(waitKey) });
  if (taken === rollout) return false;
  const here = trial();
  here.control.rollouts.set(taken.id, taken);
  here.clock.at = now;
  for (const text of ['status', 'why']) {
    const said = asText(await runCommand(here.context, 'U0ROSA', text));
    if (said === 'Nothing is left to do.') continue;
    expect(said.match(/@U0OTTO has it since/g), text).toHaveLength(waits.length);
  }
  expect(rolloutFacts(taken).taken.map(({ waits: what }) => what)).toEqual(waits.map(({ what }) => what));
  const before = posts(rollout);
  for (const { key, text, blocks } of posts(taken)) {
    expect(JSON.stringify(blocks), key).not.toContain('zw:mine');
    const offered = JSON.stringify(before.find((each) => each.key === key)?.blocks ?? []).includes('zw:mine');
    if (offered) expect(text, key).toContain('→ <@U0OTTO> has it since');
  }
  return true;
}

/** The end is said once, and the same to everybody. */
function endingsAgree(rollout: Rollout): void {
  if (isOpen(rollout)) return;
  const end = textOf(rollout, /^(?:finished|stopped|rolled-back)\./) ?? '';
  expect(end.split('\n')[0]).toBe(headline(rollout));
  expect(textOf(rollout, /^dm\.(?:done|stopped|rolled-back)\./)).toBe(headline(rollout));
}

type Move = (run: Run) => void;

/** What is mended goes on honestly, with everybody saying yes, so that ends are reached too. */
const goOn: Move[] = Array.from({ length: 130 }, (_, at) => (run) => {
  if (at % 20 === 0) {
    for (const region of ['us-east', 'eu-west', 'ap-south', 'rest'])
      run.apply({ type: 'approved', at: run.now, phase: `approval/${region}`, by: `U-${region}` });
  }
  const idle = todo(run.rollout, run.now).length === 0;
  run.step(idle ? { kind: 'wait', pick: 5 } : { kind: 'work', pick: 0 });
});
const mended: Move = (run) => {
  run.world.freezes = [];
  run.mend();
};
const again: Move = (run) => run.apply({ type: 'retried', at: run.now, by: 'U1', epoch: 0 });
const allBack: Move = (run) =>
  run.apply({ type: 'rollback-asked', at: run.now, by: 'U1', scope: { is: 'all' }, epoch: run.now });
const forth: Move[] = [mended, again, ...goOn];
const back: Move[] = [mended, allBack, ...goOn];

const numRuns = Number(process.env.RUNS ?? 40);

it('says the same everywhere, and what the store and the nodes say, at every step of every run', async () => {
  const asked = new Set<string>();
  const ends = new Set<string>();
  const taken = new Set<string>();
  await fc.assert(
    fc.asyncProperty(scenario, fc.constantFrom(forth, back), async (chance, end) => {
      const run = new Run(chance);
      for (const move of [...chance.moves, ...end]) {
        const before = run.rollout;
        if (typeof move === 'function') move(run);
        else run.step(move);
        const { rollout, now, world } = run;
        if (rollout === before) continue;
        countsAreTrue(rollout, world);
        nodesAreTrue(rollout, world);
        endingsAgree(rollout);
        ends.add(rollout.status.is);
        const state = `${verdict(rollout)} ${summary(rollout)}`;
        if (asked.has(state)) continue;
        asked.add(state);
        await answersAgree(rollout, now);
        if (await handsAgree(rollout, now)) taken.add(rollout.status.is);
      }
    }),
    { numRuns, endOnFailure: process.env.SHRINK === undefined },
  );
  // What was never reached was not compared.
  expect([...taken]).toEqual(expect.arrayContaining(['held', 'running']));
  expect([...ends].sort()).toEqual(
    expect.arrayContaining(['done', 'held', 'paused', 'rolled-back', 'rolling-back', 'running', 'stopped', 'stopping']),
  );
}, 600_000);
