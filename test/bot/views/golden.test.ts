import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { asText, runCommand } from '../../../src/bot/run.ts';
import { closed } from '../../../src/bot/views/closing.ts';
import type { People } from '../../../src/bot/views/people.ts';
import { outdated, type Post, posts } from '../../../src/bot/views/posts.ts';
import { asked, next, plan } from '../../../src/upgrade/rollout/index.ts';
import type { Event, Fleet, Rollout } from '../../../src/upgrade/rollout/types.ts';
import { approve } from '../../support/parts.ts';
import { hours, inputOf, minutes, tuesday } from '../../support/rollouts.ts';
import { drive, type World, worldOf } from '../../support/simulation.ts';
import { type Trial, trial, trialFleet } from '../support.ts';

/**
 * What people read, as files of their own, so that a change of wording is seen as one. Messages that stand in `posts.test.ts`
 * and its neighbours are not here again. `npx vitest run --project unit test/bot/views/golden.test.ts -u`
 * writes them anew (in another order it updates everything).
 */
const folder = resolve(import.meta.dirname, '../../golden/messages');
const golden = (name: string, said: string) => expect(`${said}\n`).toMatchFileSnapshot(`${folder}/${name}.txt`);

const people: People = {
  onCall: { users: ['U0OTTO'], groups: ['S0CALL'] },
  escalation: { users: [], groups: ['S0BOSS'] },
  members: { S0APPROVERS: ['U0INES', 'U0ROSA'] },
};
const reminders = [minutes(15), minutes(30), hours(2)];
const announce = [hours(24), hours(1)];
const majors = { approvers: 2, canaryApproval: true, notice: hours(48) };
const major: Fleet = { ...trialFleet({ majors, announce, reminders }, 'guide'), audiences: ['status page'] };

function found(rollout: Rollout, key: RegExp): Post {
  const all = posts(rollout, people);
  const post = all.find((each) => key.test(each.key));
  if (post === undefined) throw new Error(`no ${key} among ${all.map((each) => each.key)}`);
  return post;
}
const text = (rollout: Rollout, key: RegExp): string => found(rollout, key).text;

/** A message of `before` as it is read after `event`: what it said, without its buttons, and the line below. */
function standing(before: Rollout, event: Event, key: RegExp): string {
  const shown = found(before, key);
  const after = next(before, event);
  const ends = [...posts(after, people), ...outdated(after, [shown.key], people)];
  const end = ends.find((each) => each.key === shown.key);
  if (end?.closes !== true) throw new Error(`${shown.key} is not over`);
  return closed(shown, end.text).text;
}

function until(fits: (rollout: Rollout) => boolean, change: (world: World) => void = () => undefined, fleet = usual) {
  const start = plan(inputOf(fleet, { strategy: 'regions', requester: 'U0ROSA' }));
  const world = worldOf(start);
  change(world);
  const { rollout, now } = drive(start, world, { from: tuesday, until: fits });
  return { rollout, at: now + minutes(1) };
}
const usual = trialFleet({ reminders });
const atGate = (fleet?: Fleet) => until((rollout) => asked(rollout).length > 0, undefined, fleet);
const held = () =>
  until(
    ({ nodes }) => nodes['us-east-op-2']?.state.is === 'rolled-back',
    (world) => world.bad.add('us-east-op-2'),
  );

const run = async ({ context }: Trial, actor: string, typed: string): Promise<string> =>
  asText(await runCommand(context, actor, typed));

/** A plan that was asked for and confirmed. */
async function confirmed(typed: string): Promise<Trial> {
  const here = trial({ fleet: major });
  const [, token] = /zeitwork start (\S+)/.exec(await run(here, 'U0ROSA', typed)) ?? [];
  await run(here, 'U0ROSA', `start ${token}`);
  const startAt = only(here).startAt;
  const told = { type: 'announced', kind: 'scheduled', startAt, begins: startAt } as const;
  const audiences = ['channel', 'status page'].map((audience) => ({ ...told, audience, at: tuesday + 1_000 }));
  const known = audiences.reduce<Rollout>((rollout, event) => next(rollout, event), only(here));
  here.control.rollouts.set(known.id, known);
  return here;
}
const only = ({ control }: Trial): Rollout => {
  const [rollout] = control.rollouts.values();
  if (rollout === undefined) throw new Error('nothing was started');
  return rollout;
};
const over = (rollout: Rollout, at: number): Trial => {
  const here = trial({ fleet: usual });
  here.control.rollouts.set(rollout.id, rollout);
  here.clock.at = at;
  return here;
};
const scheduled = 'schedule v2.0.0 --at 2026-11-26T08:00:00Z';
const no = { type: 'declined', phase: 'approval/eu-west', by: 'U0INES', reason: 'the error rate is up' } as const;
const overrides = '--now --reason "certificates expire" --incident https://status.example.com/i/42';

const messages: Record<string, () => string | Promise<string>> = {
  'preview-of-a-scheduled-major': () => run(trial({ fleet: major }), 'U0ROSA', scheduled),
  'preview-that-overrides-windows': () => {
    const here = trial({ fleet: trialFleet({ breakers: 2 }, 'guide') });
    here.context.access.roles.breakers = { users: ['U0ROSA', 'U0INES'], groups: [] };
    return run(here, 'U0ROSA', `upgrade v2.0.0 --regions eu-west ${overrides}`);
  },
  'announcement-of-a-major': async () => text(only(await confirmed(scheduled)), /^scheduled$/),
  'announcement-of-a-major-as-it-is-posted': () =>
    text(plan(inputOf(major, { startAt: tuesday + hours(48), requester: 'U0ROSA' })), /^scheduled$/),
  'announcement-moved': async () => {
    const here = await confirmed(scheduled);
    await run(here, 'U0ROSA', 'reschedule --next');
    return text(only(here), /^moved\.1$/);
  },
  'announcement-after-it-was-moved': async () => {
    const before = only(await confirmed(scheduled));
    const startAt = Date.UTC(2026, 11, 1, 8);
    return standing(before, { type: 'rescheduled', at: tuesday + hours(1), by: 'U0OTTO', startAt }, /^scheduled$/);
  },
  'announcement-after-it-was-cancelled': async () => {
    const before = only(await confirmed(scheduled));
    return standing(before, { type: 'stopped', at: tuesday + hours(1), by: 'U0OTTO' }, /^scheduled$/);
  },
  'ending-cancelled': async () => {
    const here = await confirmed(scheduled);
    await run(here, 'U0OTTO', 'cancel');
    return text(only(here), /^stopped\./);
  },
  'gate-of-a-major-approved-by-one-of-two': () => {
    const { rollout, at } = atGate(trialFleet({ majors: { ...majors, notice: 0 }, reminders }));
    const [first] = asked(rollout);
    return text(next(rollout, approve(first?.title ?? '', 'U0INES', at)), /^gate\./);
  },
  'gate-after-it-was-approved': () => {
    const { rollout, at } = atGate();
    return standing(rollout, { ...approve('eu-west', 'U0INES', at), comment: 'graphs are flat' } as Event, /^gate\./);
  },
  'gate-declined': () => {
    const { rollout, at } = atGate();
    return text(next(rollout, { ...no, at }), /^gate\./);
  },
  'gate-after-the-rollout-was-stopped': () => {
    const { rollout, at } = atGate();
    return standing(rollout, { type: 'stopped', at, by: 'U0OTTO' }, /^gate\./);
  },
  'gate-after-nobody-answered': () => {
    const { rollout, at } = atGate();
    return standing(rollout, { type: 'ticked', at: at + rollout.policy.approvalExpires }, /^gate\./);
  },
  'held-after-nobody-answered': () => {
    const { rollout, at } = atGate();
    return text(next(rollout, { type: 'ticked', at: at + rollout.policy.approvalExpires }), /^failed\./);
  },
  'declined-in-the-channel': () => {
    const { rollout, at } = atGate();
    return text(next(rollout, { ...no, at }), /^declined\./);
  },
  'reminder-of-a-gate-first': () => {
    const { rollout, at } = atGate();
    return text(next(rollout, { type: 'ticked', at: at + minutes(15) }), /^remind\./);
  },
  'reminder-of-a-gate-last': () => {
    const { rollout, at } = atGate();
    return text(next(rollout, { type: 'ticked', at: at + hours(2) }), /^remind\./);
  },
  'reminder-of-a-declined-gate': () => {
    const { rollout, at } = atGate();
    return text(next(next(rollout, { ...no, at }), { type: 'ticked', at: at + minutes(15) }), /^remind\./);
  },
  'reminder-of-a-hold-last': () => {
    const { rollout, at } = held();
    return text(next(rollout, { type: 'ticked', at: at + hours(2) }), /^remind\./);
  },
  'failure-after-it-was-tried-again': () => {
    const { rollout, at } = held();
    return standing(rollout, { type: 'retried', at, by: 'U0ROSA', epoch: tuesday + 9 }, /^failed\./);
  },
  'direct-to-an-approver': () => text(atGate().rollout, /^dm\.ask\.U0INES/),
  'direct-at-a-gate': () => text(atGate().rollout, /^dm\.gate\./),
  'direct-when-declined': () => {
    const { rollout, at } = atGate();
    return text(next(rollout, { ...no, at }), /^dm\.declined\./);
  },
  'direct-at-a-hold': () => text(held().rollout, /^dm\.held\./),
  'direct-at-the-end': () => {
    const { rollout, at } = atGate();
    return text(next(rollout, { type: 'stopped', at, by: 'U0OTTO' }), /^dm\.stopped\./);
  },
  'why-a-scheduled-major': async () => run(await confirmed(scheduled), 'U0LU', 'why'),
  'why-held': () => {
    const { rollout, at } = held();
    return run(over(rollout, at), 'U0LU', 'why');
  },
  'why-declined': () => {
    const { rollout, at } = atGate();
    return run(over(next(rollout, { ...no, at }), at), 'U0LU', 'why');
  },
};

it.each(Object.entries(messages))('%s', async (name, said) => golden(name, await said()));
