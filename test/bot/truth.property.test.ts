import { expect, it } from 'vitest';
import { rolloutFacts } from '../../src/bot/facts/rollout.ts';
import { asText, runCommand } from '../../src/bot/run.ts';
import { headline } from '../../src/bot/views/ending.ts';
import { isAsking } from '../../src/bot/views/gate.ts';
import { posts } from '../../src/bot/views/posts.ts';
import { tally } from '../../src/bot/views/tally.ts';
import { verdict } from '../../src/bot/views/verdict.ts';
import { nodeWord } from '../../src/bot/views/words.ts';
import {
  approvals,
  isOpen,
  next,
  nodesInOrder,
  summary,
  todo,
  waitingForPeople,
  waitKey,
  workingNodes,
} from '../../src/upgrade/rollout/index.ts';
import type { NodeSurvey, Rollout } from '../../src/upgrade/rollout/types.ts';
import { Run, scenario } from '../support/chance.ts';
import { fc } from '../support/fast-check.ts';
import { newImage, surveyOf } from '../support/rollouts.ts';
import type { World } from '../support/simulation.ts';
import { homeOf, trial } from './support.ts';

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
  expect(why.split('\n')[0]).toBe(`v2.0.0: ${said}`);
  for (const { name } of workingNodes(rollout)) expect(why).toContain(name);
  noFactTwice(why);
  standstillsAreTold(rollout, [status, why]);
}

/** What nobody serves is told to whoever only asks, and never that nothing holds it. */
function standstillsAreTold(rollout: Rollout, answers: string[]): void {
  for (const { what } of waitingForPeople(rollout)) {
    const [, region] = /^region (.*)$/.exec(what) ?? [];
    if (region === undefined) continue;
    met.add('region');
    const told = new RegExp(`${region}(?: takes longer than it should)? since `);
    for (const answer of answers) expect(answer, what).toMatch(told);
  }
}
const met = new Set<string>();

/** Of what holds a node, nothing is said again in other words, nor in part. */
function noFactTwice(why: string): void {
  for (const section of why.split(/\n(?=[a-z-]+-op-\d: )/)) {
    const facts = [...section.matchAll(/^• [a-z-]+: (.*?)\. (?:By itself|Opened by)/gm)].map(([, fact = '']) => fact);
    expect(section.match(/^•/gm) ?? []).toHaveLength(facts.length);
    for (const fact of facts)
      expect(
        facts.filter((other) => other.includes(fact)),
        section,
      ).toEqual([fact]);
  }
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

/** What a look finds on the simulated nodes. */
function seenIn(world: World): Record<string, Partial<NodeSurvey>> {
  const seen = (name: string): Partial<NodeSurvey> => {
    const image = world.image[name] ?? '';
    const isSick = world.down.has(name) || world.silent.has(name) || (image === newImage && world.bad.has(name));
    return { sha256: image, version: image === newImage ? 'v2.0.0' : 'v1.0.0', healthy: !isSick };
  };
  return Object.fromEntries(Object.keys(world.image).map((name) => [name, seen(name)]));
}

const calledIn = (lines: string[]): number => lines.filter((line) => line.includes('waits for you')).length;

/** All that the home tab tells, but for times and causes: each situation is compared once. */
function situation(rollout: Rollout, { image, down, silent }: World): string {
  const nodes = nodesInOrder(rollout).map((node) => [nodeWord(node), image[node.name]]);
  const ill = isOpen(rollout) ? [] : [...down, ...silent];
  const waits = approvals(rollout).map((phase) => [phase.id, isAsking(rollout, phase)]);
  return JSON.stringify([verdict(rollout), summary(rollout), nodes, ill, waits, tally(rollout).onNew.length]);
}

/** The words for several services are in siblings.test.ts. */
const ofOneService = scenario.map((chance) => ({ ...chance, siblings: 'none' as const }));

/** The home tab says what the store and the nodes say, and to an approver what waits for her. */
async function homeIsTrue(rollout: Rollout, world: World, now: number): Promise<void> {
  const here = trial();
  const seen = seenIn(world);
  here.control.looks = surveyOf(here.context.fleet, seen);
  here.control.rollouts.set(rollout.id, rollout);
  here.clock.at = now;
  const { lines, presses } = await homeOf(here.context, 'U0INES');
  expect(presses).toEqual(['zwh:look']);
  const said = verdict(rollout);
  expect(lines.find((line) => line.includes(`(${rollout.id})`))).toContain(`*v2.0.0* ${said}`);
  for (const known of countIn(lines.join('\n'))) expect(known).toBe(tally(rollout).onNew.length);
  expect(calledIn(lines)).toBe(approvals(rollout).filter((phase) => isAsking(rollout, phase)).length);
  if (!isOpen(rollout)) {
    expect(lines).toContain(`Nothing is running. Last: ${headline(rollout)}`);
    for (const [name, { version, healthy }] of Object.entries(seen))
      expect(lines.find((line) => line.startsWith(`${healthy ? '✓' : '✗'} ${name}  `))).toContain(`  ${version}  `);
    return;
  }
  expect(lines).toContain(`zeitwork-operator v2.0.0: ${said}`);
  for (const { name, region } of nodesInOrder(rollout)) {
    const line = lines.find((each) => each.startsWith(`*${region}*  `)) ?? '';
    const [, glyph = 'none'] = line.match(new RegExp(`(\\S) ${name.slice(region.length + 1)} `)) ?? [];
    if (glyph === '✓') expect(world.image[name], `${name}: ${line}`).toBe(newImage);
    else if (/[○↩]/.test(glyph)) expect(world.image[name], `${name}: ${line}`).toBe(world.initial[name]);
    else expect('▶◀✗‼?', `${name}: ${line}`).toContain(glyph);
  }
}

/** What waits is told to whom it waits for, and to nobody else; where the answer is given is true, too. */
async function homeCallsWhoMay(rollout: Rollout, now: number): Promise<void> {
  if (!approvals(rollout).some((phase) => isAsking(rollout, phase))) return;
  const home = async (user: string, change: Partial<Rollout> = {}, how: 'button' | 'signed' = 'button') => {
    const { context, control, clock } = trial();
    clock.at = now;
    control.rollouts.set(rollout.id, { ...rollout, ...change });
    return (await homeOf({ ...context, access: { ...context.access, approvals: how } }, user)).lines;
  };
  expect(await home('U0INES')).toContain('The question, with its button, is in the channel.');
  expect(await home('U0INES', {}, 'signed')).toContain('The question, with what to sign, is in the channel.');
  expect(calledIn(await home('U0INES', { requester: 'U0INES' })), 'to whoever asked for it').toBe(0);
  expect(calledIn(await home('U0INES', { unsigned: true })), 'of what nobody signed').toBe(0);
  expect(calledIn(await home('U0OTTO')), 'to who approves nothing').toBe(0);
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
  const homes = new Set<string>();
  const ends = new Set<string>();
  const taken = new Set<string>();
  await fc.assert(
    fc.asyncProperty(ofOneService, fc.constantFrom(forth, back), async (chance, end) => {
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
        const drawn = situation(rollout, world);
        if (!homes.has(drawn)) await homeIsTrue(rollout, world, now);
        homes.add(drawn);
        ends.add(rollout.status.is);
        const state = `${verdict(rollout)} ${summary(rollout)}`;
        if (asked.has(state)) continue;
        asked.add(state);
        await answersAgree(rollout, now);
        await homeCallsWhoMay(rollout, now);
        if (await handsAgree(rollout, now)) taken.add(rollout.status.is);
      }
    }),
    { numRuns, endOnFailure: process.env.SHRINK === undefined },
  );
  // What was never reached was not compared.
  expect([...met]).toEqual(['region']);
  expect([...taken]).toEqual(expect.arrayContaining(['held', 'running']));
  expect([...ends].sort()).toEqual(
    expect.arrayContaining(['done', 'held', 'paused', 'rolled-back', 'rolling-back', 'running', 'stopped', 'stopping']),
  );
}, 600_000);
