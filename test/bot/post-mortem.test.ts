import { describe, expect, it } from 'vitest';
import { asText, runCommand } from '../../src/bot/run.ts';
import { nobody } from '../../src/bot/views/people.ts';
import { postMortemPosts } from '../../src/bot/views/post-mortem.ts';
import { posts } from '../../src/bot/views/posts.ts';
import { postMortemAt } from '../../src/upgrade/rollout/index.ts';
import type { Rollout } from '../../src/upgrade/rollout/types.ts';
import { badNight, goodNight } from '../upgrade/report/nights.ts';
import { type Trial, trial } from './support.ts';

const people = { ...nobody, onCall: { users: ['U0OTTO'], groups: [] } };

function over(rollout: Rollout): Trial {
  const here = trial();
  here.control.rollouts.set(rollout.id, rollout);
  here.clock.at = ('at' in rollout.status ? rollout.status.at : 0) + 60_000;
  return here;
}
const say = async ({ context }: Trial, actor: string, text: string) => asText(await runCommand(context, actor, text));
const now = ({ control }: Trial): Rollout => {
  const rollout = control.rollouts.get('r1');
  if (rollout === undefined) throw new Error('no rollout');
  return rollout;
};
const ending = (rollout: Rollout) =>
  posts(rollout, people).find(({ key }) => /^(finished|rolled-back|stopped)\./.test(key));
const buttons = (rollout: Rollout): string[] =>
  [...JSON.stringify(ending(rollout)?.blocks).matchAll(/"action_id":"(zw:[^"]+)"/g)].map(([, id = '']) => id);

describe('the end of what went wrong', () => {
  it('asks who writes it down, with a button, and says who does', async () => {
    const here = over(badNight().rollout);
    expect(ending(now(here))?.text).toContain('worth a post-mortem: nobody writes it down yet');
    expect(buttons(now(here))).toEqual(['zw:own']);
    expect(await say(here, 'U0OTTO', 'own')).toContain('It is yours: @U0OTTO writes it down');
    expect(now(here).owner).toEqual({ by: 'U0OTTO', at: here.clock.at });
    expect(ending(now(here))?.text).toContain('<@U0OTTO> writes it down, since');
    expect(buttons(now(here))).toEqual([]);
    expect(await say(here, 'U0OTTO', 'own r1')).toMatch(/^Nothing changed: @U0OTTO writes it down/);
    expect(await say(here, 'U0INES', 'own r1')).toContain('@U0INES writes it down');
  });

  it('asks nobody where all went well, or it is not over', async () => {
    const good = over(goodNight().rollout);
    expect(ending(now(good))?.text).not.toContain('post-mortem');
    expect(await say(good, 'U0OTTO', 'own')).toMatch(/^Nothing went wrong in it/);
    const open = over({ ...badNight().rollout, status: { is: 'running' } });
    expect(await say(open, 'U0OTTO', 'own')).toMatch(/^Nothing is to be written down yet/);
  });

  it('takes the word of those who may roll back, and of nobody without a name', async () => {
    const here = over(badNight().rollout);
    for (const actor of ['U0LU', 'U0GIL', 'cli:root']) {
      expect((await runCommand(here.context, actor, 'own')).outcome, actor).toBe('denied');
    }
    expect(now(here).owner).toBeUndefined();
  });

  it('is asked about once more on the next working day: of its owner, else of whoever is called', async () => {
    const here = over(badNight().rollout);
    const due = postMortemAt(now(here)) ?? 0;
    expect(postMortemPosts(now(here), people, due - 1)).toEqual([]);
    const [asks] = postMortemPosts(now(here), people, due);
    expect(asks).toMatchObject({ key: 'post-mortem', once: true, place: { is: 'thread', broadcast: true } });
    expect(asks?.text).toMatchInlineSnapshot(`
      "○ *What went wrong with v2.0.0* is to be written down; who writes it down? \`/zeitwork own r1\`
      How it ended, at <!date^1795507338^{date_short_pretty} {time}|2026-11-24 08:02 UTC>: ↩ *Rolled back (everything)*: 0 of 9 nodes still on v2.0.0; before it ran v1.0.0.
      Nobody writes it down yet; \`zeitwork report r1 --out DIR\` has the material for it.
      Called: <@U0ROSA> <@U0OTTO>"
    `);
    await say(here, 'U0INES', 'own');
    const [reminds] = postMortemPosts(now(here), people, due);
    expect(reminds?.text.split('\n').at(-1)).toBe('Called: <@U0INES>');
  });
});
