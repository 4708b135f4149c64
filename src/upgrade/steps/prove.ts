import type { Report } from '../rollout/types.ts';
import { lastWords } from './collect.ts';
import { judge } from './judge.ts';
import { look } from './look.ts';
import { failed, succeeded, unknown } from './reports.ts';
import type { StepContext } from './types.ts';
import { begin, type Goal, heard, looked, missed, type Verdict, type Watch, wantsLook } from './watch.ts';

/** systemd's own limit for a stop is 90 s. */
export const slowStop = 100_000;

/** Between two polls the pause grows by this, so that a start is noticed soon after it happened. */
const backOff = 1.25;

/** Polls health and looks at the node until the goal is proven or cannot be any more. */
export async function prove(context: StepContext, goal: Goal): Promise<Report> {
  const verdict = await watchUntilJudged(context, goal);
  if (verdict.is === 'proven') return succeeded({ proof: verdict.proof });
  if (verdict.is === 'unknown') return unknown(verdict.reason);
  const words = await lastWords(context);
  return failed(words === null ? verdict.reason : `${verdict.reason} (${words})`);
}

async function watchUntilJudged(context: StepContext, goal: Goal): Promise<Verdict> {
  const { clock, probe, node, signal } = context;
  const { poll, pollMax } = context.rollout.policy;
  let watch = begin(clock.monotonic());
  let pause = poll;
  for (;;) {
    const before = watch;
    const health = await probe.health(node.name);
    signal.throwIfAborted();
    watch = heard(watch, health, clock.monotonic(), goal);
    if (wantsLook(watch, clock.monotonic(), goal)) watch = await lookOnce(context, watch, goal);
    const verdict = judge(watch, clock.monotonic(), goal);
    if (verdict !== null) return verdict;
    pause = turned(before, watch) ? poll : Math.min(pollMax, pause * backOff);
    await clock.sleep(pauseOf(watch, clock.monotonic(), pause, goal), signal);
  }
}

/** Health began, or the soak did: the next answer is wanted soon. */
const turned = (before: Watch, watch: Watch) => before.streak === 0 && watch.streak === 1;

function pauseOf(watch: Watch, at: number, pause: number, goal: Goal): number {
  if (watch.soak === null) return pause;
  return Math.max(1, Math.min(pause, watch.soak.since + goal.soak - at));
}

async function lookOnce(context: StepContext, watch: Watch, goal: Goal): Promise<Watch> {
  const result = await look(context);
  const at = context.clock.monotonic();
  if (result.is === 'seen') return looked(watch, result.seen, at, goal);
  return missed(watch, result.is === 'refused' ? result.word : result.reason, at);
}
