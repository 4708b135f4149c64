import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Outcome } from '../../sandbox/slack/types.ts';
import { startSandbox } from '../../sandbox/start.ts';
import { answersIn, wordsOf } from '../support/conversation.ts';
import { until } from '../support/product.ts';

type Sandbox = Awaited<ReturnType<typeof startSandbox>>;

describe('maintenance windows, on a clock that jumps', () => {
  let sandbox: Sandbox;
  const words = () => {
    const top = sandbox.slack.messages();
    return top
      .flatMap(({ ts }) => sandbox.slack.thread(ts))
      .map(wordsOf)
      .join('\n');
  };
  const versions = (region: string) =>
    sandbox.fleet.source.nodes().flatMap((node) => (node.region === region ? [node.version] : []));
  const wait = (what: string, check: () => boolean) => until(what, check, { timeoutMs: 120_000, logs: words });
  const type = async (who: string, text: string) => {
    const outcome: Outcome = await sandbox.slack.command(who, `/zeitwork ${text}`);
    await wait(`an answer to ${text}`, () => answersIn(outcome).length > 0);
    return answersIn(outcome);
  };

  beforeAll(async () => {
    sandbox = await startSandbox({
      port: 0,
      windows: 'guide',
      say: () => undefined,
      startAt: Date.UTC(2026, 10, 22, 12),
    });
  });
  afterAll(() => sandbox?.close());

  it('waits for each region, says so, goes on by itself, and needs an approval besides', async () => {
    const [preview] = await type('U0ROSA', 'upgrade v2.0.0');
    if (!preview) throw new Error('no preview');
    expect(wordsOf(preview)).toMatch(/ap-south[\s\S]*eu-west[\s\S]*us-east/);
    expect(wordsOf(preview)).toContain('Tue 24 Nov 02:00 (Asia/Kolkata)');
    // Nodes have the clock that jumps, too: theirs would be called wrong by every plan.
    expect(wordsOf(preview)).not.toContain('clock');
    const label = /Schedule for [^\n":]+:\d\d/.exec(wordsOf(preview))?.[0] ?? 'Start';
    expect(label).toContain('Tue');
    await sandbox.slack.click('U0ROSA', preview.ts, label);
    await wait('the schedule is announced', () => /Tue 24 Nov 02:00 \(Asia\/Kolkata\)/.test(words()));
    await wait('everything is staged', () => /waiting|not before/i.test(words()));
    expect(versions('ap-south')).toEqual(['v1.0.0', 'v1.0.0', 'v1.0.0']);

    // The first in order is not the canary region here, so it takes a second person as well.
    // It is far ahead, and a yes of now would not hold until then.
    await wait('it says from when on it is asked for', () =>
      /Approval of \*ap-south\* is asked for from/.test(words()),
    );
    expect(words()).not.toMatch(/may \*ap-south\*/);
    await sandbox.jumpToNextWindow();
    await wait('the first is asked for', () => /may \*ap-south\*/.test(words()));
    expect(versions('ap-south')).toEqual(['v1.0.0', 'v1.0.0', 'v1.0.0']);
    await type('U0INES', 'approve ap-south');
    await wait('the first region is upgraded', () => versions('ap-south').every((version) => version === 'v2.0.0'));
    expect(versions('eu-west')).toEqual(['v1.0.0', 'v1.0.0', 'v1.0.0']);

    await wait('the second is asked for', () => /may \*eu-west\*/.test(words()));
    await type('U0INES', 'approve eu-west');
    const [why] = await type('U0VIC', 'why');
    if (!why) throw new Error('no answer to why');
    expect(wordsOf(why)).toContain('Tue 24 Nov 02:00 (Europe/Dublin)');
    expect(versions('eu-west')).toEqual(['v1.0.0', 'v1.0.0', 'v1.0.0']);
    await sandbox.jumpToNextWindow();
    await wait('the second region is upgraded', () => versions('eu-west').every((version) => version === 'v2.0.0'));
    expect(sandbox.fleet.source.counter().failures).toBe(0);
  });
});
