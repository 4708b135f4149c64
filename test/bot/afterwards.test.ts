import pino from 'pino';
import { describe, expect, it } from 'vitest';
import { judge } from '../../src/bot/actions/counts.ts';
import { createAnnouncer } from '../../src/bot/announcer.ts';
import type { Chat } from '../../src/bot/chat.ts';
import { asText, runCommand } from '../../src/bot/run.ts';
import { sealedBlocks } from '../../src/bot/sealed.ts';
import { afterwardsPosts, worsePosts } from '../../src/bot/views/afterwards.ts';
import { nobody } from '../../src/bot/views/people.ts';
import { outdated, posts } from '../../src/bot/views/posts.ts';
import { next, nextAsk } from '../../src/upgrade/rollout/index.ts';
import type { Rollout } from '../../src/upgrade/rollout/types.ts';
import { hours, minutes } from '../support/rollouts.ts';
import { watchedNight } from '../upgrade/report/nights.ts';
import { seals, type Trial, trial } from './support.ts';

const people = { ...nobody, onCall: { users: ['U0OTTO'], groups: [] } };
const at = (ms: number) => watchedNight(ms);
const since = at(0).rollout.afterwards?.since ?? 0;
const message = ({ rollout, now }: { rollout: Rollout; now: number }, later = 0) =>
  afterwardsPosts(rollout, now + later)[0]?.text ?? '';
const undated = (text: string) => text.replace(/<!date[^|]*\|\d{4}-\d\d-\d\d ([^>]*)>/g, '$1');
const told = (rollout: Rollout) => worsePosts(rollout, people).map(({ key, text }) => [key, undated(text)]);

function here({ rollout, now }: { rollout: Rollout; now: number }): Trial {
  const made = trial();
  made.control.rollouts.set(rollout.id, rollout);
  made.clock.at = now;
  return made;
}
const say = async ({ context }: Trial, text: string) => undated(asText(await runCommand(context, 'U0ROSA', text)));

describe('the time after an upgrade', () => {
  it('is one message: how long all was well, of how long, and the highest rates; it tells nothing of what is not watched', () => {
    expect(undated(message(at(minutes(30))))).toMatchInlineSnapshot(
      `"○ *Watched after v2.0.0*: well for 30 min of 6 h; 6 of 6 nodes well at the last look; errors at most 0.1 % over 30 min"`,
    );
    const [post] = afterwardsPosts(at(0).rollout, since);
    expect(post).toMatchObject({ key: 'afterwards.1', once: false, place: { is: 'thread', broadcast: true } });
    const { afterwards: _, ...none } = at(0).rollout;
    expect(afterwardsPosts(none, since)).toEqual([]);
  });

  it('is edited in steps of time, and not for each look', () => {
    expect(message(at(minutes(330)))).not.toBe(message(at(minutes(450))));
    const wellFor = (wellMs: number) => {
      const { rollout, now } = at(minutes(30));
      if (rollout.afterwards === undefined) throw new Error('not watched');
      const each = Object.entries(rollout.afterwards.regions);
      const regions = Object.fromEntries(
        each.map(([name, region]) => [name, { ...region, well: { ms: wellMs, at: now } }]),
      );
      return message({ rollout: { ...rollout, afterwards: { ...rollout.afterwards, regions } }, now });
    };
    expect(wellFor(minutes(74))).toBe(wellFor(minutes(61)));
    expect(wellFor(minutes(75))).not.toBe(wellFor(minutes(74)));
  });

  it('tells silence as silence, of each region, as soon as it is too long: somebody draws it then', () => {
    const morning = at(minutes(30));
    const due = nextAsk(morning.rollout, morning.now) ?? 0;
    expect(due - morning.now).toBe(minutes(90));
    expect(message(morning, minutes(90) - 1)).not.toContain('nobody');
    expect(undated(message(morning, minutes(90)))).toMatchInlineSnapshot(`
      "○ *Watched after v2.0.0*: well for 30 min of 6 h; 6 of 6 nodes well at the last look; errors at most 0.1 % over 30 min
      ‼ us-east: nobody has looked since 08:03 UTC, so nobody knows. Does a worker of it run?
      ‼ eu-west: nobody has looked since 08:03 UTC, so nobody knows. Does a worker of it run?"
    `);
    expect(nextAsk(morning.rollout, due)).toBeNull();
  });

  it('ends with what it came to', () => {
    expect(undated(message(at(hours(20))))).toMatchInlineSnapshot(`
      "✓ *Well for 6 h after v2.0.0*, once 2 things had got worse and well again; 6 of 6 nodes well at the last look; 39 looks; errors at most 0.1 % over 30 min
      ○ us-east-op-1: systemd restarted it since it was proven (0 -&gt; 1 restarts); from 08:33 UTC to 08:34 UTC
      ○ us-east-op-2: errors is bad: 7 % over 30 min, bad from 5 %; from 09:34 UTC to 10:36 UTC"
    `);
    const { rollout, now } = at(hours(3));
    const superseded = next(rollout, { type: 'superseded', at: now, rollout: 'r2' });
    expect(undated(message({ rollout: superseded, now })).split('\n')[0]).toMatchInlineSnapshot(
      `"→ *Not watched to its end after v2.0.0*: rollout r2 began, 10:33 UTC; until then well for 0 s of 6 h"`,
    );
    const unknown = next(at(0).rollout, { type: 'ticked', at: since + hours(18) });
    expect(undated(message({ rollout: unknown, now: since + hours(18) }))).toMatchInlineSnapshot(
      `"✗ *Whether all stayed well after v2.0.0 is not known*: nobody could see it for long enough; well for 0 s of 6 h"`,
    );
  });
});

describe('what got worse', () => {
  it('is told by a message of its own, which calls people, and once more when it is well again', () => {
    expect(told(at(minutes(30)).rollout)).toEqual([]);
    const keys = (ms: number) => told(at(ms).rollout).map(([key]) => key);
    expect(keys(minutes(60))).toEqual(['after.1.worse.0']);
    expect(keys(minutes(90))).toEqual(['after.1.worse.0', 'after.1.well.0']);
    expect(told(at(hours(20)).rollout)).toMatchInlineSnapshot(`
      [
        [
          "after.1.worse.0",
          "✗ *us-east-op-1 got worse*, 60 min after v2.0.0 was done
      Why: systemd restarted it since it was proven (0 -&gt; 1 restarts)
      Nothing was done about it, and nothing is held. What to do is what its diagnosis says.
      Called: <@U0ROSA> <@U0OTTO>",
        ],
        [
          "after.1.well.0",
          "✓ *us-east-op-1 is well again*, as of 08:34 UTC; it was not since 08:33 UTC",
        ],
        [
          "after.1.worse.1",
          "✗ *us-east-op-2 got worse*, 2 h 1 min after v2.0.0 was done
      Why: errors is bad: 7 % over 30 min, bad from 5 %
      Nothing was done about it, and nothing is held. What to do is what its diagnosis says.
      Called: <@U0ROSA> <@U0OTTO>",
        ],
        [
          "after.1.well.1",
          "✓ *us-east-op-2 is well again* (errors), as of 10:36 UTC; it was not since 09:34 UTC",
        ],
      ]
    `);
  });

  it('has one next step, which is safe: to diagnose; none once it is well', () => {
    const typed = (ms: number) =>
      worsePosts(at(ms).rollout, people).flatMap(({ text }) => text.match(/diagnose [\w-]+/g) ?? []);
    expect(typed(minutes(125))).toEqual(['diagnose us-east-op-2']);
    expect(typed(hours(20))).toEqual([]);
  });

  it('offers a button that counts where it stands, and not once it is well', async () => {
    const press = async (rollout: Rollout) => {
      const made = here({ rollout, now: since + hours(2) });
      const post = posts(at(minutes(125)).rollout).find(({ key }) => key === 'after.1.worse.1');
      const place = { fleet: made.context.fleet.name, channel: 'C0UPGRADES' };
      const blocks = JSON.stringify(sealedBlocks(post?.blocks ?? [], seals, place));
      const [, value = ''] = /"value":"((?:[^"\\]|\\.)*)"/.exec(blocks) ?? [];
      await made.control.store.setPosted(rollout.id, 'after.1.worse.1', {
        ts: '1.1',
        channel: place.channel,
        content: '',
      });
      const context = { ...made.context, sealer: seals };
      const on = { channel: place.channel, ts: '1.1' };
      const action = 'zw:diagnose:us-east-op-2';
      return judge(context, { action, value: JSON.parse(`"${value}"`), on, isEphemeral: false });
    };
    expect(await press(at(minutes(125)).rollout)).toMatchObject({ counts: true });
    expect(await press(at(hours(20)).rollout)).toMatchObject({ counts: false });
  });

  it('is posted once, whoever draws how often, and nothing more is posted for what is edited', async () => {
    const posted: string[] = [];
    const chat: Chat = {
      post: async ({ mark }) => {
        posted.push(mark?.key ?? '');
        return `${posted.length}.1`;
      },
      edit: async () => true,
      direct: async (user) => `D-${user}`,
      find: async () => null,
      read: async () => null,
      ours: async () => [],
    };
    const { context, control } = trial();
    const announcer = () =>
      createAnnouncer({
        ...{ chat, people: async () => people, store: control.store, channel: 'C0', sealer: seals, painted: new Map() },
        link: () => null,
        log: pino({ level: 'silent' }),
        clock: { now: () => context.clock.now(), sleep: async () => undefined },
      });
    const { show } = announcer();
    for (let ms = 0; ms <= hours(10); ms += minutes(30)) await show(at(ms).rollout);
    await announcer().show(at(hours(10)).rollout);
    const mine = posted.filter((key) => key.startsWith('after'));
    expect(mine).toEqual(['afterwards.1', 'after.1.worse.0', 'after.1.well.0', 'after.1.worse.1', 'after.1.well.1']);
  });

  it('is told of ten things at most; of more there is one message', () => {
    const { rollout } = at(minutes(60));
    const [first] = rollout.afterwards?.worse ?? [];
    if (rollout.afterwards === undefined || first === undefined) throw new Error('nothing');
    const many = { ...rollout, afterwards: { ...rollout.afterwards, worse: Array(40).fill(first) } };
    expect(
      told(many)
        .map(([key]) => key)
        .slice(9),
    ).toEqual(['after.1.worse.9', 'after.1.more']);
    expect(message({ rollout: many, now: since }).split('\n').length).toBeLessThan(26);
  });

  it('loses its button when it is watched anew', () => {
    const again = { ...at(0).rollout, run: 3 };
    expect(outdated(again, ['after.1.worse.0', 'afterwards.1']).map(({ key, closes }) => [key, closes])).toEqual([
      ['after.1.worse.0', true],
    ]);
  });

  it('says nothing that a host wrote as its own words', () => {
    const { rollout } = at(minutes(60));
    const [first] = rollout.afterwards?.worse ?? [];
    if (rollout.afterwards === undefined || first === undefined) throw new Error('nothing');
    const worse = [{ ...first, says: '<!channel> `x` *bold* <@U0OTTO>' }];
    const hostile = { ...rollout, afterwards: { ...rollout.afterwards, worse } };
    for (const text of [message({ rollout: hostile, now: since }), ...told(hostile).map(([, text]) => text)])
      expect(text).not.toMatch(/<!channel>|`x`/);
  });
});

describe('whoever asks', () => {
  it('is told by status and why while nothing is running', async () => {
    const made = here(at(minutes(150)));
    expect(await say(made, 'status')).toContain('Watched after v2.0.0');
    expect(await say(made, 'why')).toMatch(/Every node is done\.\n○ Watched after v2\.0\.0: well for/);
    const over = here(at(hours(20)));
    expect(await say(over, 'status')).toContain('Well for 6 h after v2.0.0');
    expect(await say(over, 'why')).toContain('Nothing is running');
  });

  it('is told as data', async () => {
    const { facts } = await runCommand(here(at(hours(20))).context, 'U0ROSA', 'status');
    expect(facts).toMatchObject({
      last: {
        afterwards: {
          ...{ wantedMs: hours(6), wellMs: hours(6), end: { is: 'well', rollout: null } },
          regions: [{ region: 'us-east', good: 3, of: 3, unseenMs: 0 }, { region: 'eu-west' }],
          worse: [
            { node: 'us-east-op-1', check: null, times: 1 },
            { node: 'us-east-op-2', check: 'errors', is: 'bad' },
          ],
        },
      },
    });
  });
});
