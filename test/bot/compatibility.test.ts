import { describe, expect, it } from 'vitest';
import { asText, runCommand } from '../../src/bot/run.ts';
import { mainParts } from '../../src/bot/views/main.ts';
import { message } from '../../src/bot/views/parts.ts';
import type { Row } from '../../src/upgrade/compatibility/index.ts';
import { recorded, surveyOf, tuesday } from '../support/rollouts.ts';
import { drive, worldOf } from '../support/simulation.ts';
import { trial, trialFleet } from './support.ts';

const row = (operator: string, changes: Partial<Row>): Row => ({
  ...{ operator, agent: null, schema: null, from: null, before: null, after: null },
  ...changes,
});
const rows = [
  row('1.0.x', { schema: { min: 1, max: 2 } }),
  row('2.0.x', { agent: '1.1.x - 2.0.x', schema: { min: 2, max: 3 }, after: 3 }),
];

function here(agent: string, schema: number) {
  const fleet = { ...trialFleet(), compatibility: rows };
  const groups = [{ version: agent, count: 1, names: ['eu-7'] }];
  const looks = surveyOf(fleet).map((each) => ({
    ...each,
    inventory: {
      agents: { is: 'told' as const, what: { listed: true, groups } },
      schema: { is: 'told' as const, what: schema },
    },
  }));
  const made = trial({ fleet, looks });
  return { ...made, run: async (text: string) => asText(await runCommand(made.context, 'U0ROSA', text)) };
}

describe('a plan by the compatibility matrix', () => {
  it('says what was checked, and from when on nothing can be brought back', async () => {
    const text = await here('v1.1.2', 2).run('upgrade v2.0.0 --dry-run');
    expect(text).toContain('Compatible: agents v1.1.2 on 9 of 9, schema 2');
    expect(text).toContain(
      'Point of no return: the migration after v2.0.0 makes schema 3, which v1.0.0 does not work with',
    );
  });

  it('is refused with the way out, and nothing is kept of it', async () => {
    const { run, control } = here('v1.0.4', 1);
    const text = await run('upgrade v2.0.0');
    expect(text).toContain('v2.0.0 needs agents from v1.1.x; eu-7 runs v1.0.4: upgrade its agent first');
    expect(text).toContain('v2.0.0 works with schema 2 to 3; it is 1: migrate to 2 first');
    expect(control.drafts?.size ?? 0).toBe(0);
  });

  it('is told as data, mismatch by mismatch, whether it is accepted or refused', async () => {
    const facts = async (agent: string, schema: number) =>
      (await runCommand(here(agent, schema).context, 'U0ROSA', 'upgrade v2.0.0 --dry-run')).facts;
    expect((await facts('v1.1.2', 2))?.compatible).toEqual({
      right: true,
      found: ['agents v1.1.2 on 9 of 9', 'schema 2'],
      noReturn: expect.stringMatching(/^the migration after v2\.0\.0 makes schema 3/),
      mismatches: [],
    });
    expect(await facts('v1.0.4', 1)).toMatchObject({
      message: expect.stringMatching(/^Nothing was started: v2\.0\.0 does not go with what is there/),
      compatible: {
        right: false,
        mismatches: [
          { is: 'agent', words: 'v2.0.0 needs agents from v1.1.x; eu-7 runs v1.0.4: upgrade its agent first' },
          { is: 'schema', about: 'v2.0.0', words: 'v2.0.0 works with schema 2 to 3; it is 1: migrate to 2 first' },
        ],
      },
    });
    const { context } = trial();
    expect((await runCommand(context, 'U0ROSA', 'upgrade v2.0.0 --dry-run')).facts?.compatible).toBeNull();
  });

  it('says nothing of it where there is no matrix', async () => {
    const { context } = trial();
    expect(asText(await runCommand(context, 'U0ROSA', 'upgrade v2.0.0 --dry-run'))).not.toMatch(/compatible/i);
  });
});

describe('the way back by the compatibility matrix', () => {
  /** One node was changed; the schema is this one by now. */
  async function changed(schema: number) {
    const trial = here('v1.1.2', 2);
    await trial.run('upgrade v2.0.0');
    const [draft] = [...trial.control.drafts.values()];
    if (draft === undefined) throw new Error('no plan was made');
    const until = (each: typeof draft) => each.nodes['us-east-op-1']?.state.is === 'done';
    const { rollout, now } = drive(draft, worldOf(draft), { from: tuesday, limit: 500, until });
    trial.control.rollouts.set(rollout.id, rollout);
    trial.clock.at = now;
    const inventory = { schema: { is: 'told' as const, what: schema } };
    trial.control.looks = trial.control.looks.map((each) => ({ ...each, inventory }));
    return { ...trial, rollout, version: recorded.version };
  }

  it('is open where the schema lets the old version run', async () => {
    const { run } = await changed(2);
    expect(await run('rollback all --dry-run')).toContain('us-east-op-1');
    expect(await run('rollback us-east-op-1')).toContain('Rolling back us-east-op-1');
  });

  it('is refused past the point of no return, with the reason, and a dry run says so too', async () => {
    const { run, control, rollout, version } = await changed(3);
    const why = `Nothing was done: ${version} works with schema 1 to 2, and it is 3: that was the point of no return`;
    expect(await run('rollback all --dry-run')).toContain(
      `Dry run: a rollback would be refused, and nothing done. ${why}`,
    );
    expect(await run('rollback us-east-op-1')).toContain(why);
    expect(control.rollouts.get(rollout.id)?.status.is).toBe('running');
  });

  it('has no button once a look saw that it is not there, and the live message says why', async () => {
    const { rollout, version, run, control } = await changed(3);
    const button = 'Roll back all';
    const shown = (each: typeof rollout) => JSON.stringify(message(mainParts(each), ''));
    expect(shown(rollout)).toContain(button);
    const noWayBack = { versions: [version ?? ''], reason: 'it works with schema 1 to 2 <!here>' };
    const look = rollout.looks['us-east'];
    if (look === undefined) throw new Error('no look was taken');
    const looks = { ...rollout.looks, 'us-east': { ...look, compatibility: { is: 'compatible' as const, noWayBack } } };
    const lost = { ...rollout, looks };
    expect(shown(lost)).not.toContain(button);
    expect(shown(lost)).toContain('Nothing can be brought back*: it works with schema 1 to 2 &lt;!here&gt;');
    control.rollouts.set(rollout.id, lost);
    expect(await run('rollback')).toContain('Nothing can be brought back: it works with schema 1 to 2');
  });
});
