import { expect, it } from 'vitest';
import { closed } from '../../src/bot/views/closing.ts';
import { outdated, type Post, posts } from '../../src/bot/views/posts.ts';
import { asked, todo } from '../../src/upgrade/rollout/index.ts';
import { Run, scenario } from '../support/chance.ts';
import { fc } from '../support/fast-check.ts';

interface Message extends Pick<Post, 'text' | 'blocks'> {
  over: boolean;
}

/** Why something is so, who decided what, and how it ended: whatever else moves in a message, this stays. */
const lasting = (text: string): string[] =>
  text.split('\n').filter((line) => /^(?:Why: |→ |✓ .* approved by |✗ .* declined by )/.test(line));
const typed = /: \/zeitwork /;

/** What the announcer makes of a channel, drawing by drawing; see `src/bot/announcer.ts`. */
class Channel {
  readonly messages = new Map<string, Message>();
  readonly kept = new Set<string>();

  draw(wanted: Post[]): void {
    for (const post of wanted) {
      const there = this.messages.get(post.key);
      if (there === undefined) this.post(post);
      else if (!post.once && !(there.over && post.closes)) this.edit(there, post);
    }
  }

  private post(post: Post): void {
    if (!post.onlyEdit) this.messages.set(post.key, { text: post.text, blocks: post.blocks, over: false });
  }

  private edit(there: Message, post: Post): void {
    const after = post.closes ? closed(there, post.text) : post;
    this.messages.set(post.key, { text: after.text, blocks: [...after.blocks] as Post['blocks'], over: post.closes });
    // What is being worked on is told as it is now.
    if (/^(?:main|node|region|wait|freeze)\b/.test(post.key)) return;
    const stays = post.closes ? there.text.split('\n').filter((line) => !typed.test(line)) : lasting(there.text);
    for (const line of stays) expect(after.text, `${post.key} said: ${there.text}`).toContain(line);
    if (stays.length > 0) this.kept.add(`${post.key.split('.')[0]}${post.closes ? ' closed' : ''}`);
    if (post.closes) expect(JSON.stringify(after.blocks)).not.toContain('"actions"');
  }
}

type Move = (run: Run) => void;

/** Mended, it goes on honestly; whatever is asked is declined at first, and then approved. */
const goOn: Move[] = Array.from({ length: 120 }, (_, at) => (run) => {
  const word = at % 20 === 10 ? ({ type: 'declined', reason: 'errors' } as const) : ({ type: 'approved' } as const);
  if (at % 10 === 0)
    for (const { id: phase } of asked(run.rollout))
      run.apply({ ...word, at: run.now, phase, by: phase.replace('approval/', 'U-') });
  const idle = todo(run.rollout, run.now).length === 0;
  run.step(idle ? { kind: 'wait', pick: 5 } : { kind: 'work', pick: 0 });
});
const mended: Move = (run) => {
  run.world.freezes = [];
  run.mend();
};
const again: Move[] = [mended, (run) => run.apply({ type: 'retried', at: run.now, by: 'U1', epoch: 0 })];
const all = { is: 'all' } as const;
const back: Move[] = [
  mended,
  (run) => run.apply({ type: 'rollback-asked', at: run.now, by: 'U1', scope: all, epoch: run.now }),
];

const numRuns = Number(process.env.RUNS ?? 60);

it('takes back nothing that was said of a failure, a question, a decision or an end, whatever comes after', () => {
  const kept = new Set<string>();
  fc.assert(
    fc.property(scenario, fc.nat(), (chance, pick) => {
      const run = new Run(chance);
      const channel = new Channel();
      for (const move of [...chance.moves, ...(pick % 2 === 0 ? again : back), ...goOn]) {
        const before = run.rollout;
        if (typeof move === 'function') move(run);
        else run.step(move);
        if (run.rollout === before) continue;
        const standing = [...channel.messages.keys()];
        channel.draw([...posts(run.rollout), ...outdated(run.rollout, standing)]);
      }
      for (const each of channel.kept) kept.add(each);
    }),
    { numRuns, endOnFailure: process.env.SHRINK === undefined },
  );
  // What never changed was not compared.
  expect([...kept]).toEqual(
    expect.arrayContaining(['failed', 'failed closed', 'stuck closed', 'gate closed', 'stopped closed', 'dm closed']),
  );
}, 600_000);
