import fc from 'fast-check';
import pino from 'pino';
import { expect, it } from 'vitest';
import { readClick } from '../../src/bot/actions/click.ts';
import type { Access, Directory } from '../../src/bot/context.ts';
import { answer, asText } from '../../src/bot/run.ts';
import type { Post } from '../../src/bot/views/post.ts';
import { posts } from '../../src/bot/views/posts.ts';
import { approvals, asked, summary } from '../../src/upgrade/rollout/index.ts';
import type { NodeSurvey, Rollout } from '../../src/upgrade/rollout/types.ts';
import { Run, type Scenario, scenario } from '../support/chance.ts';
import { fleetOf, newImage, oldImage, surveyOf } from '../support/rollouts.ts';
import { drive } from '../support/simulation.ts';
import { trial } from './support.ts';

/** Somebody with every role, so that what refuses them is the rollout. */
const anyone: Directory = {
  person: async () => ({ bot: false, guest: false, deactivated: false, teams: ['T0'] }),
  members: async () => [],
};
const everything = { users: ['U1'], groups: [] };
const roles: Access['roles'] = {
  requesters: everything,
  breakers: everything,
  stoppers: everything,
  onCall: everything,
};

interface Shown {
  post: string;
  label: string;
  action: string;
  value: string | undefined;
}

const shownOn = ({ key, blocks }: Post): Shown[] =>
  blocks.flatMap((block) =>
    block.type !== 'actions'
      ? []
      : block.elements.flatMap((each) =>
          each.type === 'button'
            ? [{ post: key, label: each.text.text, action: each.action_id ?? '', value: each.value }]
            : [],
        ),
  );

/** Whoever may press it: an approver who has not said yes, else the one with every role. */
function presser(rollout: Rollout, action: string): string {
  const [, kind, ...id] = action.split(':');
  const phase = kind === 'approve' ? approvals(rollout).find((each) => each.id === id.join(':')) : undefined;
  const free = phase?.by.users.filter(
    (user) => user !== rollout.requester && !phase.given.some(({ by }) => by === user),
  );
  return free === undefined ? 'U1' : (free[0] ?? 'nobody who may');
}

/** The nodes as the rollout has recorded them: what somebody did by hand is no matter of the buttons. */
const recordedOf = (rollout: Rollout): NodeSurvey[] =>
  surveyOf(fleetOf()).map((seen) => {
    const node = rollout.nodes[seen.node];
    return { ...seen, sha256: node?.state.is === 'done' ? newImage : (node?.before?.sha256 ?? oldImage) };
  });

async function press(rollout: Rollout, now: number, shown: Shown): Promise<string> {
  const here = trial({ fleet: fleetOf(), looks: recordedOf(rollout) });
  const context = { ...here.context, directory: anyone, log: pino({ level: 'silent' }) };
  context.access = { ...context.access, roles };
  here.control.rollouts.set(rollout.id, rollout);
  here.clock.at = now;
  const click = readClick(shown.action, shown.value);
  if (click === null) return 'not readable';
  const reply = await answer(context, { actor: presser(rollout, shown.action), rollout: click.rollout }, click.command);
  return (reply.outcome ?? 'done') === 'done' ? 'done' : `${reply.outcome}: ${asText(reply)}`;
}

/** From the plan, or from the first question to an approver, which chance seldom comes to. */
function begun(chance: Scenario, fromGate: boolean): Run {
  const run = new Run(chance);
  if (!fromGate) return run;
  const to = drive(run.rollout, run.world, { from: run.now, until: (rollout) => asked(rollout).length > 0 });
  run.rollout = to.rollout;
  run.now = to.now;
  return run;
}

const seed = process.env.SEED === undefined ? 20_261_129 : Number(process.env.SEED);
const numRuns = Number(process.env.RUNS ?? 100);

it('no button that is shown is refused to whoever may press it, in any state that chance leads to', async () => {
  const known = new Set<string>();
  const pressed = new Set<string>();
  await fc.assert(
    fc.asyncProperty(scenario, fc.boolean(), async (chance, fromGate) => {
      const run = begun(chance, fromGate);
      for (const move of chance.moves) {
        run.step(move);
        const { rollout, now } = run;
        const all = posts(rollout).flatMap(shownOn);
        const state = JSON.stringify([
          rollout.status.is,
          summary(rollout),
          all.map(({ post, label }) => [post, label]),
        ]);
        if (known.has(state)) continue;
        known.add(state);
        for (const shown of all) {
          const came = await press(rollout, now, shown);
          expect(came, `${shown.label} on ${shown.post} while ${rollout.status.is}: ${summary(rollout)}`).toBe('done');
          pressed.add(`${rollout.status.is} ${shown.action.split(':')[1]}`);
        }
      }
    }),
    { seed, numRuns, endOnFailure: process.env.SHRINK === undefined },
  );
  // Where nothing is offered nothing is refused, and nothing shown.
  expect([...pressed]).toEqual(
    expect.arrayContaining([
      'running approve',
      'running hold',
      'paused approve',
      'rolling-back stop',
      'running pause',
      'running stop',
      'running rollback',
      'paused resume',
      'held retry',
      'held resume',
      'held stop',
      'held rollback',
      'stopped rollback',
      'stopping rollback',
    ]),
  );
}, 600_000);
