import { beforeEach, describe, expect, it } from 'vitest';
import { parse } from '../../src/bot/parse.ts';
import { runCommand } from '../../src/bot/run.ts';
import { lastToGoBack, successorOf } from '../../src/bot/successor.ts';
import { mainParts } from '../../src/bot/views/main.ts';
import { next, plan } from '../../src/upgrade/rollout/index.ts';
import type { Rollout } from '../../src/upgrade/rollout/types.ts';
import { agentRelease, hours, inputOf, newImage, release, siblingsOf, tuesday } from '../support/rollouts.ts';
import { drive, worldOf } from '../support/simulation.ts';
import { run } from './acting.ts';
import { type Trial, trial, trialFleet } from './support.ts';

let here: Trial;
beforeEach(() => {
  const fleet = siblingsOf(trialFleet({ soak: 0, canarySoak: 0, pause: 0, bake: hours(0) }));
  here = trial({ fleet, known: [release, agentRelease] });
});

const runFacts = async ({ context }: Trial, actor: string, text: string): Promise<Record<string, unknown>> =>
  (await runCommand(context, actor, text)).facts ?? {};

async function started(text: string): Promise<Rollout> {
  const shown = await runFacts(here, 'U0ROSA', text);
  await run(here, 'U0ROSA', `start ${shown.plan}`);
  const [rollout] = [...here.control.rollouts.values()];
  if (rollout === undefined) throw new Error('nothing was started');
  return rollout;
}

describe('upgrade of several services', () => {
  it.each([
    ['upgrade v2.0.0', undefined],
    [
      'upgrade v2.0.0 agent=v1.1.0',
      [
        { service: null, version: 'v2.0.0' },
        { service: 'agent', version: 'v1.1.0' },
      ],
    ],
    ['upgrade Agent=1.1.0', [{ service: 'agent', version: 'v1.1.0' }]],
  ])('%s is read', (text, services) => {
    const parsed = parse(text);
    expect(parsed).toMatchObject({ is: 'command', command: { verb: 'upgrade' } });
    expect(parsed.is === 'command' && parsed.command.verb === 'upgrade' ? parsed.command.services : null).toEqual(
      services,
    );
  });

  it.each(['upgrade v2.0.0 v2.1.0', 'upgrade agent=v1.1.0 v2.0.0', 'upgrade v2.0.0 agent=new'])('%s is not', (text) => {
    expect(parse(text)).toMatchObject({ is: 'usage' });
  });

  it('says of each part which service goes where', async () => {
    const text = await run(here, 'U0ROSA', 'upgrade v2.0.0 agent=v1.1.0 --dry-run');
    expect(text).toContain('Dry run: to operator v2.0.0, agent v1.1.0');
    expect(text).toMatch(/us-east\/operator\*? v1\.0\.0 → v2\.0\.0/);
    expect(text).toMatch(/us-east\/agent\*? v1\.0\.0 → v1\.1\.0/);
  });

  it('brings the first one where no other is named, and the named one alone', async () => {
    const first = await runFacts(here, 'U0ROSA', 'upgrade v2.0.0 --dry-run');
    expect(Object.keys(namesIn(first))).toEqual(['operator']);
    const other = await runFacts(here, 'U0ROSA', 'upgrade agent=v1.1.0 --regions us-east --dry-run');
    expect(namesIn(other)).toEqual({ agent: 3 });
  });

  it('plans the same again when it is started', async () => {
    const rollout = await started('upgrade v2.0.0 agent=v1.1.0');
    expect(Object.keys(rollout.services ?? {})).toEqual(['operator', 'agent']);
    expect(Object.keys(rollout.nodes)).toHaveLength(18);
  });

  it.each([
    ['upgrade v2.0.0 edge=v1.1.0', /There is no service edge/],
    ['upgrade agent=v1.1.0 agent=v1.1.0', /agent is named twice/],
    ['upgrade operator=v2.0.0 --regions mars', /There is no region mars/],
    ['restart', /Which service\? Add --service operator or --service agent/],
    ['restart --service edge', /There is no service edge/],
  ])('%s is refused', async (text, why) => {
    expect(await run(here, 'U0ROSA', text)).toMatch(why);
  });

  it('is refused where there is one service', async () => {
    const alone = trial({ known: [release] });
    expect(await run(alone, 'U0ROSA', 'upgrade agent=v2.0.0')).toMatch(
      /This fleet has one service: write v2\.0\.0 alone/,
    );
    expect(await run(alone, 'U0ROSA', 'restart --service agent')).toMatch(/This fleet has one service/);
  });

  it('restarts one of them', async () => {
    const facts = await runFacts(here, 'U0ROSA', 'restart --service agent --dry-run');
    expect(namesIn(facts)).toEqual({ agent: 9 });
  });
});

describe('a rollout of several services', () => {
  const done = async (): Promise<Rollout> => {
    const rollout = await started('upgrade v2.0.0 agent=v1.1.0 --strategy rolling');
    const world = worldOf(rollout);
    let at = { rollout, now: tuesday };
    for (let round = 0; round < 10 && at.rollout.status.is !== 'done'; round += 1) {
      const said = at.rollout.phases.reduce(
        (acc, { id }) => next(acc, { type: 'approved', at: at.now, phase: id, by: 'U0INES' }),
        at.rollout,
      );
      at = drive(said, world, { from: at.now + 1 });
    }
    here.control.rollouts.set(rollout.id, at.rollout);
    here.control.looks = here.control.looks.map((seen) => ({ ...seen, sha256: newImage }));
    here.clock.at = at.now + 1_000;
    return at.rollout;
  };

  it('is called by what it brings', async () => {
    const rollout = await done();
    const title = mainParts(rollout).find(({ is }) => is === 'title');
    expect(title).toMatchObject({ text: expect.stringContaining('operator v2.0.0, agent v1.1.0') });
    expect(await run(here, 'U0ROSA', 'history')).toContain('operator v2.0.0, agent v1.1.0');
  });

  it.each([
    ['agent', 9],
    ['us-east', 6],
    ['us-east/agent', 3],
    ['us-east-op-1', 2],
    ['us-east-op-1/agent', 1],
  ])('rollback %s brings back what was meant', async (target, count) => {
    await done();
    const facts = await runFacts(here, 'U0OTTO', `rollback ${target} --dry-run`);
    expect((facts.back as unknown[]).length).toBe(count);
  });
});

function namesIn(facts: Record<string, unknown>): Record<string, number> {
  const { nodes } = facts.rollout as { nodes: { node: string }[] };
  const keys = nodes.map(({ node }) => node.split('/')[1] ?? '');
  return Object.fromEntries([...new Set(keys)].map((key) => [key, keys.filter((each) => each === key).length]));
}

describe('a rollback of one service', () => {
  it('is not kept from it by what came after to another one', async () => {
    const ended = (rollout: Rollout): Rollout => drive(rollout, worldOf(rollout), { from: tuesday }).rollout;
    const first = ended(
      plan(inputOf(here.context.fleet, { id: 'r1', services: [{ key: 'operator', release, begun: null }] })),
    );
    here.control.rollouts.set('r1', first);
    const later = {
      ...inputOf(here.context.fleet, { id: 'r2' }),
      services: [{ key: 'agent', release: agentRelease, begun: null }],
    };
    const second = ended(plan({ ...later, now: tuesday + hours(2) }));
    here.control.rollouts.set('r2', second);
    expect([first.status.is, second.status.is]).toEqual(['done', 'done']);
    expect(await successorOf(here.context.control.store, first)).toBe(null);
    expect((await lastToGoBack(here.context.control.store))?.id).toBe('r2');
    const open = { ...second, status: { is: 'running' } as const };
    here.control.rollouts.set('r2', open);
    expect((await successorOf(here.context.control.store, first))?.id).toBe('r2');
  });
});
