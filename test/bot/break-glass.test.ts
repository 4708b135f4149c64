import { describe, expect, it } from 'vitest';
import { asText, runCommand } from '../../src/bot/run.ts';
import { plan } from '../../src/upgrade/rollout/index.ts';
import type { NodeRun, Rollout } from '../../src/upgrade/rollout/types.ts';
import { inputOf } from '../support/rollouts.ts';
import { type Trial, trial, trialFleet } from './support.ts';

const say = async (here: Trial, actor: string, text: string) => asText(await runCommand(here.context, actor, text));
const bare = 'upgrade v2.0.0 --regions us-east --now --reason "certificates expire"';
const incident = 'https://status.example.com/i/42';
const glass = `${bare} --incident ${incident}`;

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
      override: { by: 'U0ROSA', with: 'U0INES', reason: 'certificates expire', incident },
    });
    expect((rollout?.override?.until ?? 0) - here.clock.at).toBe(4 * 3_600_000);
    expect(await say(here, 'U0ROSA', 'status')).toMatch(
      /overridden until .* by @U0ROSA with @U0INES: certificates expire \(https:\/\/status\.example\.com\/i\/42\)/,
    );
  });

  it('wants the regions named, and may be thrown away by whoever asked', async () => {
    const here = night();
    expect(await say(here, 'U0ROSA', 'upgrade v2.0.0 --now --reason "x"')).toMatch(/--now opens only what it names/);
    const token = tokenIn(await say(here, 'U0ROSA', glass));
    expect(await say(here, 'U0ROSA', `cancel ${token}`)).toMatch(/thrown away/);
    expect(await say(here, 'U0INES', `start ${token}`)).toMatch(/This plan is gone/);
  });

  it('wants to know where the incident is found', async () => {
    const here = night();
    expect(await say(here, 'U0ROSA', bare)).toMatch(/^--now is for an incident/);
    expect(tokenIn(await say(night(1), 'U0ROSA', bare))).not.toBe('');
    expect(await say(here, 'U0ROSA', glass)).toContain(`(${incident})`);
  });

  it('is thrown away by nobody else but a breaker', async () => {
    const here = night();
    const token = tokenIn(await say(here, 'U0ROSA', glass));
    for (const who of ['U0LU', 'U0GIL']) expect(await say(here, who, `cancel ${token}`)).toMatch(/may not/);
    expect(await say(here, 'U0INES', `cancel ${token}`)).toMatch(/thrown away/);
  });

  it('takes one where the settings say so', async () => {
    const here = night(1);
    const token = tokenIn(await say(here, 'U0ROSA', glass));
    expect(await say(here, 'U0ROSA', `start ${token}`)).toMatch(/under way/);
  });
});

/** A hotfix stands on a node, and the rollout holds because of it. */
function foreignWork(here: Trial): string {
  const sha256 = 'd'.repeat(64);
  const rollout = plan(inputOf(here.context.fleet, { id: 'r9', requester: 'U0ROSA' }));
  const node = rollout.nodes['us-east-op-2'] as NodeRun;
  const failed = { is: 'failed', step: 'switch', reason: 'v2.1.0 was installed by hand', at: 1 } as const;
  const foreign = { what: 'binary', sha256, version: 'v2.1.0' } as const;
  const held = { is: 'held', reason: 'x', node: node.name, at: 1, pending: null } as const;
  const nodes = { ...rollout.nodes, [node.name]: { ...node, state: failed, failure: failed.reason, foreign } };
  here.control.rollouts.set('r9', { ...rollout, status: held, nodes });
  return sha256.slice(0, 12);
}

describe('what takes two breakers', () => {
  it("is to replace somebody's work on a node: one wants it, aloud, and another does it", async () => {
    const here = night();
    const line = `replace us-east-op-2 ${foreignWork(here)}`;
    expect(await say(here, 'U0OTTO', line)).toMatch(/^You may not override.*replace somebody's work/);
    const reply = await runCommand(here.context, 'U0ROSA', line);
    expect(reply.public).toBe(true);
    expect(asText(reply)).toMatch(/@U0ROSA wants to put v2.1.0 .* aside.*another breaker must say the same/s);
    expect(await say(here, 'U0ROSA', line)).toMatch(/another breaker must say the same/);
    expect(here.control.journals.get('r9')).toBeUndefined();
    expect(await say(here, 'U0INES', line)).toMatch(/^Putting v2.1.0/);
  });

  it('is not done by one who says it while the rollout does not hold yet, and holds when it is written down', async () => {
    const here = night();
    const line = `replace us-east-op-2 ${foreignWork(here)}`;
    const held = here.control.rollouts.get('r9');
    if (held === undefined) throw new Error('it is there');
    const back: Rollout['status'] = {
      ...{ is: 'rolling-back', scope: { is: 'all' }, queue: [], by: 'U0OTTO', at: 1, after: null },
    };
    here.control.rollouts.set('r9', { ...held, status: back });
    const { nextEpoch } = here.control.store;
    here.control.store.nextEpoch = (now) => {
      here.control.rollouts.set('r9', held);
      return nextEpoch(now);
    };
    expect(await say(here, 'U0INES', line)).toMatch(/^Nothing waits for a decision on us-east-op-2 yet/);
    expect(here.control.journals.get('r9')).toBeUndefined();
  });

  it('is to adopt what is stored, and that exactly', async () => {
    const here = night();
    foreignWork(here);
    expect(await say(here, 'U0ROSA', 'adopt r9')).toMatch(/another breaker must say the same/);
    const r9 = here.control.rollouts.get('r9');
    if (r9) here.control.rollouts.set('r9', { ...r9, revision: r9.revision + 1 });
    expect(await say(here, 'U0INES', 'adopt r9')).toMatch(/another breaker must say the same/);
    expect(await say(here, 'U0ROSA', 'adopt r9')).toMatch(/^r9 is adopted, in your name and that of @U0INES/);
    expect(await say(here, 'U0ROSA', 'adopt ledger')).toMatch(/another breaker must say the same/);
    // It moved on: what the first wanted is not what the second would do.
    here.control.kept = { ...here.control.kept, revision: here.control.kept.revision + 1 };
    expect(await say(here, 'U0INES', 'adopt ledger')).toMatch(/another breaker must say the same/);
    expect(await say(here, 'U0ROSA', 'adopt ledger')).toMatch(/^The ledger is adopted/);
  });

  it('is done by one where the settings say so', async () => {
    const here = night(1);
    expect(await say(here, 'U0INES', `replace us-east-op-2 ${foreignWork(here)}`)).toMatch(/^Putting v2.1.0/);
  });
});

describe('a plan that was put back into the store', () => {
  it('is gone all the same half an hour after it was shown', async () => {
    const here = night();
    const token = tokenIn(await say(here, 'U0ROSA', 'upgrade v2.0.0 --regions us-east'));
    here.clock.at += 30 * 60_000 + 1;
    expect(await say(here, 'U0ROSA', `start ${token}`)).toMatch(/^This plan is gone/);
    expect(rollouts(here)).toEqual([]);
  });
});
