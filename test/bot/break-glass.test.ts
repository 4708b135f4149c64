import { describe, expect, it } from 'vitest';
import { asText, runCommand } from '../../src/bot/run.ts';
import { type Trial, trial, trialFleet } from './support.ts';

const say = async (here: Trial, actor: string, text: string) => asText(await runCommand(here.context, actor, text));
const glass = 'upgrade v2.0.0 --regions us-east --now --reason "certificates expire"';

function night(breakers: 1 | 2 = 2): Trial {
  const here = trial({ fleet: trialFleet({ breakers }) });
  here.context.access.roles.breakers = { users: ['U0ROSA', 'U0INES'], groups: [] };
  return here;
}

const tokenIn = (text: string) => /zeitwork start (\S+)/.exec(text)?.[1] ?? '';
const rollouts = ({ control }: Trial) => [...control.rollouts.values()];

describe('breaking the glass', () => {
  it('takes two: one asks, another starts, and both are named', async () => {
    const here = night();
    const plan = await say(here, 'U0ROSA', glass);
    expect(plan).toContain('Another breaker must start this');
    expect(plan).not.toContain('Start: zeitwork');
    expect(await say(here, 'U0ROSA', `start ${tokenIn(plan)}`)).toMatch(/^You asked to override the windows/);
    expect(await say(here, 'U0OTTO', `start ${tokenIn(plan)}`)).toMatch(/^You may not override/);
    expect(rollouts(here)).toEqual([]);
    expect(await say(here, 'U0INES', `start ${tokenIn(plan)}`)).toMatch(/under way/);
  });

  it('is started by a second breaker, for four hours', async () => {
    const here = night();
    const token = tokenIn(await say(here, 'U0ROSA', glass));
    expect(await say(here, 'U0ROSA', `start ${token}`)).toMatch(/^You asked/);
    expect(await say(here, 'U0INES', `start ${token}`)).toMatch(/under way/);
    const [rollout] = rollouts(here);
    expect(rollout).toMatchObject({
      requester: 'U0ROSA',
      override: { by: 'U0ROSA', with: 'U0INES', reason: 'certificates expire' },
    });
    expect((rollout?.override?.until ?? 0) - here.clock.at).toBe(4 * 3_600_000);
    expect(await say(here, 'U0ROSA', 'status')).toMatch(/overridden until .* by @U0ROSA with @U0INES/);
  });

  it('wants the regions named, and may be thrown away by whoever asked', async () => {
    const here = night();
    expect(await say(here, 'U0ROSA', 'upgrade v2.0.0 --now --reason "x"')).toMatch(/--now opens only what it names/);
    const token = tokenIn(await say(here, 'U0ROSA', glass));
    expect(await say(here, 'U0ROSA', `cancel ${token}`)).toMatch(/thrown away/);
    expect(await say(here, 'U0INES', `start ${token}`)).toMatch(/This plan is gone/);
  });

  it('takes one where the settings say so', async () => {
    const here = night(1);
    const token = tokenIn(await say(here, 'U0ROSA', glass));
    expect(await say(here, 'U0ROSA', `start ${token}`)).toMatch(/under way/);
  });
});
