import { resolve } from 'node:path';
import { micromark } from 'micromark';
import { gfm, gfmHtml } from 'micromark-extension-gfm';
import { describe, expect, it } from 'vitest';
import { packMarkdown, packOf, postMortem } from '../../../src/upgrade/report/index.ts';
import { next, nextAsk, plan, postMortemAt, wentWrong } from '../../../src/upgrade/rollout/index.ts';
import type { Event, Rollout } from '../../../src/upgrade/rollout/types.ts';
import { trialFleet } from '../../bot/support.ts';
import { hours, inputOf, planned, tuesday } from '../../support/rollouts.ts';
import { drive, worldOf } from '../../support/simulation.ts';
import { badNight, goodNight, journalIn, say } from './nights.ts';

const names = { U0ROSA: 'rosa', U0INES: 'ines' };
const owned = (by: string, at = tuesday + hours(3)): Event => ({ type: 'owned', at, by });

describe('what is to be learned from a night', () => {
  it('is the same file for the same journal: what happened, why, whom it hit, and room for people', async () => {
    const told = say(badNight(), (at) => ({ type: 'owned', at, by: 'U0INES' }));
    const text = postMortem(packOf(journalIn(told)), names) ?? '';
    await expect(text).toMatchFileSnapshot(
      resolve(import.meta.dirname, '../../golden/report/bad-night-post-mortem.md'),
    );
    // A later try made the node forget why it failed; the journal has it.
    expect(told.rollout.nodes['us-east-op-2']?.diagnosis).toBeNull();
    expect(text).toContain('us-east-op-2, 2026-11-24 07:30:50 UTC (line 40): never healthy');
    expect(text).toContain('Owner: ines (U0INES)');
  });

  it('shows what a host said as text, wherever it is read: no link, no picture, no heading, no markup', () => {
    const hostile = [
      '![x](https://evil.example/x.png)',
      '[a](https://evil.example)',
      '<b>bold</b>',
      'www.evil.example',
    ];
    const pack = packOf(journalIn(badNight()));
    const [node, ...others] = pack.nodes;
    const cause = { name: 'port', says: hostile.join(' '), line: '', mend: 'free it' };
    const told = {
      ...pack,
      nodes: node === undefined ? [] : [{ ...node, reason: hostile.join(' ') }, ...others],
      causes: [
        { node: 'n', at: 0, line: 1, summary: hostile.join(' '), evidence: ['# big', ...hostile], causes: [cause] },
      ],
    };
    for (const text of [postMortem(told) ?? '', packMarkdown(told)]) {
      const html = micromark(text, { allowDangerousHtml: true, extensions: [gfm()], htmlExtensions: [gfmHtml()] });
      expect(html.match(/<(?:a|img|b|strong|em) |<\/?b>|<h1>big/g)).toBeNull();
    }
    const html = micromark(postMortem(told) ?? '');
    expect(html).toContain('<pre><code># big\n![x]');
  });

  it('is nothing where all went well', () => {
    expect(postMortem(packOf(journalIn(goodNight())))).toBeNull();
  });
});

describe('who owns that', () => {
  const { rollout } = badNight();

  it('is noted once it is over and something went wrong, changes nothing else, and can be taken over', () => {
    const mine = next(rollout, owned('U0INES'));
    expect(mine).toEqual({ ...rollout, rest: mine.rest, owner: { by: 'U0INES', at: tuesday + hours(3) } });
    expect(next(mine, owned('U0INES', tuesday + hours(4)))).toBe(mine);
    expect(next(mine, owned('U0OTTO')).owner).toMatchObject({ by: 'U0OTTO' });
    expect(mine.lastWord).toEqual(rollout.lastWord);
  });

  it.each<[string, Rollout]>([
    ['while it is under way', planned()],
    ['while it is under way, whatever went wrong', { ...rollout, status: { is: 'running' } }],
    ['where all went well', goodNight().rollout],
  ])('is nobody %s', (_, other) => {
    expect(next(other, owned('U0INES'))).toBe(other);
    expect(postMortemAt(other)).toBeNull();
  });

  /** It ends on a Friday evening in New York, which is Saturday in Kolkata. */
  it('is asked again in the morning of the next working day, in the zone of the first region', () => {
    const end = Date.UTC(2026, 10, 27, 23);
    const friday = { ...rollout, status: { is: 'rolled-back', scope: { is: 'all' }, at: end } } as const;
    expect(postMortemAt(friday)).toBe(Date.UTC(2026, 10, 30, 14));
    expect(nextAsk(friday, end)).toBe(Date.UTC(2026, 10, 30, 14));
    expect(nextAsk(friday, Date.UTC(2026, 10, 30, 14))).toBeNull();
  });

  it('is asked of a node that flapped while it was watched, although nothing failed', () => {
    const start = plan(inputOf(trialFleet({ bake: hours(1) }), { strategy: 'regions' }));
    const world = worldOf(start);
    const watched = drive(start, world, {
      from: tuesday,
      until: (each) => each.phases.some(({ is, state }) => is === 'watch' && state.is === 'active'),
    });
    expect(wentWrong(watched.rollout)).toBe(false);
    world.lostProbes.set('us-east-op-1', 1);
    const after = drive(watched.rollout, world, { from: watched.now });
    expect(wentWrong(after.rollout)).toBe(true);
  });
});
