import { describe, expect, it } from 'vitest';
import { isRecord } from '../../sandbox/slack/args.ts';
import { checkBlocks } from '../../sandbox/slack/limits.ts';
import { checkMessageText } from '../../sandbox/slack/limits-text.ts';
import { digest } from '../../src/bot/announcer.ts';
import { sealedBlocks } from '../../src/bot/sealed.ts';
import type { People } from '../../src/bot/views/people.ts';
import { outdated, type Post, posts } from '../../src/bot/views/posts.ts';
import { asked, next, onlyBack, plan, waitingForPeople, waitKey } from '../../src/upgrade/rollout/index.ts';
import type { Rollout } from '../../src/upgrade/rollout/types.ts';
import { Run, scenario } from '../support/chance.ts';
import { fc } from '../support/fast-check.ts';
import { onwards } from '../support/onwards.ts';
import { fleetOf, inputOf } from '../support/rollouts.ts';
import { drive, worldOf } from '../support/simulation.ts';
import { seals } from './support.ts';

/** Messages, each as it would be posted or edited at a revision, that this test must have read. */
const wanted = 10_000;
const different = 1_000;

/** What a host or a person might say to do harm, behind all that they say. */
const hostile =
  ' <!channel> <@U0EVIL> <https://evil.example|look> *x* `y` &amp; \u202egnp.exe\u0007\u200b </> token=abcdefghij0123456789';
const theirs = ['reason', 'detail', 'comment', 'summary', 'lastReason', 'failure', 'detected'];

/** The same rollout, had everybody said more. */
function withHostile<T>(value: T): T {
  const walk = (each: unknown, key: string): unknown => {
    if (typeof each === 'string') return theirs.includes(key) ? `${each}${hostile}` : each;
    if (Array.isArray(each)) return each.map((one) => walk(one, key));
    if (!isRecord(each)) return each;
    return Object.fromEntries(Object.entries(each).map(([name, one]) => [name, walk(one, name)]));
  };
  return walk(value, '') as T;
}

const people: People = {
  onCall: { users: ['U0OTTO'], groups: ['S0CALL'] },
  escalation: { users: [], groups: ['S0BOSS'] },
  members: { S0APPROVERS: ['U0INES'] },
};

/** Mentions, times and links of ours. */
const own = /<(?:@[UW][A-Za-z0-9-]+|!subteam\^S[A-Z0-9]+|!date\^\d+\^[^<>]*|#C[A-Z0-9]+|https?:\/\/[^<>]*)>/g;
const evil = /U0EVIL>|<https?:\/\/evil|<!channel|[\u0000-\u0009\u000b-\u001f\u007f\u200b\u202a-\u202e\u2066-\u2069]/;

function textsIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(textsIn);
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([key, one]) =>
    typeof one === 'string' && key === 'text' ? [one] : key === 'confirm' ? [] : textsIn(one),
  );
}

const isEscaped = (text: string): boolean => {
  const rest = text.replace(own, '');
  return !/[<>]/.test(rest) && !/&(?!amp;|lt;|gt;)/.test(rest) && !evil.test(text);
};

class Reader {
  /** By what they say; what was read once is not read again. */
  readonly seen = new Set<string>();
  count = 0;
  readonly kinds = new Set<string>();

  read(post: Post, revision: number): void {
    const { key, text, blocks } = post;
    const print = digest(post, '');
    this.count += 1;
    if (this.seen.has(print)) return;
    this.seen.add(print);
    this.kinds.add(key.split('.')[0] ?? '');
    checkMessageText(text);
    const sent = sealedBlocks(blocks, seals, { fleet: 'trial', channel: 'C0' });
    const shown = checkBlocks(JSON.parse(JSON.stringify(sent)), 'message');
    const fail = (what: string): never => {
      throw new Error(`${key}: ${what}\n${text}\n${JSON.stringify(blocks)}`);
    };
    if (text.trim() === '') fail('has no text');
    for (const { block_id: id = '' } of shown) if (!id.includes(`.${revision}.`)) fail(`${id} has no revision`);
    const isCut = text.endsWith('…');
    for (const each of textsIn(shown).flatMap((one) => one.split('\n'))) {
      if (!isEscaped(each) && !each.startsWith('```')) fail(`not escaped: ${each}`);
      const line = each.replace(/…$/, '');
      if (!isCut && !text.includes(line)) fail(`its text does not say: ${each}`);
    }
    if (!isEscaped(text)) fail('its text is not escaped');
  }

  /** @param standing keys of what was posted before; what is posted now is added */
  all(rollout: Rollout, standing = new Set<string>()): void {
    const current = posts(rollout, people);
    const over = outdated(rollout, [...standing], people, current);
    for (const post of [...current, ...over]) this.read(post, rollout.revision);
    for (const { key } of current) standing.add(key);
  }
}

function reminded(rollout: Rollout): Rollout {
  const counts = waitingForPeople(rollout).map((waiting) => [waitKey(waiting), 1]);
  return { ...rollout, policy: { ...rollout.policy, reminders: [1] }, reminded: Object.fromEntries(counts) };
}

const variants: ((rollout: Rollout, at: number) => Rollout)[] = [
  reminded,
  (rollout) => ({ ...rollout, unsigned: true }),
  onlyBack,
  (rollout, at) => next(rollout, { type: 'taken-on', at, by: 'U0OTTO', waits: waitingForPeople(rollout).map(waitKey) }),
  (rollout, at) =>
    asked(rollout).reduce(
      (acc: Rollout, { id }) => next(acc, { type: 'declined', at, phase: id, by: 'U0OTTO', reason: hostile.trim() }),
      rollout,
    ),
];

describe('every message that any seeded run produces', () => {
  const reader = new Reader();
  const isOver = (): boolean => reader.count >= wanted && reader.seen.size >= different;

  it('keeps to what Slack takes, says the same as text, and escapes what others said', { timeout: 600_000 }, () => {
    let at = 0;
    fc.assert(
      fc.property(scenario, (chance) => {
        if (isOver()) return;
        const run = new Run(chance);
        const standing = new Set<string>();
        for (const move of chance.moves) {
          const before = run.rollout;
          run.step(move);
          if (run.rollout === before) continue;
          const rollout = withHostile({ ...run.rollout, requester: 'U0ROSA' });
          reader.all(rollout, standing);
          const variant = variants[at++ % variants.length];
          if (variant !== undefined) reader.all(withHostile(variant(rollout, run.now)));
        }
        for (const { rollout } of onwards(run.rollout, run.world, run.now)) reader.all(withHostile(rollout), standing);
      }),
      { numRuns: Number(process.env.RUNS ?? 300), endOnFailure: true },
    );
    console.log(
      `${reader.count} messages, ${reader.seen.size} of them different, of the kinds ${[...reader.kinds].sort().join(', ')}`,
    );
    expect(reader.count).toBeGreaterThanOrEqual(wanted);
    expect(reader.seen.size).toBeGreaterThanOrEqual(different);
  });
});

describe('a fleet', () => {
  it.each([9, 90, 300, 1_000])('of %s nodes fits into every message', { timeout: 300_000 }, (size) => {
    const reader = new Reader();
    const steps = size > 300 ? 3 : 12;
    const perRegion = Math.ceil(size / 3);
    const fleet = fleetOf({ atOnce: 3 }, { windows: 'always', perRegion });
    const start = plan(inputOf(fleet, { strategy: 'regions', requester: 'U0ROSA' }));
    const world = worldOf(start);
    world.bad.add(`us-east-op-${Math.min(3, perRegion)}`);
    let at = { rollout: start, now: start.createdAt };
    for (let step = 0; step < steps; step++) {
      reader.all(withHostile(at.rollout));
      at = drive(at.rollout, world, { from: at.now, limit: Math.ceil((3 * size) / steps) });
    }
    reader.all(withHostile(at.rollout));
    const stopped = next(at.rollout, { type: 'stopped', at: at.now, by: 'U0OTTO' });
    reader.all(withHostile(stopped));
    reader.all(withHostile(next(at.rollout, { type: 'retried', at: at.now + 1, by: 'U0OTTO', epoch: at.now + 1 })));
    expect(at.rollout.status.is).toBe('held');
    expect(reader.seen.size).toBeGreaterThan(10);
  });
});
