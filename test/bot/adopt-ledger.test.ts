import { describe, expect, it } from 'vitest';
import { asText, runCommand } from '../../src/bot/run.ts';
import type { NodeSurvey } from '../../src/upgrade/rollout/types.ts';
import { hours, oldImage, surveyOf, tuesday } from '../support/rollouts.ts';
import { type Trial, trial, trialFleet } from './support.ts';

const say = async (here: Trial, actor: string, text: string) => asText(await runCommand(here.context, actor, text));

/** A store that is empty, and nodes that know a run of three hours from now: clocks were ahead then. */
function lost(changes: Record<string, Partial<NodeSurvey>> = {}): Trial {
  const fleet = trialFleet({ breakers: 2 });
  const backups = [{ name: 'b', version: 'v0.9.0', sha256: 'c'.repeat(64), envSha256: null }];
  const lies = { disk: oldImage, envSha256: 'e'.repeat(64), backups };
  const looks = surveyOf(fleet).map((seen) => ({ ...seen, lies, held: tuesday + hours(3), ...changes[seen.node] }));
  const here = trial({ fleet, looks });
  here.context.access.roles.breakers = { users: ['U0ROSA', 'U0INES'], groups: [] };
  return here;
}

describe('a ledger that was lost', () => {
  it('is made anew from what the nodes are, when two breakers have seen the same', async () => {
    const here = lost({ 'eu-west-op-2': { healthy: false, detail: '503 starting' } });
    expect(await say(here, 'U0ROSA', 'upgrade v2.0.0')).toMatch(/^Nothing was done: us-east-op-1 was last changed/);
    const asked = await runCommand(here.context, 'U0ROSA', 'adopt ledger');
    expect(asked.public).toBe(true);
    expect(asText(asked)).toMatch(
      /✓ us-east-op-1, .*ap-south-op-3: v1\.0\.0 \([0-9a-f]{12}\); last changed by run \d+ \(2026-11-24 10:30 UTC\); backups of v0\.9\.0 \(cccccccccccc\)\n✗ eu-west-op-2: not taken over, it is not healthy: 503 starting/,
    );
    expect(here.control.kept.nodes).toEqual({});
    const done = await runCommand(here.context, 'U0INES', 'adopt ledger');
    expect(asText(done)).toMatch(/^The ledger is adopted .* made anew from 8 nodes, .* and that of @U0ROSA/);
    expect(asText(done)).toMatch(/Nobody can make anew .*freezes that were declared \(of which none is known now/);
    expect(done.facts).toMatchObject({ epoch: tuesday + hours(3) });
    expect(here.control.kept.nodes['us-east-op-1']).toMatchObject({
      version: 'v1.0.0',
      sha256: oldImage,
      rollout: null,
    });
    expect(await say(here, 'U0ROSA', 'upgrade v2.0.0')).toMatch(/zeitwork start/);
    expect(await say(here, 'U0ROSA', 'verify')).not.toMatch(/forgot/);
  });

  it('is not adopted when the nodes are something else by the time that the second looks', async () => {
    const here = lost();
    expect(await say(here, 'U0ROSA', 'adopt ledger')).toMatch(/another breaker must say the same/);
    here.control.looks = here.control.looks.map((seen, index) => (index === 4 ? { ...seen, held: 1 } : seen));
    expect(await say(here, 'U0INES', 'adopt ledger')).toMatch(/another breaker must say the same/);
    expect(here.control.kept.nodes).toEqual({});
  });

  it('is adopted without a node that is another at each look, and keeps that region alone from being planned', async () => {
    const here = lost();
    const { survey } = here.control;
    let looks = 0;
    here.control.survey = async (...how) => {
      looks += 1;
      const held = tuesday + hours(300 + looks);
      return (await survey.apply(here.control, how)).map((seen) =>
        seen.node === 'eu-west-op-2' ? { ...seen, held } : seen,
      );
    };
    for (const who of ['U0ROSA', 'U0INES', 'U0ROSA'])
      expect(await say(here, who, 'adopt ledger')).toMatch(/another breaker must say the same.*--without NODE/s);
    const line = 'adopt ledger --without eu-west-op-2';
    expect(await say(here, 'U0ROSA', 'adopt ledger --without eu-west-op-9')).toMatch(/There is no node eu-west-op-9/);
    expect(await say(here, 'U0ROSA', line)).toMatch(/`?zeitwork adopt ledger --without eu-west-op-2/);
    expect(await say(here, 'U0INES', 'adopt ledger --without eu-west-op-1')).toMatch(
      /another breaker must say the same/,
    );
    const done = await runCommand(here.context, 'U0INES', line);
    expect(asText(done)).toMatch(
      /^The ledger is adopted .* made anew from 8 nodes.*✗ eu-west-op-2: not taken over, it is left aside/s,
    );
    expect(done.facts).toMatchObject({ epoch: tuesday + hours(3) });
    expect(Object.keys(here.control.kept.nodes)).not.toContain('eu-west-op-2');
    expect(await say(here, 'U0ROSA', 'upgrade v2.0.0 --regions us-east,ap-south')).toMatch(/zeitwork start/);
    expect(await say(here, 'U0ROSA', 'upgrade v2.0.0')).toMatch(/^Nothing was done: eu-west-op-2 was last changed/);
  });

  it('is adopted by nobody else', async () => {
    const here = lost();
    expect(await say(here, 'U0OTTO', 'adopt ledger')).toMatch(/^You may not override/);
  });
});

describe('verify', () => {
  it('tells what is not as it was left, while nothing is under way', async () => {
    const here = lost();
    await say(here, 'U0ROSA', 'adopt ledger');
    await say(here, 'U0INES', 'adopt ledger');
    const other = { version: 'v1.0.9', sha256: 'd'.repeat(64) };
    here.control.looks = here.control.looks.map((seen, index) => (index === 0 ? { ...seen, ...other } : seen));
    expect(await say(here, 'U0ROSA', 'verify')).toMatch(
      /○ us-east-op-1 runs v1\.0\.9 \(dddddddddddd\); v1\.0\.0 \([0-9a-f]{12}\) was found there when the ledger was adopted/,
    );
  });
});
