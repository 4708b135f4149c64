import pino from 'pino';
import { expect, it } from 'vitest';
import { isAny } from '../../src/base/is-any.ts';
import { judge } from '../../src/bot/actions/counts.ts';
import { asShown, asShownNow } from '../../src/bot/as-shown.ts';
import { answer, asText, runCommand } from '../../src/bot/run.ts';
import { sealedBlocks } from '../../src/bot/sealed.ts';
import { posts } from '../../src/bot/views/posts.ts';
import {
  asked,
  isLook,
  isOpen,
  next,
  nodesInOrder,
  onlyBack,
  plan,
  planRecovery,
  takenBy,
  todo,
  waitingForPeople,
  waitKey,
} from '../../src/upgrade/rollout/index.ts';
import type { Fleet, Foreign, NodeRun, NodeSurvey, NodeTask, Rollout } from '../../src/upgrade/rollout/types.ts';
import { Run, scenario } from '../support/chance.ts';
import { fc } from '../support/fast-check.ts';
import {
  fitWith,
  fleetOf,
  hours,
  inputOf,
  oldImage,
  planned,
  release,
  siblingsOf,
  surveyOf,
  tuesday,
} from '../support/rollouts.ts';
import { drive, failed, type World, worldOf } from '../support/simulation.ts';
import { directoryOf, seals, trial, trialFleet } from './support.ts';

/** A button as it stands in a message, in short. */
interface Offered {
  /** Of its message; and the kind of that. */
  key: string;
  post: string;
  action: string;
  style: string | undefined;
  asksFirst: boolean;
  /** What its dialog says. */
  told: string;
}

function offered(rollout: Rollout): Offered[] {
  return posts(rollout).flatMap(({ key, blocks }) =>
    blocks
      .flatMap((block) => (block.type === 'actions' ? block.elements : []))
      .flatMap((each) =>
        each.type === 'button'
          ? [
              {
                key,
                post: key.split('.')[0] ?? '',
                action: each.action_id ?? '',
                style: each.style,
                asksFirst: each.confirm !== undefined,
                told: each.confirm?.text?.text ?? '',
              },
            ]
          : [],
      ),
  );
}

/** What ends something is red; what brings a release to nodes again is never the obvious one; both ask first. */
function looksLikeWhatItDoes({ action, style, asksFirst }: Offered): void {
  if (action === 'zw:retry') expect({ style, asksFirst }, action).toEqual({ style: undefined, asksFirst: true });
  if (/^zw:(?:stop|rollback|decline|replace)\b/.test(action))
    expect({ style, asksFirst }, action).toEqual({ style: 'danger', asksFirst: true });
  if (/^zw:approve\b/.test(action)) expect(asksFirst, action).toBe(true);
}

const ines = { users: ['U0INES'], groups: [] };

/** What the nodes run: what the rollout has recorded of them, but for those that somebody changed since. */
function seenOf(rollout: Rollout, fleet: Fleet, byHand: string[]): NodeSurvey[] {
  return surveyOf(fleet).map((seen) => {
    const node = rollout.nodes[seen.node];
    if (byHand.includes(seen.node)) return { ...seen, sha256: 'd'.repeat(64), version: 'v1.0.1' };
    // In the middle of it nobody can say what runs there, and a node that nobody can see contradicts nothing.
    if (node === undefined || isOpen(rollout)) return { ...seen, sha256: null };
    const isNew = node.state.is === 'done' || node.touched;
    return { ...seen, sha256: isNew ? rollout.release.binarySha256 : (node.before?.sha256 ?? oldImage) };
  });
}

function sceneOfPress(rollout: Rollout, now: number, byHand: string[]) {
  const { context: alone, control, clock } = trial();
  clock.at = now;
  const several = rollout.services === undefined ? alone.fleet : siblingsOf(alone.fleet, rollout.blinds?.operator);
  const context = { ...alone, fleet: several };
  const regions = context.fleet.regions.map((region) => ({ ...region, approvers: ines }));
  control.rollouts.set(rollout.id, rollout);
  control.looks = seenOf(rollout, context.fleet, byHand);
  const roles = { requesters: ines, breakers: ines, stoppers: ines, onCall: ines, escalation: ines };
  const scene = {
    ...context,
    fleet: { ...context.fleet, name: rollout.fleet, regions },
    access: { ...context.access, roles },
    directory: directoryOf({ U0INES: {} }),
    log: pino({ level: 'silent' }),
  };
  return { scene, control };
}

/** What a press of somebody who has every role and asked for nothing comes to, through all that is asked of a press. */
async function pressed(rollout: Rollout, now: number, { key, action }: Offered, byHand: string[]) {
  const { scene, control } = sceneOfPress(rollout, now, byHand);
  const on = { channel: 'C0', ts: '17.1' };
  const drawn = posts(await asShownNow(scene, rollout)).find((post) => post.key === key);
  const place = { fleet: scene.fleet.name, channel: on.channel };
  const blocks = sealedBlocks(drawn?.blocks ?? [], seals, place);
  const value = blocks
    .flatMap((block) => (block.type === 'actions' && 'elements' in block ? (block.elements as ButtonLike[]) : []))
    .find((each) => each.action_id === action)?.value;
  await control.store.setPosted(rollout.id, key, { ...on, content: '' });
  const judged = await judge(scene, { action, value, on, isEphemeral: false });
  if (!judged.counts) return judged.answer;
  const { command, rollout: about } = judged.click;
  return answer(scene, { actor: 'U0INES', rollout: about }, command);
}

interface ButtonLike {
  action_id?: string;
  value?: string;
}

/** A reminder of everything that waits by now was sent. */
function reminded(rollout: Rollout, at: number): Rollout {
  const waits = waitingForPeople(rollout).filter(({ since }) => since <= at);
  const counts = waits.map((waiting) => [waitKey(waiting), 1]);
  return { ...rollout, policy: { ...rollout.policy, reminders: [1] }, reminded: Object.fromEntries(counts) };
}

/** Otto has all that waits. */
function taken(rollout: Rollout, at: number): Rollout {
  const waits = waitingForPeople(rollout).map(waitKey);
  return next(reminded(rollout, at), { type: 'taken-on', at, by: 'U0OTTO', waits });
}

/** Steps that look whose work lies on the node before they change anything. */
const wary = ['stage', 'backup', 'switch', 'restore', 'recover'];

/** A worker that begins what is due finds somebody's work there. `clean`: nothing of ours is on the node. */
const found = (what: Foreign['what'], clean: boolean) => (rollout: Rollout, at: number) => {
  const task = todo(rollout, at).find((each): each is NodeTask => !isLook(each) && wary.includes(each.step));
  if (task === undefined) return rollout;
  const { run, node, step, attempt } = task;
  const foreign = { what, sha256: 'd'.repeat(64), version: what === 'binary' ? 'v2.1.0' : null };
  const report = { ...failed('somebody was here', false), facts: { foreign, clean } };
  const begun = next(rollout, { type: 'begun', at, run, node, step, attempt });
  return next(begun, { type: 'reported', at, run, node, step, attempt, report });
};

/** As it is; and if nobody had signed what led to it, somebody had gone back without looking, or said that they have it. */
const kinds: Record<string, (rollout: Rollout, at: number) => Rollout> = {
  signed: (rollout) => rollout,
  unsigned: (rollout) => ({ ...rollout, unsigned: true }),
  'only back': onlyBack,
  reminded,
  taken,
  'stopped by a file': halted,
  'stopped by a file, and reminded of it': (rollout, at) => reminded(halted(rollout, at), at + 60_000),
  declined: (rollout, at) =>
    asked(rollout).reduce(
      (acc: Rollout, { id }) => next(acc, { type: 'declined', at, phase: id, by: 'U0OTTO', reason: 'errors' }),
      rollout,
    ),
};

/** A worker that begins what is due finds the file that stops everything, and a minute later finds it still. */
function halted(rollout: Rollout, at: number): Rollout {
  const halt = { is: 'lies' as const, reason: 'the file STOP lies there' };
  const looks = Object.entries(rollout.looks).map(([region, look]) => [region, { ...look, halt }]);
  const seen: Rollout = { ...rollout, looks: Object.fromEntries(looks) };
  return [at, at + 60_000].reduce((acc: Rollout, now) => {
    const task = todo(acc, now).find((each): each is NodeTask => !isLook(each));
    if (task === undefined) return acc;
    const { run, node, step, attempt } = task;
    const gates = [{ name: 'halt' as const, reason: halt.reason, owner: 'whoever put the file there', opensAt: null }];
    const unchanged = step === 'stage' || step === 'backup';
    const begun = next(acc, { type: 'begun', at: now, run, node, step, attempt });
    return next(begun, { type: 'gated', at: now, run, node, step, attempt, gates, unchanged });
  }, seen);
}

/** While it was under way, somebody worked on a node by hand. */
const byHand: typeof kinds = {
  'a binary by hand': found('binary', true),
  'a binary by hand over half of ours': found('binary', false),
  'an environment by hand': found('environment', true),
  'an environment by hand over half of ours': found('environment', false),
  'an environment by hand, unsigned': (rollout, at) => ({ ...found('environment', true)(rollout, at), unsigned: true }),
  'an environment by hand, only back': (rollout, at) => onlyBack(found('environment', true)(rollout, at), at),
};
/** What a button may depend on, in short: each kind of scene is tried once. */
function sceneOf(kind: string, { status, nodes }: Rollout, buttons: Offered[]): string {
  const states = new Set(
    Object.values(nodes).map(({ state }) => `${state.is} ${'direction' in state ? state.direction : ''}`),
  );
  const shown = buttons.map(({ post, action }) => `${post} ${action.split(':')[1]}`);
  return JSON.stringify([kind, status.is, 'pending' in status && status.pending !== null, [...states].sort(), shown]);
}

const numRuns = Number(process.env.RUNS ?? 80);

it('no button approves where only a signature does: the command stands there instead', () => {
  const begin = planned({ bake: 0, pause: 0 }, { strategy: 'regions' });
  const { rollout } = drive(begin, worldOf(begin), { from: tuesday, until: (each) => asked(each).length > 0 });
  const { context } = trial();
  const gate = (approvals: 'button' | 'signed') =>
    posts(asShown({ fleet: context.fleet, access: { approvals } }, rollout)).find(({ key }) => key.startsWith('gate'));
  expect(JSON.stringify(gate('button')?.blocks)).toContain('zw:approve');
  expect(JSON.stringify(gate('signed')?.blocks)).not.toContain('zw:approve');
  expect(gate('signed')?.text).toContain('on a shell with the settings: `zeitwork approve eu-west`');
});

/** Nobody draws again what is over: its dialog says what is done where a node was changed since, and the answer what can be. */
async function afterSomebodysHand(rollout: Rollout, now: number, button: Offered, where: string): Promise<void> {
  expect(button.told, where).toContain('If one of them runs something else by now, none is touched');
  const [changed, ...others] = nodesInOrder(rollout).filter(({ touched }) => touched);
  if (changed === undefined) return;
  const reply = await pressed(rollout, now, button, [changed.name]);
  expect(reply.outcome, where).toBe('refused');
  const text = asText(reply);
  expect(text, where).toContain(`${changed.name} runs v1.0.1`);
  const offers = [...text.matchAll(/(?:with|,) (rollback [^,. ]+)/g)].map(([, typed]) => typed ?? '');
  expect(offers.length > 0, `${where}: ${text}`).toBe(others.length > 0);
  for (const typed of offers) {
    const { scene } = sceneOfPress(rollout, now, [changed.name]);
    const done = await runCommand(scene, 'U0INES', typed);
    expect(done.outcome ?? 'done', `${typed}: ${asText(done)}`).toBe('done');
  }
}

/** Presses every button of each kind of scene once; `shown`: which there were, as `post action`. */
function presser() {
  const [shown, seen] = [new Set<string>(), new Set<string>()];
  const lookAt = async (kind: string, rollout: Rollout, now: number) => {
    const buttons = offered(rollout);
    buttons.forEach(looksLikeWhatItDoes);
    if (rollout.status.is === 'rolling-back') expect(buttons.map(({ action }) => action)).toContain('zw:stop');
    const free = waitingForPeople(rollout).some((waiting) => takenBy(rollout, waiting) === null);
    if (!free) expect(buttons.map(({ action }) => action)).not.toContain('zw:mine');
    // A recovery that left its node out of service may put it back there; else nothing of it goes back.
    const isOut = nodesInOrder(rollout).some(({ drained, touched }) => drained && !touched);
    if (rollout.recovery !== undefined && !isOut)
      expect(buttons.filter(({ action }) => action.startsWith('zw:rollback')).map(({ key }) => key)).toEqual([]);
    const scene = sceneOf(kind, rollout, buttons);
    if (seen.has(scene)) return;
    seen.add(scene);
    for (const button of buttons) {
      shown.add(`${button.post} ${button.action.split(':')[1]}`);
      const reply = await pressed(rollout, now, button, []);
      const where = `${button.action} on ${button.post}, ${rollout.status.is}, ${kind}`;
      expect(reply.outcome ?? 'done', `${where}: ${asText(reply)}`).toBe('done');
      if (!isOpen(rollout) && button.action !== 'zw:own') await afterSomebodysHand(rollout, now, button, where);
    }
  };
  return { shown, lookAt };
}

it('a button of a start that is waited for is shown only where it does something, until it begins and after', async () => {
  const { shown, lookAt } = presser();
  const fleet = trialFleet(
    { majors: { approvers: 1, canaryApproval: true }, announce: [hours(24), hours(1)] },
    'guide',
  );
  for (const startAt of [null, tuesday + hours(1), tuesday + hours(30), tuesday + hours(24 * 9)]) {
    const now = startAt === null ? tuesday - hours(24) : tuesday;
    const start = plan(inputOf(fleet, { strategy: 'regions', startAt, now, epoch: now }));
    const looks: [Rollout, number][] = [];
    const until = (rollout: Rollout, at: number) => looks.push([rollout, at]) > 60;
    drive(start, worldOf(start), { from: now, until });
    for (const [rollout, at] of looks) {
      const by = 'U0OTTO';
      const paused = next(rollout, { type: 'paused', at, by });
      const moved = next(rollout, { type: 'rescheduled', at, by, startAt: at + hours(24 * 7) });
      const stopped = next(rollout, { type: 'stopped', at, by });
      const ways = { paused, moved, stopped, 'moved while paused': next(moved, { type: 'paused', at, by }) };
      for (const [way, each] of Object.entries({ ...ways, 'as it is': rollout }))
        for (const [kind, as] of Object.entries(kinds)) {
          const ahead = Math.sign((each.startAt ?? 0) - at);
          await lookAt(`${way}, ${kind}, ${each.startedAt === null ? 'ahead' : 'begun'} ${ahead}`, as(each, at), at);
        }
    }
  }
  expect([...shown]).toEqual(
    expect.arrayContaining(['scheduled postpone', 'scheduled stop', 'moved postpone', 'soon stop']),
  );
});

/** A node that lost its binary, on its way to get it back. */
function recovery(drains: boolean): Rollout {
  const fleet = trialFleet({}, 'guide');
  const traffic = drains ? { drain: ['/d'], undrain: ['/u'], limit: hours(0.01) } : null;
  const onIt = { version: 'v2.0.0', sha256: release.binarySha256, fitness: fitWith(release.binarySha256) };
  const fitness = { ...onIt.fitness, seen: onIt.fitness.seen === null ? null : { ...onIt.fitness.seen, disk: null } };
  const { version, sha256 } = onIt;
  return planRecovery({
    ...{ id: 'r1', fleet: { ...fleet, service: { ...fleet.service, traffic } }, node: 'eu-west-op-2', from: null },
    ...{ shelf: release, requester: 'U0ROSA', now: tuesday, epoch: tuesday, pace: {} },
    recorded: { version, sha256, envSha256: null, recordOf: ['eu-west-op-2'], since: tuesday, rollout: 'r0' },
    survey: surveyOf(fleet).map((seen) => ({
      ...{ ...seen, ...onIt },
      ...(seen.node === 'eu-west-op-2' ? { fitness, healthy: drains, unit: 'active/running' } : {}),
    })),
  });
}

it('a button of a recovery is shown only where it does something, at every step, whatever goes wrong there', async () => {
  const { shown, lookAt } = presser();
  type Trouble = (world: World) => void;
  const troubles: Trouble[] = [
    () => undefined,
    ({ bad }) => bad.add('eu-west-op-2'),
    ({ silent }) => silent.add('eu-west-op-2'),
    ({ brokenTraffic }) => brokenTraffic.add('eu-west-op-2'),
    (world) => {
      world.halt = { is: 'lies', reason: 'the file STOP lies there' };
    },
  ];
  for (const drains of [false, true])
    for (const trouble of troubles) {
      const start = recovery(drains);
      const world = worldOf(start);
      world.image['eu-west-op-2'] = drains ? release.binarySha256 : '';
      world.disk['eu-west-op-2'] = '';
      if (!drains) world.down.add('eu-west-op-2');
      trouble(world);
      const looks = new Map<string, [Rollout, number]>();
      const until = (rollout: Rollout, at: number): boolean => {
        const waits = waitingForPeople(rollout).map(({ what }) => what);
        const where = Object.values(rollout.nodes).map(({ state, touched, drained }) =>
          [state.is, 'step' in state && state.step, 'unknowns' in state && state.unknowns, touched, drained].join(),
        );
        looks.set(JSON.stringify([rollout.status.is, where, waits]), [rollout, at]);
        return at > tuesday + hours(0.5);
      };
      const end = drive(start, world, { from: tuesday, until });
      until(end.rollout, end.now);
      for (const [rollout, at] of looks.values()) {
        const by = 'U0OTTO';
        const paused = next(rollout, { type: 'paused', at, by });
        const stopped = next(rollout, { type: 'stopped', at, by });
        const over = drive(stopped, structuredClone(world), { from: at, limit: 60 });
        const retried = next(rollout, { type: 'retried', at, by, epoch: rollout.epoch + 1 });
        const ways = { paused, stopped, 'stopped, and over': over.rollout, retried, 'as it is': rollout };
        for (const [way, each] of Object.entries(ways))
          for (const [kind, as] of Object.entries({ ...kinds, ...byHand }))
            await lookAt(`recovery, ${way}, ${kind}`, as(each, at), at);
      }
    }
  const pressable = [
    'main pause',
    'main resume',
    'main retry',
    'main stop',
    'failed retry',
    'failed stop',
    'wait mine',
  ];
  expect([...shown]).toEqual(expect.arrayContaining([...pressable, 'failed diagnose', 'stuck replace', 'stuck retry']));
});

it('a button of a rehearsal is shown only where it does something, at every step, in service and out of it, whatever goes wrong', {
  timeout: 600_000,
}, async () => {
  const { shown, lookAt } = presser();
  const name = 'us-east-op-1';
  const halt = (world: World): void => {
    world.halt = { is: 'lies', reason: 'the file STOP lies there' };
  };
  const cut = (world: World) => void world.silent.add(name);
  /** From which step on, and what. */
  const troubles: [string, (world: World) => void][] = [
    ['none', () => undefined],
    ['backup', halt],
    ['verify', (world) => void world.bad.add(name)],
    ['verify', cut],
    ['restore', halt],
    ['restore', cut],
    ['restore', (world) => void world.down.add('us-east-op-2')],
    ['restore', (world) => void world.badRestore.set(name, 9)],
    ['verify-restored', halt],
    ['undrain', (world) => void world.brokenTraffic.add(name)],
    ['undrain', halt],
  ];
  const met = new Set<string>();
  for (const drains of [false, true])
    for (const [from, trouble] of troubles) {
      // Out of service only where that makes a difference: each step of all of these takes its time.
      if (drains ? isAny(from, 'backup', 'verify', 'verify-restored') : from === 'undrain') continue;
      const fleet = fleetOf({ rehearse: 'always', bake: 0, pause: 0, reminders: [1] });
      const traffic = drains ? { drain: ['/d'], undrain: ['/u'], limit: hours(0.01) } : null;
      const service = { ...fleet.service, traffic };
      const start = plan(inputOf({ ...fleet, service }, { strategy: 'regions', regions: ['us-east'] }));
      const world = worldOf(start);
      const looks = new Map<string, [Rollout, number, World]>();
      const until = (rollout: Rollout, at: number): boolean => {
        const { state, touched, drained, rehearsedAt } = rollout.nodes[name] as NodeRun;
        const step = 'step' in state ? state.step : '';
        if (step === from) trouble(world);
        const waits = waitingForPeople(rollout).map(({ what }) => what);
        met.add(`${rehearsedAt === undefined ? '' : 'again '}${step}`);
        const where = [rollout.status.is, state.is, step, touched, drained, rehearsedAt !== undefined, waits];
        if (!looks.has(JSON.stringify(where))) looks.set(JSON.stringify(where), [rollout, at, structuredClone(world)]);
        return at > tuesday + hours(0.5) || rollout.nodes['us-east-op-2']?.state.is === 'done';
      };
      const end = drive(start, world, { from: tuesday, until });
      until(end.rollout, end.now);
      for (const [rollout, at, as] of looks.values()) {
        const by = 'U0OTTO';
        const epoch = at + 1;
        const paused = next(rollout, { type: 'paused', at, by });
        const stopped = next(rollout, { type: 'stopped', at, by });
        const back = next(rollout, { type: 'rollback-asked', at, by, scope: { is: 'all' }, epoch });
        const on = (of: Rollout): [Rollout, number] => {
          const later = drive(of, structuredClone(as), { from: at, limit: 60 });
          return [later.rollout, later.now];
        };
        const ways: Record<string, [Rollout, number]> = {
          ...{ paused: [paused, at], stopped: [stopped, at], back: [back, at], 'as it is': [rollout, at] },
          ...{ 'paused, later': on(paused), 'stopped, later': on(stopped), 'back, later': on(back) },
          retried: [next(rollout, { type: 'retried', at, by, epoch }), at],
        };
        for (const [way, [each, now]] of Object.entries(ways))
          for (const [kind, seenAs] of Object.entries(kinds))
            await lookAt(`rehearsal, ${way}, ${kind}, ${each.nodes[name]?.rehearsedAt}`, seenAs(each, now), now);
      }
    }
  expect([...met]).toEqual(
    expect.arrayContaining(['restore', 'verify-restored', 'again switch', 'again verify', 'drain']),
  );
  const pressable = [
    'main pause',
    'main resume',
    'main retry',
    'main rollback',
    'main stop',
    'wait mine',
    'remind mine',
  ];
  const wrong = ['retry', 'rollback', 'stop', 'mine', 'diagnose'].map((action) => `stuck ${action}`);
  expect([...shown]).toEqual(expect.arrayContaining([...pressable, ...wrong, 'failed retry', 'stopped rollback']));
});

it('a button is shown only where it does something', { timeout: 600_000 }, async () => {
  const { shown, lookAt } = presser();
  const all = { ...kinds, ...byHand };
  await fc.assert(
    fc.asyncProperty(scenario, async (chance) => {
      const run = new Run(chance);
      for (const move of chance.moves) {
        const before = run.rollout;
        run.step(move);
        if (run.rollout === before) continue;
        for (const [kind, as] of Object.entries(all)) await lookAt(kind, as(run.rollout, run.now), run.now);
      }
      run.mend();
      const { rollout, now } = drive(run.rollout, run.world, { from: run.now, limit: 400 });
      for (const [kind, as] of Object.entries(all)) await lookAt(kind, as(rollout, now), now);
    }),
    { numRuns, endOnFailure: true },
  );
  // A test in which no button was ever shown would hold, and prove nothing.
  const pressable = [
    ...['pause', 'resume', 'retry', 'stop', 'rollback'].map((action) => `main ${action}`),
    ...['approve', 'decline', 'hold', 'rollback'].map((action) => `gate ${action}`),
    ...['resume', 'retry', 'stop', 'rollback', 'diagnose', 'keep', 'replace'].map((action) => `failed ${action}`),
    ...['retry', 'stop', 'rollback', 'diagnose', 'keep', 'replace'].map((action) => `stuck ${action}`),
    ...['declined', 'failed', 'stuck', 'wait', 'remind'].map((post) => `${post} mine`),
    ...['declined stop', 'finished rollback', 'stopped rollback'],
  ];
  expect([...shown]).toEqual(expect.arrayContaining(pressable));
});
