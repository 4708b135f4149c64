import { WebClient } from '@slack/web-api';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startSlack } from '../../../sandbox/slack/start.ts';
import { createAnnouncer } from '../../../src/bot/announcer.ts';
import { slackChat } from '../../../src/bot/chat.ts';
import { followUpPosts } from '../../../src/bot/views/follow-up.ts';
import { nobody } from '../../../src/bot/views/people.ts';
import { followUpAt, plan } from '../../../src/upgrade/rollout/index.ts';
import type { PlanInput, Rollout } from '../../../src/upgrade/rollout/types.ts';
import { hours, inputOf, tuesday } from '../../support/rollouts.ts';
import { drive, worldOf } from '../../support/simulation.ts';
import { seals, trial, trialFleet } from '../support.ts';

const override = { by: 'U0ROSA', with: 'U0INES', reason: 'certificates expire', incident: 'https://a.example/42' };
const onCall = { users: ['U0OTTO'], groups: [] };
const people = { ...nobody, onCall };

function ended(input: Partial<PlanInput> = {}): Rollout {
  const start = plan(inputOf(trialFleet(), { requester: 'U0ROSA', regions: ['us-east'], override, ...input }));
  return drive(start, worldOf(start), { from: start.createdAt, limit: 1_000 }).rollout;
}

/** Tuesday night ends on Tuesday in New York: on Wednesday at nine there. */
const wednesday = Date.UTC(2026, 10, 25, 14);

describe('a night on which windows were overridden', () => {
  const rollout = ended();

  it('is looked at again in the morning of the next working day, once, by those who did', () => {
    expect(rollout.status.is).toBe('done');
    expect(followUpAt(rollout)).toBe(wednesday);
    expect(followUpPosts(rollout, people, wednesday - 1)).toEqual([]);
    const [post, ...more] = followUpPosts(rollout, people, wednesday);
    expect(more).toEqual([]);
    expect(post).toMatchObject({ key: 'follow-up', once: true, place: { is: 'thread', broadcast: true } });
    expect(post?.text).toMatchInlineSnapshot(`
      "○ *Follow-up: windows were overridden for v2.0.0* at <!date^1795505404^{date_short_pretty} {time}|2026-11-24 07:30 UTC> by <@U0ROSA> and <@U0INES>: certificates expire (<https://a.example/42>)
      How it ended, at <!date^1795505480^{date_short_pretty} {time}|2026-11-24 07:31 UTC>: ✓ *v2.0.0 is on all 3 nodes*, each one proven.
      To be written down where the incident is: what could not wait for the window, and what would keep it from happening again.
      Called: <@U0ROSA> <@U0OTTO>"
    `);
  });

  it('is not over while it is under way, and was none where nothing was begun or no window overridden', () => {
    const open = { ...rollout, status: { is: 'running' } } as const;
    const unbegun = { ...rollout, startedAt: null };
    const tooLate = { ...rollout, startedAt: rollout.override?.until ?? 0 };
    for (const each of [open, unbegun, tooLate, ended({ override: null })]) {
      expect(followUpPosts(each, people, tuesday + hours(24 * 30))).toEqual([]);
    }
  });

  it('is asked about in the thread when its time has come, and never twice', async () => {
    const slack = await startSlack({
      people: [{ id: 'U0ROSA', name: 'rosa', realName: 'Rosa' }],
      channel: { id: 'C0', name: 'upgrades' },
      team: { id: 'T0', name: 'Trial' },
      groups: [],
    });
    onTestFinished(() => slack.close());
    const here = trial();
    const announcer = createAnnouncer({
      painted: new Map(),
      chat: slackChat(new WebClient(slack.botToken, { slackApiUrl: slack.apiUrl, retryConfig: { retries: 0 } })),
      store: here.control.store,
      channel: 'C0',
      people: async () => people,
      link: () => null,
      sealer: seals,
      log: here.context.log,
      clock: { now: () => here.clock.at, sleep: async () => undefined },
    });
    const asked = () => slack.messages().filter(({ text }) => text.includes('Follow-up'));
    here.clock.at = wednesday - 1;
    await announcer.show(rollout);
    expect(asked()).toEqual([]);
    here.clock.at = wednesday;
    await announcer.show(rollout);
    await announcer.show(rollout);
    expect(asked()).toHaveLength(1);
  });
});
