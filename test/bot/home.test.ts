import { WebClient } from '@slack/web-api';
import { describe, expect, it } from 'vitest';
import { checkView } from '../../sandbox/slack/limits-views.ts';
import { drawHome } from '../../src/bot/home.ts';
import { runCommand } from '../../src/bot/run.ts';
import { gateKey } from '../../src/bot/views/gate.ts';
import { homeBlocks, versionsKnown } from '../../src/bot/views/home.ts';
import { asked, plan, sinceOf } from '../../src/upgrade/rollout/index.ts';
import type { Rollout } from '../../src/upgrade/rollout/types.ts';
import { inputOf, minutes, surveyOf } from '../support/rollouts.ts';
import { drive, worldOf } from '../support/simulation.ts';
import { homeOf, type Trial, trial, trialFleet } from './support.ts';

function at(fits: (rollout: Rollout) => boolean): { here: Trial; rollout: Rollout } {
  const here = trial({ fleet: trialFleet({ bake: minutes(10) }) });
  const start = plan(inputOf(here.context.fleet, { strategy: 'regions', requester: 'U0ROSA' }));
  const { rollout, now } = drive(start, worldOf(start), { from: start.createdAt, until: fits });
  here.control.rollouts.set(rollout.id, rollout);
  here.clock.at = now;
  return { here, rollout };
}
const isAsked = (rollout: Rollout): boolean => asked(rollout).length > 0;

describe('the home tab', () => {
  it('shows of an open rollout how it stands, the versions of each region, and when each region is expected', async () => {
    const { here } = at(({ nodes }) => nodes['us-east-op-2']?.state.is === 'done');
    const { lines, presses } = await homeOf(here.context, 'U0ROSA');
    expect(lines).toContain('*us-east*: 2 on v2.0.0, 1 on v1.0.0');
    expect(lines).toContain('*eu-west*: 3 on v1.0.0');
    expect(lines.join('\n')).toMatch(/\*Forecast\*.*\n\*us-east\* not before .*done about .*\n\*eu-west\* not before /);
    // Nothing can be begun beside it.
    expect(presses).toEqual(['zwh:look']);
  });

  it('reckons with a freeze from the moment in which it is declared', async () => {
    const { here } = at(({ nodes }) => nodes['us-east-op-1']?.state.is === 'done');
    await runCommand(here.context, 'U0OTTO', 'freeze us-east --until 2026-11-25T07:00:00Z --reason "audit"');
    const { lines } = await homeOf(here.context, 'U0ROSA');
    expect(lines.find((line) => line.startsWith('*us-east* not before'))).toMatch(/2026-11-25 07:00 UTC/);
  });

  it('counts no version of a node that may have been changed and is not proven', () => {
    const { rollout } = at(({ nodes }) => nodes['us-east-op-1']?.touched === true);
    const { lines } = versionsKnown(rollout) as { lines: string[] };
    expect(lines).toContain('*us-east*: 1 not known until it is proven, 2 on v1.0.0');
  });

  it('leads to the question and to the thread of each rollout', async () => {
    const { here, rollout } = at(isAsked);
    const [phase] = asked(rollout);
    const place = { channel: 'C0', content: '' };
    await here.control.store.setPosted('r1', 'main', { ...place, ts: '1.000001' });
    const key = phase === undefined ? '' : gateKey(phase, sinceOf(phase) ?? 0);
    await here.control.store.setPosted('r1', key, { ...place, ts: '2.000002' });
    const { lines } = await homeOf(here.context, 'U0INES');
    const link = (ts: string, words: string) => `<https://trial.slack.com/archives/C0/p${ts}|${words}>`;
    expect(lines.find((line) => line.includes('waits for you'))).toContain(link('2000002', 'Open the question'));
    expect(lines).toContain(link('1000001', 'Open the thread'));
    expect(lines.find((line) => line.includes('(r1)'))).toContain(link('1000001', 'open it'));
  });

  it('says that it looks while nodes take their time, and then what they said', async () => {
    const here = trial();
    const sent: string[] = [];
    let isOver = (): void => undefined;
    const silent = new Promise<void>((resolve) => {
      isOver = resolve;
    });
    const looks = here.control.survey.bind(here.control);
    here.control.survey = async (...all) => silent.then(() => looks(...all));
    here.context.clock = { ...here.context.clock, sleep: async () => undefined };
    const client = new WebClient('xoxb', {
      fetch: async (_url, options) => {
        sent.push(new URLSearchParams(String(options?.body)).get('view') ?? '');
        isOver();
        return new Response(JSON.stringify({ ok: true }));
      },
    });
    await drawHome([here.context], client, 'U0ROSA');
    expect(sent.map((view) => /Looking at the nodes/.test(view))).toEqual([true, false]);
    expect(sent.at(-1)).toMatch(/Upgrade…/);
  });

  it.each([3, 30, 100, 334])('fits with %s nodes in each region', async (perRegion) => {
    const fleet = trialFleet({}, 'always', perRegion);
    const here = trial({ fleet, looks: surveyOf(fleet) });
    const { lines } = await homeOf(here.context, 'U0ROSA');
    expect(lines).toContain('*Versions*');
    const rest = lines.map((line) => ({ is: 'lines' as const, lines: [line] }));
    checkView(
      { type: 'home', blocks: homeBlocks({ fleet: fleet.name, mine: [], mayUpgrade: true, rest }) },
      'V1',
      new Set(),
    );
  });
});
