import { expect, it } from 'vitest';
import { asText, runCommand } from '../../src/bot/run.ts';
import { plan } from '../../src/upgrade/rollout/index.ts';
import type { Rollout } from '../../src/upgrade/rollout/types.ts';
import type { Window } from '../../src/windows/types.ts';
import { hours, inputOf, minutes } from '../support/rollouts.ts';
import { drive, worldOf } from '../support/simulation.ts';
import { trial, trialFleet } from './support.ts';

const daily: Window['days'] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const tonight = Date.parse('2026-11-24T22:00:00Z');

it('a yes that comes before its question, where only the hour is waited for, is told the hour', async () => {
  const waking: Window[] = [{ days: daily, from: '08:00', to: '22:00' }];
  const noon: Window[] = [{ days: ['wed'], from: '12:00', to: '16:00' }];
  const fleet = trialFleet({ order: 'declared', bake: minutes(30), approvalExpires: hours(200), waking });
  const regions = fleet.regions.map((region) =>
    region.name === 'eu-west' ? { ...region, calendar: { zone: 'Etc/UTC', windows: noon, freezes: [] } } : region,
  );
  const here = trial({ fleet: { ...fleet, regions } });
  const begin = plan(inputOf(here.context.fleet, { now: tonight, strategy: 'regions', requester: 'U0ROSA' }));
  const isWatched = ({ phases }: Rollout) => phases.find(({ is }) => is === 'watch')?.state.is === 'done';
  const { rollout, now } = drive(begin, worldOf(begin), { from: tonight, until: isWatched });
  here.control.rollouts.set(rollout.id, rollout);
  here.clock.at = now;
  const said = async (what: string) => asText(await runCommand(here.context, 'U0INES', `approve ${what}`));
  expect(await said('eu-west')).toMatch(
    /^eu-west is not being asked for yet: it is asked for from 2026-11-25 08:00 UTC/,
  );
  expect(await said('ap-south')).toMatch(/^ap-south is not being asked for yet: what is before it must be done/);
});
