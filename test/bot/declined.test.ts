import { expect, it } from 'vitest';
import { readClick } from '../../src/bot/actions/click.ts';
import { answer, asText, runCommand } from '../../src/bot/run.ts';
import { outdated, type Post, posts } from '../../src/bot/views/posts.ts';
import { asked, next, plan } from '../../src/upgrade/rollout/index.ts';
import type { Rollout } from '../../src/upgrade/rollout/types.ts';
import { inputOf, minutes, tuesday } from '../support/rollouts.ts';
import { drive, worldOf } from '../support/simulation.ts';
import { type Trial, trial } from './support.ts';

/** eu-west is asked for; Ines may say yes or no. */
function atGate(approvals: 'button' | 'signed' = 'button'): Trial {
  const here = trial();
  here.context.access.approvals = approvals;
  const start = plan(inputOf(here.context.fleet, { strategy: 'regions', requester: 'U0ROSA' }));
  const until = (rollout: Rollout) => asked(rollout).length > 0;
  const { rollout, now } = drive(start, worldOf(start), { from: tuesday, until });
  here.control.rollouts.set(rollout.id, rollout);
  here.clock.at = now + minutes(1);
  return here;
}
const now = ({ control }: Trial): Rollout => {
  const [rollout] = control.rollouts.values();
  if (rollout === undefined) throw new Error('no rollout');
  return rollout;
};
const run = async (here: Trial, actor: string, text: string): Promise<string> =>
  asText(await runCommand(here.context, actor, text));
const post = (rollout: Rollout, key: RegExp): Post | undefined => posts(rollout).find((each) => key.test(each.key));
const labels = (of: Post | undefined): string[] =>
  (of?.blocks ?? []).flatMap((block) =>
    block.type === 'actions' ? block.elements.flatMap((each) => (each.type === 'button' ? [each.text.text] : [])) : [],
  );
const why = 'decline eu-west --reason "error rate is up"';

it('is said with a reason by whoever may approve, and by nobody else', async () => {
  const here = atGate();
  expect(await run(here, 'U0OTTO', why)).toMatch(/^You may not approve eu-west/);
  expect(await run(here, 'U0ROSA', why)).toMatch(/^You asked for this rollout/);
  expect(await run(here, 'U0INES', why)).toMatch(/^eu-west is declined: nothing begins there\./);
  expect(await run(here, 'U0INES', why)).toMatch(
    /^eu-west was declined by @U0INES at .*: error rate is up\. Now: v2\.0\.0 is waiting, eu-west was declined/,
  );
});

it('leaves no time in the live message at which somebody would wait for what does not begin, and neither does a pause', async () => {
  const here = atGate();
  const main = () => post(now(here), /^main$/)?.text ?? '';
  expect(main()).toMatch(/^Next: eu-west-op-1, not before /m);
  expect(main()).toMatch(/^Expected end: /m);
  await run(here, 'U0INES', why);
  expect(main()).not.toMatch(/Next:|Expected end/);
  const other = atGate();
  await run(other, 'U0ROSA', 'pause');
  expect(post(now(other), /^main$/)?.text).not.toContain('Expected end');
  expect(post(now(other), /^gate\./)?.text).toMatch(/^If approved, and once it is resumed: not before /m);
});

it('stands beside the question, in the live message, why, the channel, and a message to whoever asked for it', async () => {
  const here = atGate();
  await run(here, 'U0INES', why);
  const rollout = now(here);
  const first =
    /\*eu-west was declined\* by <@U0INES>; 3 of 3 healthy in us-east; nothing begins there until an approver/;
  expect(post(rollout, /^gate\./)?.text.split('\n')[0]).toMatch(first);
  const said = /\*eu-west was declined\* by <@U0INES>.*At <[^>]*>: error rate is up/s;
  expect(post(rollout, /^main$/)?.text.split('\n')[0]).toBe('zeitwork-operator v2.0.0: waiting, eu-west was declined');
  expect(post(rollout, /^main$/)?.text).toMatch(/\*eu-west was declined\* by <@U0INES> at <[^>]*>: error rate is up/);
  expect(post(rollout, /^dm\.declined\./)?.text).toMatch(said);
  const told = post(rollout, /^declined\./);
  expect(told?.place).toEqual({ is: 'thread', broadcast: true });
  expect(told?.text).toMatch(said);
  expect(told?.text).toContain('Called: <@U0ROSA>');
  expect(labels(told)).toEqual(['I have it', 'Stop']);
  expect(await run(here, 'U0LU', 'why')).toMatch(
    /approval: eu-west is not approved \(error rate is up\): declined by @U0INES\. Opened by the approvers of eu-west/,
  );
  const { facts } = await runCommand(here.context, 'U0LU', 'status');
  expect(JSON.stringify(facts)).toContain('"declined":{"by":"U0INES"');
});

it('the button says no without a reason and where to give one; it is gone while a no stands, Approve is not', async () => {
  const here = atGate();
  const shown = post(now(here), /^gate\./);
  expect(labels(shown)).toEqual(expect.arrayContaining(['Approve eu-west', 'Decline eu-west', 'Hold']));
  expect(JSON.stringify(shown?.blocks)).toContain('type: /zeitwork decline eu-west --reason');
  const click = readClick('zw:decline:approval/eu-west', JSON.stringify({ r: 'r1', g: 'approval/eu-west', v: 1 }));
  if (click === null) throw new Error('not readable');
  const reply = await answer(here.context, { actor: 'U0INES', rollout: 'r1' }, click.command);
  expect(reply.outcome ?? 'done').toBe('done');
  const after = post(now(here), /^gate\./);
  expect(after?.text).toMatch(/^✗ \*eu-west was declined\* by <@U0INES>;.*\nAt <[^>]*>, without a reason/);
  expect(labels(after)).toContain('Approve eu-west');
  expect(labels(after)).not.toContain('Decline eu-west');
});

it('a yes after it keeps the no, and what was said with the yes', async () => {
  const here = atGate();
  await run(here, 'U0INES', why);
  const standing = posts(now(here)).map(({ key }) => key);
  here.clock.at += minutes(5);
  expect(await run(here, 'U0INES', 'approve eu-west --comment "a probe was wrong"')).toMatch(/^eu-west is approved/);
  const ends = outdated(now(here), standing).map(({ key, text }) => `${key.split('.')[0]} ${text}`);
  expect(ends).toContainEqual(expect.stringMatching(/^declined → Approved by <@U0INES>/));
  expect(post(now(here), /^gate\./)?.text).toMatch(
    /approved by <@U0INES> at <[^>]*> \(“a probe was wrong”\)\. Before that, \*eu-west was declined\* by <@U0INES>/,
  );
});

it('where approvals are signed a no is signed, too, and the one command for it is told', async () => {
  const here = atGate('signed');
  expect(await run(here, 'U0INES', why)).toMatch(/^Nothing was declined.*\nzeitwork decline eu-west --reason "…"$/s);
  expect(now(here)).not.toHaveProperty('declined');
  const signed = { text: 'what was signed', signature: 'by whom' };
  const command = { verb: 'decline', what: 'eu-west', reason: 'no' } as const;
  await answer(here.context, { actor: 'U0INES', rollout: null, signed }, command);
  const [line] = [...here.control.journals.values()].flat();
  expect(line?.event).toMatchObject({ type: 'declined', by: 'U0INES', reason: 'no', signed });
});

it('what was written calls nobody and links nowhere', async () => {
  const here = atGate();
  await run(here, 'U0INES', 'decline eu-west --reason "<!channel> <https://evil|Approve>"');
  const said = JSON.stringify(posts(now(here)));
  expect(said).not.toMatch(/<!channel>|<https:\/\/evil/);
  const approved = next(now(here), {
    type: 'approved',
    at: here.clock.at,
    phase: 'approval/eu-west',
    by: 'U0INES',
    comment: '<!here> all',
  });
  expect(JSON.stringify(posts(approved))).not.toContain('<!here>');
});
