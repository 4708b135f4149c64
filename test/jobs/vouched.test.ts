import { describe, expect, it } from 'vitest';
import { createLedger, createStore, subjectOf, vouching, vouchingForActions } from '../../src/jobs/index.ts';
import { recorder } from '../../src/jobs/record.ts';
import { taskRunner } from '../../src/jobs/step.ts';
import { type Decision, signDecision } from '../../src/trust/index.ts';
import { wantsNothing } from '../../src/upgrade/environment/index.ts';
import {
  actionOf,
  approvals,
  asked,
  next,
  nodeOf,
  plan,
  planMigration,
  todo,
} from '../../src/upgrade/rollout/index.ts';
import type {
  ActionPhase,
  ConfigChange,
  Fleet,
  Migration,
  Rollout,
  StepName,
} from '../../src/upgrade/rollout/types.ts';
import type { Step, Steps } from '../../src/upgrade/steps/types.ts';
import { belief } from '../support/belief.ts';
import { fleetOf, inputOf, newImage, oldImage, surveyOf, tuesday } from '../support/rollouts.ts';
import { testKey } from '../support/signing.ts';
import { drive, worldOf } from '../support/simulation.ts';
import { production, workerParts } from './fixtures/parts.ts';
import { makeRig } from './fixtures/rig.ts';

const rig = makeRig();
const keys = { rosa: testKey(), ines: testKey(), kiran: testKey() };
const people = [
  { name: 'rosa', slack: 'U0ROSA', keys: [keys.rosa.public] },
  { name: 'ines', slack: 'U0INES', keys: [keys.ines.public] },
  { name: 'kiran', slack: 'U0KIRAN', keys: [keys.kiran.public] },
];

/** Rosa and ines approve eu-west; kiran does elsewhere. */
function fleet(changes: Partial<Fleet['policy']> = {}): Fleet {
  const all = fleetOf({ bake: 0, pause: 0, oneMayBegin: 'canary', ...changes });
  const approvers = (name: string) => (name === 'eu-west' ? ['U0ROSA', 'U0INES'] : ['U0KIRAN']);
  return {
    ...all,
    regions: all.regions.map((region) => ({ ...region, approvers: { users: approvers(region.name), groups: [] } })),
  };
}

/** No node says what it runs. */
const silent = async () => null;

/** Asked for by rosa, as far as the approval of eu-west. */
function waiting(): { rollout: Rollout; now: number } {
  const begin = plan(inputOf(fleet(), { strategy: 'regions', requester: 'U0ROSA' }));
  return drive(begin, worldOf(begin), { from: tuesday, until: (rollout) => asked(rollout).length > 0 });
}

const there = waiting();
const right: Decision = {
  fleet: production,
  rollout: 'r1',
  revision: there.rollout.revision,
  release: there.rollout.release.binarySha256,
  verb: 'approve',
  arguments: 'approve eu-west',
  at: there.now,
  nonce: 'n1',
};

/** What stands there after somebody's yes to `decision`, signed by `by`; null: nobody signed it. */
async function approved(by: keyof typeof keys | null, decision: Decision, at = there.now): Promise<Rollout> {
  const signed = by === null ? {} : { signed: await signDecision(decision, keys[by].file) };
  const slack = people.find(({ name }) => name === by)?.slack ?? 'U0INES';
  // Whoever took a bot over asks nobody whether the requester may.
  const open = { ...there.rollout, policy: { ...there.rollout.policy, selfApproval: true } };
  return next(open, { type: 'approved', at, phase: 'approval/eu-west', by: slack, ...signed });
}

describe('approvals: signed', () => {
  const vouched = vouching(fleet(), people, silent);

  it('count when an approver of the region signed exactly this', async () => {
    const rollout = await approved('ines', right);
    expect(approvals(rollout)[0]?.state.is).toBe('done');
    expect(await vouched(rollout, 'eu-west-op-1')).toBeNull();
    expect(await vouched(rollout, 'ap-south-op-1')).toMatch(/1 of the approvers of ap-south must have signed/);
  });

  it('count with what was said with them', async () => {
    const rollout = await approved('ines', { ...right, arguments: 'approve eu-west --comment "ap-south is quiet"' });
    expect(await vouched(rollout, 'eu-west-op-1')).toBeNull();
  });

  it.each<[string, keyof typeof keys | null, Partial<Decision>]>([
    ['nobody signed, whatever a bot wrote', null, {}],
    ['the one who asked signed', 'rosa', {}],
    ['an approver of another region signed', 'kiran', {}],
    ['was signed for another rollout', 'ines', { rollout: 'r2' }],
    ['was signed for another fleet', 'ines', { fleet: 'staging' }],
    ['was signed for another release', 'ines', { release: 'd'.repeat(64) }],
    ['was signed for another region', 'ines', { arguments: 'approve ap-south' }],
    ['was signed as something else', 'ines', { verb: 'retry' }],
    ['was signed as a no', 'ines', { verb: 'decline', arguments: 'decline eu-west --reason "no"' }],
    ['names the region only in what is said with it', 'ines', { arguments: 'approve ap-south --comment eu-west' }],
    ['was signed when it was asked for before', 'ines', { at: there.now - 120_000 }],
    ['was signed long before it was written down', 'ines', { at: there.now - 301_000 }],
  ])('do not count that %s', async (_, by, other) => {
    const rollout = await approved(by, { ...right, ...other });
    expect(approvals(rollout)[0]?.state.is).toBe('done');
    expect(await vouched(rollout, 'eu-west-op-1')).toMatch(/1 of the approvers of eu-west must have signed/);
  });

  it.each([
    ['opens another region as well', ['nodes/eu-west', 'nodes/ap-south']],
    ['opens another region', ['nodes/ap-south']],
  ])(
    'do not count for a region that was not signed for, when a bot writes that the one that was %s',
    async (_, opens) => {
      const all = fleet();
      for (const region of all.regions) region.approvers = { users: ['U0INES'], groups: [] };
      const rollout = await approved('ines', right);
      const phases = rollout.phases.map((phase) => (phase.id === 'approval/eu-west' ? { ...phase, opens } : phase));
      expect(await vouching(all, people, silent)({ ...rollout, phases }, 'ap-south-op-1')).toMatch(
        /approvers of ap-south must/,
      );
    },
  );

  it.each([
    ['canaries', ['approval/canaries'], [['us-east-op-1', 'eu-west-op-1']], null],
    ['canaries', ['approval/canaries'], [['us-east-op-1', 'eu-west-op-1', 'eu-west-op-2']], /must have signed/],
    ['canaries', ['approval/canaries', 'approval/canaries'], [['eu-west-op-1'], ['eu-west-op-2']], /must have signed/],
    ['rest', ['approval/rest'], [['eu-west-op-1', 'eu-west-op-2']], null],
    ['all', ['approval/all'], [['us-east-op-1', 'eu-west-op-1', 'eu-west-op-2', 'eu-west-op-3']], null],
    ['hotfix', ['approval/hotfix'], [['eu-west-op-1']], /must have signed/],
  ] as const)('count for %s, opened by %j with %j, as such a part may hold: %s', async (word, ids, held, expected) => {
    const rollout = await approved('ines', { ...right, arguments: `approve ${word}` });
    const [approval, turn] = ['approval/eu-west', 'nodes/eu-west'].map((id) =>
      rollout.phases.find((one) => one.id === id),
    );
    const phases = ids.flatMap((id, at) => [
      { ...approval, id, title: word, opens: [`nodes/${at}`] },
      { ...turn, id: `nodes/${at}`, nodes: [...(held[at] ?? [])] },
    ]) as Rollout['phases'];
    const others = rollout.phases.filter((phase) => phase.is === 'nodes' && phase.id === 'stage');
    const said = await vouched({ ...rollout, phases: [...others, ...phases] }, 'eu-west-op-1');
    if (expected === null) expect(said).toBeNull();
    else expect(said).toMatch(expected);
  });

  it('do not count for a region that a bot gave the name of another', async () => {
    const all = fleet();
    for (const region of all.regions) region.approvers = { users: ['U0INES'], groups: [] };
    const rollout = await approved('ines', right);
    const phases = rollout.phases.map((phase) =>
      phase.id === 'nodes/eu-west' ? { ...phase, nodes: ['ap-south-op-1', 'ap-south-op-2'] } : phase,
    );
    expect(await vouching(all, people, silent)({ ...rollout, phases }, 'ap-south-op-1')).toMatch(
      /approvers of ap-south must/,
    );
  });

  it('do not count of who is no approver any more, by the settings of this worker', async () => {
    const now = fleet();
    for (const region of now.regions) region.approvers = { users: ['U0KIRAN'], groups: [] };
    expect(await vouching(now, people, silent)(await approved('ines', right), 'eu-west-op-1')).toMatch(/0 did/);
    expect(await vouching(fleet(), people.slice(0, 1), silent)(await approved('ines', right), 'eu-west-op-1')).toMatch(
      /0 did/,
    );
  });

  it('want as many for a major as the settings of this worker say, also before the canary, whatever the plan leaves out', async () => {
    const majors = { ...fleet().policy.majors, approvers: 2, canaryApproval: true };
    const strict = vouching(fleet({ majors }), people, silent);
    const rollout = await approved('ines', right);
    expect(await strict(rollout, 'eu-west-op-1')).toMatch(/2 of the approvers of eu-west must have signed.*1 did/);
    const begin = plan(inputOf(fleet({ oneMayBegin: 'anywhere' }), { strategy: 'regions' }));
    const bare = { ...begin, phases: begin.phases.filter(({ is }) => is !== 'approval') };
    expect(await strict(bare, 'us-east-op-1')).toMatch(/2 of the approvers of us-east must have signed/);
    const ran = (version: string): Rollout => {
      const before = { version, sha256: 'a'.repeat(64), envSha256: null, invocation: 'i0' };
      const nodes = Object.entries(bare.nodes).map(([name, node]) => [name, { ...node, before }]);
      return { ...bare, nodes: Object.fromEntries(nodes) };
    };
    expect(await strict(ran('v2.0.0-rc.1'), 'us-east-op-1')).toBeNull();
    expect(await strict(ran('v1.0.0'), 'us-east-op-1')).toMatch(/must have signed/);
    const renamed = { ...ran('v1.0.0'), release: { ...bare.release, version: 'v1.9.0' } };
    expect(await strict(renamed, 'us-east-op-1')).toBeNull();
    const asked = { sha256: bare.release.binarySha256, version: 'v2.0.0' };
    expect(await strict({ ...renamed, asked }, 'us-east-op-1')).toMatch(/must have signed/);
    const seen = vouching(fleet({ majors }), people, async (node) => (node === 'us-east-op-1' ? 'v1.0.0' : null));
    expect(await seen(ran('v2.0.0-rc.1'), 'us-east-op-1')).toMatch(/must have signed/);
    expect(await seen(renamed, 'us-east-op-1')).toBeNull();
  });

  it('are wanted for a restart in every region, for as many as a region wants, and for an upgrade that is called one as for an upgrade', async () => {
    const majors = { ...fleet().policy.majors, approvers: 2, canaryApproval: true };
    const strict = vouching(fleet({ majors }), people, silent);
    const change = { is: 'restart' } as const;
    const begin = plan(inputOf(fleet({ majors }), { strategy: 'regions', change }));
    const bare = { ...begin, phases: begin.phases.filter(({ is }) => is !== 'approval') };
    for (const node of ['us-east-op-1', 'eu-west-op-1'])
      expect(await strict(bare, node)).toMatch(/^1 of the approvers of .* must have signed/);
    const upgrade = plan(inputOf(fleet({ majors }), { strategy: 'regions' }));
    const named = { ...upgrade, change, phases: upgrade.phases.filter(({ is }) => is !== 'approval') };
    expect(await strict(named, 'us-east-op-1')).toMatch(/^2 of the approvers of us-east must have signed/);
    expect(await vouching(fleet({ oneMayBegin: 'anywhere' }), people, silent)(bare, 'us-east-op-1')).toBeNull();
  });

  it('of a change of configuration count for that change alone, whatever a bot makes of it afterwards', async () => {
    const rollout = await approved('ines', right);
    const change: ConfigChange = { is: 'config', wanted: { ...wantsNothing, set: { A: '1' } }, files: {} };
    const path: StepName[] = ['backup', 'configure', 'verify', 'cleanup'];
    const changing = (of: Rollout, as = change): Rollout => ({
      ...of,
      change: as,
      phases: of.phases.map((phase) => (phase.is === 'nodes' && phase.id !== 'stage' ? { ...phase, path } : phase)),
    });
    expect(await vouched(changing(rollout), 'eu-west-op-1')).toMatch(/must have signed/);
    const signed = await approved('ines', { ...right, release: subjectOf({ ...rollout, change }) });
    expect(await vouched(changing(signed), 'eu-west-op-1')).toBeNull();
    const other = { ...change, wanted: { ...wantsNothing, set: { A: '2' } } };
    expect(await vouched(changing(signed, other), 'eu-west-op-1')).toMatch(/must have signed/);
    expect(await vouched(changing(signed), 'us-east-op-1')).toMatch(/must have signed/);
  });

  it.each([
    ['with what the settings of this worker say of its version', { ensure: { NEW: 'on' } }, null],
    ['with less than that', {}, /must have signed/],
    ['with a key that a bot added', { ensure: { NEW: 'on' }, set: { LD_PRELOAD: '/tmp/x' } }, /must have signed/],
    ['with another value', { ensure: { NEW: 'off' } }, /must have signed/],
    ['with what belongs to a later version', { ensure: { NEW: 'on' }, unset: ['OLD'] }, /must have signed/],
  ])('are not wanted in the canary region for an upgrade %s, and wanted else', async (_, asked, expected) => {
    const changes = [
      { version: 'v3.0.0', ...wantsNothing, unset: ['OLD'] },
      { version: 'v2.0.0', ...wantsNothing, ensure: { NEW: 'on' } },
    ];
    const own = { ...fleet(), config: { secret: [], values: {}, files: null, changes } };
    const begin = plan(inputOf(fleet(), { strategy: 'regions' }));
    const config = { wanted: { ...wantsNothing, ...asked }, files: {} };
    const said = await vouching(own, people, silent)({ ...begin, config }, 'us-east-op-1');
    if (expected === null) expect(said).toBeNull();
    else expect(said).toMatch(expected);
    const change = { is: 'config' as const, ...config };
    expect(await vouching(fleet(), people, silent)({ ...begin, change }, 'us-east-op-1')).toMatch(/must have signed/);
  });

  it('are not wanted where one person may begin, and nowhere else, whatever the plan leaves out', async () => {
    const begin = plan(inputOf(fleet({ oneMayBegin: 'anywhere' }), { strategy: 'regions' }));
    const bare = { ...begin, phases: begin.phases.filter(({ is }) => is !== 'approval') };
    expect(await vouched(bare, 'us-east-op-1')).toBeNull();
    expect(await vouched(bare, 'eu-west-op-1')).toMatch(/must have signed/);
    const inOne = plan(inputOf(fleet({ oneMayBegin: 'anywhere' }), { regions: ['eu-west'] }));
    expect(await vouched(inOne, 'eu-west-op-1')).toMatch(/must have signed/);
  });
});

/** What a worker makes of a rollout as a bot stores it, and the steps that it did. */
async function worked(rollout: Rollout): Promise<{ rollout: Rollout; done: string[] }> {
  const redis = rig.redis.handle.caller;
  const store = createStore(redis, production, belief());
  const ledger = createLedger(redis, production, belief());
  const record = recorder(store, async () => undefined);
  await store.create(rollout);
  const parts = workerParts(rig.redis.handle, { fleet: fleet(), regions: ['eu-west'] });
  const done: string[] = [];
  const noted = Object.entries(parts.steps).map(([name, step]): [string, Step] => [
    name,
    (context) => {
      done.push(`${name} ${context.node.name}`);
      return step(context);
    },
  ]);
  const run = taskRunner({
    ...parts,
    steps: Object.fromEntries(noted) as Steps,
    store,
    ledger,
    record,
    orders: async () => null,
    vouched: vouching(fleet(), people, silent),
  });
  for (let count = 0; count < 12; count += 1) {
    const [task] = todo((await store.load('r1')) as Rollout, Date.now());
    if (task) await run(task, new AbortController().signal);
  }
  return { rollout: (await store.load('r1')) as Rollout, done };
}

function inEuWest(): Rollout {
  const now = Date.now();
  const policy = { bake: 0, pause: 0, oneMayBegin: 'anywhere', watch: 100 } as const;
  return plan(inputOf(fleet(policy), { now, epoch: now, regions: ['eu-west'] }));
}

it('a worker begins no node that nobody signed for, and says what it wants', async () => {
  const { rollout } = await worked(inEuWest());
  expect(rollout.status).toMatchObject({
    is: 'held',
    reason: expect.stringMatching(/approvers of eu-west must have signed/),
  });
  expect(nodeOf(rollout, 'eu-west-op-1')).toMatchObject({ touched: false, state: { is: 'failed', step: 'backup' } });
});

it.each([
  ['calls it a recovery', 'backup', true, /approvers of eu-west must have signed/],
  ['calls it a recovery that only switches', 'switch', true, /approvers of eu-west must have signed/],
  ['calls it a restart that switches', 'switch', null, /approvers of eu-west must have signed/],
  ['restarts what runs', 'restart', null, /approvers of eu-west must have signed/],
  ['calls it a restart that changes environment files', 'configure', null, /approvers of eu-west must have signed/],
  ['gives it as in a recovery, without calling it one', 'recover', false, /the ledger does not say/],
] as const)('a worker begins no node that nobody signed for when a bot %s', async (_, begin, isCalled, reason) => {
  const planned = inEuWest();
  const recovery = { recordOf: ['eu-west-op-1'], since: 0, rollout: 'r0' };
  const staged = {
    state: { is: 'ready', notBefore: 0 } as const,
    before: { version: 'v1.0.0', sha256: oldImage, envSha256: null, invocation: 'i0' },
  };
  const gets = { version: 'v2.0.0', sha256: newImage, envSha256: null };
  const { rollout, done } = await worked({
    ...planned,
    ...(isCalled ? { recovery } : {}),
    ...(isCalled === null ? { change: { is: 'restart' as const } } : {}),
    // It was staged by an earlier one, which takes nobody.
    phases: planned.phases.flatMap((phase) => {
      if (phase.is !== 'nodes') return [];
      return phase.id === 'nodes/stage' || phase.id === 'stage' ? [] : [{ ...phase, path: [begin, 'verify'] }];
    }),
    nodes: Object.fromEntries(
      Object.entries(planned.nodes).map(([name, node]) => [name, { ...node, ...staged, gets }]),
    ),
  });
  expect(rollout.status).toMatchObject({ is: 'held', reason: expect.stringMatching(reason) });
  expect(done.filter((each) => each.startsWith(begin))).toEqual([]);
});

describe('approvals: signed, of a migration', () => {
  const database = {
    ...{ region: 'us-east', approvers: { users: ['U0INES', 'U0ROSA'], groups: [] }, needed: 1 },
    ...{ limit: 60_000, maxAge: 60_000, attest: false },
  };
  const rows = [
    { operator: '1.0.x', agent: null, schema: { min: 1, max: 2 }, from: null, before: null, after: null },
    { operator: '2.0.x', agent: null, schema: { min: 2, max: 3 }, from: null, before: 2, after: null },
  ];
  const all: Fleet = { ...fleet(), database, compatibility: rows };
  const begin = planMigration({
    ...{ id: 'm1', fleet: all, version: 'v2.0.0', when: 'before', attestedBy: null, requester: 'U0ROSA' },
    ...{ survey: surveyOf(all), now: tuesday, epoch: 1, sha256: 'c'.repeat(64) },
    seen: { schema: 1, commit: 'c'.repeat(40), backedUpAt: tuesday },
  });
  const vouched = vouchingForActions(all, people);
  const action = (rollout: Rollout) => actionOf(rollout, 'action/migrate') as ActionPhase;
  const of: Decision = {
    ...{ fleet: all.name, rollout: 'm1', revision: 0, release: subjectOf(begin), verb: 'approve' },
    ...{ arguments: 'approve database', at: tuesday, nonce: 'n1' },
  };

  async function given(by: keyof typeof keys | null, other: Partial<Decision> = {}): Promise<Rollout> {
    const signed = by === null ? {} : { signed: await signDecision({ ...of, ...other }, keys[by].file) };
    const slack = people.find(({ name }) => name === by)?.slack ?? 'U0INES';
    const phases = begin.phases.map((phase) =>
      phase.is === 'approval' ? { ...phase, given: [{ by: slack, at: tuesday, watched: null, ...signed }] } : phase,
    );
    return { ...begin, phases };
  }

  it('count when an approver of the database signed exactly this', async () => {
    const rollout = await given('ines');
    expect(await vouched(rollout, action(rollout))).toBeNull();
  });

  it.each<[string, keyof typeof keys | null, Partial<Decision>]>([
    ['nobody signed, whatever a bot wrote', null, {}],
    ['the one who asked signed', 'rosa', {}],
    ['an approver of a region signed', 'kiran', {}],
    ['was signed for another rollout', 'ines', { rollout: 'r1' }],
    ['was signed for another fleet', 'ines', { fleet: 'staging' }],
    ['was signed for a release', 'ines', { release: 'c'.repeat(64) }],
    ['was signed as something else', 'ines', { verb: 'retry' }],
    ['was signed before it was planned', 'ines', { at: tuesday - 120_000 }],
  ])('do not count that %s', async (_, by, other) => {
    const rollout = await given(by, other);
    expect(await vouched(rollout, action(rollout))).toMatch(/1 of the approvers of the database must have signed/);
  });

  it('do not count when a bot makes another schema, commit or number of approvers of it since', async () => {
    const signed = await given('ines');
    const change = signed.change as Migration;
    for (const other of [{ to: 3 }, { from: 0 }, { commit: 'd'.repeat(40) }, { when: 'after' as const }]) {
      const rollout: Rollout = { ...signed, change: { ...change, ...other } };
      expect(await vouched(rollout, action(rollout)), JSON.stringify(other)).not.toBeNull();
    }
    const two = vouchingForActions({ ...all, database: { ...database, needed: 2 } }, people);
    expect(await two(signed, action(signed))).toMatch(/^2 of the approvers of the database/);
  });
});
