import { describe, expect, it } from 'vitest';
import { asText, runCommand } from '../../src/bot/run.ts';
import type { Row } from '../../src/upgrade/compatibility/index.ts';
import { surveyOf } from '../support/rollouts.ts';
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

  it('says nothing of it where there is no matrix', async () => {
    const { context } = trial();
    expect(asText(await runCommand(context, 'U0ROSA', 'upgrade v2.0.0 --dry-run'))).not.toMatch(/compatible/i);
  });
});
