import { describe, expect, it } from 'vitest';
import { createLooks } from '../../src/bot/looks.ts';
import { asText, runCommand } from '../../src/bot/run.ts';
import { trial } from './support.ts';

describe('looks', () => {
  it('are shared for three seconds by everybody who asks, and a failed one by nobody', async () => {
    let now = 0;
    let asked = 0;
    const looks = createLooks(() => now);
    const look = async () => {
      asked += 1;
      if (asked === 1) throw new Error('no worker');
      return [];
    };
    await expect(looks.shared(look)).rejects.toThrow('no worker');
    await Promise.all([looks.shared(look), looks.shared(look)]);
    now = 2_999;
    await looks.shared(look);
    expect(asked).toBe(2);
    now = 3_000;
    await looks.shared(look);
    expect(asked).toBe(3);
    now = 100;
    await looks.shared(look);
    expect(asked).toBe(4);
  });

  it('of one person are counted for a minute; others, and decisions, are not in their way', async () => {
    const here = trial();
    const text = async (actor: string, words: string) => asText(await runCommand(here.context, actor, words));
    for (let look = 0; look < 30; look++) expect(await text('U0LU', 'windows')).not.toContain('a lot of looking');
    here.clock.at += 15_000;
    expect(await text('U0LU', 'status')).toMatch(/^That was a lot of looking.* in 45 s\.$/);
    expect(here.logged.at(-1)).toMatch(/"actor":"U0LU".*too many looks/);
    expect(await text('U0OTTO', 'windows')).not.toContain('a lot of looking');
    expect(await text('U0LU', 'stop')).toMatch(/^You may not/);
    here.clock.at += 45_000;
    expect(await text('U0LU', 'windows')).not.toContain('a lot of looking');
  });

  it('into a node want a role', async () => {
    const here = trial();
    const outcome = async (actor: string) => (await runCommand(here.context, actor, 'diagnose us-east-op-1')).outcome;
    expect(await outcome('U0LU')).toBe('denied');
    for (const actor of ['U0ROSA', 'U0INES', 'U0OTTO']) expect(await outcome(actor)).toBe('done');
  });
});
