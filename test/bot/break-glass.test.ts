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

describe('what nobody signed, and somebody’s work', () => {
  it('is adopted by two who may break the glass', async () => {
    const here = night();
    await say(here, 'U0ROSA', 'upgrade v2.0.0 --regions us-east');
    await say(here, 'U0ROSA', `start ${[...here.control.drafts.keys()][0]}`);
    const [rollout] = rollouts(here);
    const adopt = `adopt ${rollout?.id}`;
    expect(await say(here, 'U0ROSA', adopt)).toMatch(/@U0ROSA wants to adopt .*Another breaker who has looked/s);
    expect(await say(here, 'U0ROSA', adopt)).toMatch(/Another breaker who has looked/);
    expect(await say(here, 'U0OTTO', adopt)).toMatch(/^You may not override/);
    expect(rollouts(here)[0]?.revision).toBe(rollout?.revision);
    expect(await say(here, 'U0INES', adopt)).toMatch(/is adopted, in your name and that of @U0ROSA/);
    expect(rollouts(here)[0]?.revision).toBe((rollout?.revision ?? 0) + 1);
    expect(await say(here, 'U0INES', 'adopt ledger')).toMatch(/Another breaker/);
    expect(await say(here, 'U0ROSA', 'adopt ledger')).toMatch(/adopted as far as it was signed/);
  });

  it('is replaced by two who may break the glass, and kept by one who may go on', async () => {
    const here = night();
    await say(here, 'U0ROSA', 'upgrade v2.0.0 --regions us-east');
    await say(here, 'U0ROSA', `start ${[...here.control.drafts.keys()][0]}`);
    const [rollout] = rollouts(here);
    const node = rollout?.nodes['us-east-op-1'];
    if (rollout === undefined || node === undefined) throw new Error('not started');
    const work = { what: 'binary' as const, sha256: 'd'.repeat(64), version: 'v2.1.0' };
    const failed = { is: 'failed' as const, step: 'stage' as const, reason: 'somebody’s work', at: 1 };
    here.control.rollouts.set(rollout.id, {
      ...rollout,
      status: { is: 'held', reason: 'somebody’s work', node: node.name, at: 1, pending: null },
      nodes: { ...rollout.nodes, [node.name]: { ...node, state: failed, foreign: work } },
    });
    const replace = `replace us-east-op-1 ${'d'.repeat(12)}`;
    expect(await say(here, 'U0ROSA', replace)).toMatch(/@U0ROSA wants .* replaced.*Another breaker/s);
    expect(rollouts(here)[0]?.nodes['us-east-op-1']?.decided).toBe(null);
    expect(await say(here, 'U0INES', replace)).toMatch(/^Putting v2.1.0/);
    expect(rollouts(here)[0]?.nodes['us-east-op-1']?.decided).toMatchObject({ as: 'replace', by: 'U0INES' });
    expect(here.control.journals.get(rollout.id)?.at(-1)?.event).toMatchObject({ type: 'decided', with: 'U0ROSA' });
  });
});
