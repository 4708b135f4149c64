import { describe, expect, it } from 'vitest';
import { asText, runCommand } from '../../src/bot/run.ts';
import { mainParts } from '../../src/bot/views/main.ts';
import { message } from '../../src/bot/views/parts.ts';
import { knowing } from '../../src/upgrade/rollout/index.ts';
import type { Elsewhere } from '../../src/upgrade/rollout/types.ts';
import { planned, tuesday } from '../support/rollouts.ts';
import { drive, worldOf } from '../support/simulation.ts';
import { trial } from './support.ts';

const unproven: Elsewhere = {
  is: 'unproven',
  reason: 'v2.0.0 is not proven on staging: it was <!here> not rolled out',
};

async function told(said: Elsewhere) {
  const here = trial();
  here.context.elsewhere = async () => said;
  const run = async (text: string) => asText(await runCommand(here.context, 'U0ROSA', text));
  const plan = await run('upgrade v2.0.0 --dry-run');
  const begun = planned();
  const { rollout, now } = drive(begun, worldOf(begun), {
    from: tuesday,
    until: ({ nodes }) => Object.values(nodes).every(({ state }) => state.is === 'ready'),
  });
  here.control.rollouts.set(rollout.id, rollout);
  here.clock.at = now;
  const main = message(mainParts(knowing(rollout, () => [], said)), '').text;
  return { plan, why: await run('why'), main };
}

describe('a release that must be proven on another fleet', () => {
  it('and is not is told in the plan, by why and in the live message, before anything has refused it', async () => {
    const { plan, why, main } = await told(unproven);
    expect(plan).toContain('No node is begun yet: v2.0.0 is not proven on staging: it was');
    expect(why).toMatch(/v2\.0\.0 is not proven on staging: .*whoever brings the proof/s);
    expect(main).toContain('No node is begun yet: v2.0.0 is not proven on staging');
    expect(main).not.toContain('<!here>');
  });

  it('and is proven there is told in the plan, with the time', async () => {
    const { plan, why } = await told({ is: 'proven', fleet: 'staging', since: tuesday - 86_400_000 });
    expect(plan).toContain('Proven on staging, since 2026-11-23 07:30 UTC');
    expect(why).not.toContain('staging');
  });

  it('is not spoken of where nothing is wanted', async () => {
    const { plan, why, main } = await told({ is: 'not wanted' });
    for (const text of [plan, why, main]) expect(text).not.toMatch(/proven on|No node is begun yet/i);
  });

  it('and is only doubted is told, and held by nothing', async () => {
    const { plan, why, main } = await told({ is: 'doubted', reason: 'v2.0.0 is not proven on staging: <!here> no' });
    expect(plan).toMatch(/Not proven, and begun all the same.*v2\.0\.0 is not proven on staging/);
    expect(main).toContain('Begun all the same, as the settings want: v2.0.0 is not proven on staging');
    expect(why).not.toContain('whoever brings the proof');
    expect(main).not.toContain('<!here>');
  });

  it('is not even planned where the settings refuse that, nor begun from a plan that was shown before', async () => {
    const here = trial();
    const refused: Elsewhere = {
      is: 'unproven',
      reason: 'v2.0.0 is not proven on staging: it went back',
      refuses: true,
    };
    const run = (text: string) => runCommand(here.context, 'U0ROSA', text);
    here.context.elsewhere = async () => refused;
    expect(asText(await run('upgrade v2.0.0'))).toMatch(/The settings want it proven first: .*it went back/);
    expect(here.control.drafts.size).toBe(0);
    here.context.elsewhere = async () => ({
      is: 'proven',
      fleet: 'staging',
      since: tuesday - 86_400_000,
      rollout: 'r-9',
      head: 'ab',
    });
    const { parts, facts } = await run('upgrade v2.0.0');
    expect(asText({ parts })).toMatch(/Proven on staging, since .*: r-9, done .* ago, hash [0-9a-f]{12}… the same/);
    here.context.elsewhere = async () => refused;
    expect(asText(await run(`start ${facts?.plan}`))).toMatch(/The settings want it proven first/);
    expect(here.control.rollouts.size).toBe(0);
  });
});
