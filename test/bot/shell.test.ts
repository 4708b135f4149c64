import { describe, expect, it } from 'vitest';
import { type Asking, ownPeople } from '../../src/bot/context.ts';
import { parse } from '../../src/bot/parse.ts';
import { answer, asText } from '../../src/bot/run.ts';
import { isAsked } from '../support/parts.ts';
import { hours } from '../support/rollouts.ts';
import { drive, worldOf } from '../support/simulation.ts';
import { type Trial, trial } from './support.ts';

async function on(here: Trial, asking: Asking, text: string) {
  const parsed = parse(text);
  if (parsed.is === 'usage') throw new Error(parsed.problem);
  const reply = await answer(here.context, asking, parsed.command);
  return { outcome: reply.outcome ?? 'done', text: asText(reply) };
}

/** Somebody's plan, started, as far as the approval of eu-west; no chat is connected. */
async function asked(approvals: 'button' | 'signed' = 'button'): Promise<Trial> {
  const here = trial();
  const { access, fleet } = here.context;
  const regions = fleet.regions.map((region) => ({
    ...region,
    approvers: { users: ['U0ROSA', 'U0INES'], groups: ['S0'] },
  }));
  const context = { ...here.context, ...ownPeople(['U0ROSA', 'U0INES']), fleet: { ...fleet, regions } };
  const shell = { ...here, context: { ...context, access: { ...access, approvals } } };
  const { text } = await on(shell, rosa, 'upgrade v2.0.0');
  await on(shell, rosa, `start ${/start (\S+)/.exec(text)?.[1]}`);
  const [rollout] = here.control.rollouts.values();
  if (!rollout) throw new Error('nothing was started');
  const driven = drive(rollout, worldOf(rollout), {
    from: rollout.createdAt,
    until: (each) => isAsked(each, 'eu-west'),
  });
  here.control.rollouts.set(rollout.id, driven.rollout);
  return shell;
}

const nobody: Asking = { actor: 'cli:root', rollout: null };
const signed = { text: 'what was signed', signature: 'by whom' };
const rosa: Asking = { actor: 'U0ROSA', rollout: null, signed };
const ines: Asking = { actor: 'U0INES', rollout: null, signed };

describe('a shell', () => {
  it('without a key looks, pauses and stops, and does nothing else', async () => {
    const here = await asked();
    here.clock.at += hours(2);
    for (const text of ['status', 'why', 'verify', 'history', 'windows', 'diagnose us-east-op-1', 'pause', 'mine']) {
      expect(await on(here, nobody, text), text).toMatchObject({ outcome: 'done' });
    }
    const denied = [
      'approve eu-west',
      'resume',
      'retry',
      'rollback all',
      'upgrade v2.0.0',
      'upgrade v2.0.0 --now --reason "x"',
      'freeze all --until 2026-12-24 --reason "x"',
      'unfreeze all',
      'replace us-east-op-1 abcdef123456',
    ];
    for (const text of denied) {
      expect(await on(here, nobody, text), text).toMatchObject({
        outcome: 'denied',
        text: expect.stringMatching(/Without a key a shell may look, pause and stop/),
      });
    }
    expect((await on(here, nobody, 'stop')).outcome).toBe('done');
  });

  it('with a key is that person: nobody approves their own rollout, neither here nor there', async () => {
    const here = await asked();
    expect(await on(here, rosa, 'approve eu-west')).toMatchObject({
      outcome: 'denied',
      text: expect.stringMatching(/^You asked for this rollout/),
    });
    expect((await on(here, ines, 'approve eu-west')).outcome).toBe('done');
  });

  it('knows by Slack away who is named in the settings, and nobody of whom it knows no key', async () => {
    const here = await asked();
    expect((await on(here, { ...ines, actor: 'U0OTTO' }, 'rollback all')).outcome).toBe('denied');
  });
});

describe('approvals: signed', () => {
  it('answers a button with the one command that counts', async () => {
    const here = await asked('signed');
    const { signed: _, ...clicked } = ines;
    expect(await on(here, clicked, 'approve eu-west')).toEqual({
      outcome: 'denied',
      text: expect.stringMatching(/counts when you sign it.*\nzeitwork approve eu-west$/s),
    });
    expect(here.control.journals.size).toBe(0);
    expect((await on(here, ines, 'approve eu-west')).outcome).toBe('done');
    const [line] = [...here.control.journals.values()].flat();
    expect(line?.event).toMatchObject({ type: 'approved', by: 'U0INES', signed });
  });
});
