import { describe, expect, it } from 'vitest';
import { asked, lift, next, plan, stillAsked } from '../../../src/upgrade/rollout/index.ts';
import type { PlanInput, Policy, Rollout } from '../../../src/upgrade/rollout/types.ts';
import { fleetOf, inputOf, release, surveyOf, tuesday } from '../../support/rollouts.ts';
import { drive, worldOf } from '../../support/simulation.ts';

const strict = { oneMayBegin: 'canary', majors: { approvers: 2, canaryApproval: true } } as const;
const minor = { ...release, version: 'v1.1.0' };
const begun = { by: 'U-requester', at: 0, rollout: 'r0' };

/** What is asked, in order: each part with how many must say yes; 0: nobody is asked. */
function wanted(input: Partial<PlanInput>, changes: Partial<Policy> = {}): string[] {
  const { phases } = plan(
    inputOf(fleetOf({ ...strict, ...changes }), { strategy: 'regions', release: minor, ...input }),
  );
  return phases.flatMap((phase, at) => {
    if (phase.is !== 'nodes' || phase.id === 'stage') return [];
    const before = phases[at - 1];
    return [`${phase.title} ${before?.is === 'approval' ? before.needed : 0}`];
  });
}

describe('who must approve what', () => {
  it.each<[string, Partial<PlanInput>, Partial<Policy>, string[]]>([
    ['one begins in the canary region', {}, {}, ['us-east 0', 'eu-west 1', 'ap-south 1']],
    ['once for each release', { begun }, {}, ['us-east 1', 'eu-west 1', 'ap-south 1']],
    ['in no other region', { regions: ['eu-west'] }, {}, ['eu-west 1']],
    ['which the settings may name', {}, { canary: 'eu-west' }, ['us-east 1', 'eu-west 1', 'ap-south 1']],
    ['rolling: once, before the first node', { strategy: 'rolling' }, {}, ['all regions 1']],
    ['rolling within the canary region', { strategy: 'rolling', regions: ['us-east'] }, {}, ['all regions 0']],
    ['canary-all: before each part', { strategy: 'canary-all' }, {}, ['the canary part 1', 'the rest 1']],
    ['with --nodes 1 it is the canary region', { strategy: 'canary-all', limit: 1 }, {}, ['the canary part 0']],
    ['with --now no less', { override: { by: 'U1', reason: 'now' }, strategy: 'rolling' }, {}, ['all regions 1']],
    ['a major: two, in the canary region too', { release }, {}, ['us-east 2', 'eu-west 2', 'ap-south 2']],
    [
      'a major whose canary region goes as usual',
      { release },
      { majors: { approvers: 2, canaryApproval: false } },
      ['us-east 0', 'eu-west 2', 'ap-south 2'],
    ],
    ['nowhere', {}, { oneMayBegin: 'nowhere' }, ['us-east 1', 'eu-west 1', 'ap-south 1']],
    ['anywhere', { begun, strategy: 'rolling' }, { oneMayBegin: 'anywhere' }, ['all regions 0']],
    [
      'anywhere, a major all the same',
      { release, strategy: 'rolling' },
      { oneMayBegin: 'anywhere' },
      ['all regions 2'],
    ],
  ])('%s', (_, input, changes, expected) => {
    expect(wanted(input, changes)).toEqual(expected);
  });

  it('as many as the region wants, and of several regions as many as the one that wants most', () => {
    const fleet = fleetOf(strict);
    const regions = fleet.regions.map((region) => ({ ...region, needed: region.name === 'eu-west' ? 3 : 1 }));
    const input = inputOf({ ...fleet, regions }, { strategy: 'rolling', release: minor });
    expect(plan(input).phases.find(({ is }) => is === 'approval')).toMatchObject({
      needed: 3,
      by: { users: ['U-us-east', 'U-eu-west', 'U-ap-south'] },
    });
  });

  it('a part of several regions wants the approvers of each: those of one speak for no other, whatever the strategy', () => {
    const fleet = fleetOf(strict);
    const regions = fleet.regions.map((region) => ({ ...region, needed: region.name === 'us-east' ? 2 : 1 }));
    const input = inputOf({ ...fleet, regions }, { strategy: 'rolling', release: minor });
    const begin = drive(plan(input), worldOf(plan(input)), { from: tuesday, until: (each) => asked(each).length > 0 });
    const approve = (rollout: Rollout, by: string, of: string[]) =>
      next(rollout, { type: 'approved', at: begin.now, phase: 'approval/all', by, for: of });
    const said: [string, string[]][] = [
      ['U1', ['us-east']],
      ['U2', ['us-east', 'ap-south']],
      ['U3', ['us-east']],
    ];
    const most = said.reduce((rollout, [by, of]) => approve(rollout, by, of), begin.rollout);
    expect(asked(most)).toMatchObject([{ given: [{}, {}, {}] }]);
    expect(asked(most).map(stillAsked)).toEqual([['eu-west']]);
    expect(asked(approve(most, 'U4', ['eu-west']))).toEqual([]);
  });

  it('a node that does not say what it runs makes no major of a release, unless none says it', () => {
    const fleet = fleetOf(strict);
    const silent = Object.fromEntries(surveyOf(fleet).map(({ node }) => [node, { version: null }]));
    const [first = ''] = Object.keys(silent);
    expect(wanted({ survey: surveyOf(fleet, { [first]: { version: null } }) })[0]).toBe('us-east 0');
    expect(wanted({ survey: surveyOf(fleet, silent) })[0]).toBe('us-east 2');
  });

  it('a node of another region makes no major of a release, whatever it says that it runs', () => {
    const fleet = fleetOf(strict);
    const survey = surveyOf(fleet, { 'ap-south-op-3': { version: 'none of yours' } });
    expect(wanted({ survey, regions: ['us-east', 'eu-west'] })).toEqual(['us-east 0', 'eu-west 1']);
    expect(wanted({ survey })[0]).toBe('us-east 2');
    const noticed = { ...fleet, policy: { ...fleet.policy, majors: { ...strict.majors, notice: 48 * 3_600_000 } } };
    const now = { by: 'U1', reason: 'now' };
    const input = inputOf(noticed, { survey, release: minor, regions: ['us-east'], override: now });
    expect(plan(input).notice).toBeUndefined();
    // Where nobody of its region says what runs, the others do.
    const silent = {
      'us-east-op-1': { version: null },
      'us-east-op-2': { version: null },
      'us-east-op-3': { version: null },
    };
    expect(wanted({ survey: surveyOf(fleet, silent), regions: ['us-east'] })).toEqual(['us-east 0']);
  });

  it('a rollout that was stored before these rules goes on as it was planned', () => {
    const { policy, ...rest } = plan(inputOf(fleetOf()));
    const { oneMayBegin: _one, canary: _two, majors: _three, ...old } = policy;
    const lifted = lift({ format: 2, rollout: { ...rest, policy: old } });
    expect(lifted.policy).toMatchObject({ oneMayBegin: 'anywhere', canary: null });
    expect(lifted.phases).toEqual(rest.phases);
  });
});
