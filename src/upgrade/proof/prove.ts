import type { Clock } from '../../base/clock.ts';
import { lastWords } from '../host/collect.ts';
import { type Look, look, type Visit } from '../host/look.ts';
import { failed, silent, succeeded, unknown } from '../host/reports.ts';
import type { Probe } from '../http/types.ts';
import type { Report } from '../rollout/types.ts';
import { judge } from './judge.ts';
import { begin, type Goal, heard, looked, missed, type Verdict, type Watch, wantsLook } from './watch.ts';

/** What a proof needs of a step's context. */
export interface Watching extends Visit {
  probe: Probe;
  clock: Clock;
}

/** systemd's own limit for a stop is 90 s. */
export const slowStop = 100_000;

/** Between two polls the pause grows by this, so that a start is noticed soon after it happened. */
const backOff = 1.25;

/** Polls health and looks at the node until the goal is proven or cannot be any more. */
export async function prove(watching: Watching, goal: Goal): Promise<Report> {
  const verdict = await watchUntilJudged(watching, goal);
  if (verdict.is === 'proven') return succeeded({ proof: verdict.proof });
  if (verdict.is === 'unknown') return verdict.silent ? silent(verdict.reason) : unknown(verdict.reason);
  const words = await lastWords(watching);
  return failed(words === null ? verdict.reason : `${verdict.reason} (${words})`);
}

async function watchUntilJudged(watching: Watching, goal: Goal): Promise<Verdict> {
  const { clock, probe, node, signal } = watching;
  const { poll, pollMax } = watching.rollout.policy;
  let watch = begin(clock.monotonic());
  let pause = poll;
  for (;;) {
    const before = watch;
    const sight = wantsLook(watch, clock.monotonic(), goal) ? look(watching) : null;
    const [health, seen] = await Promise.all([probe.health(node.name), sight]);
    signal.throwIfAborted();
    const at = clock.monotonic();
    watch = heard(watch, health, at, goal);
    if (seen !== null) watch = fold(watch, seen, at, goal);
    const verdict = judge(watch, at, goal);
    if (verdict !== null) return verdict;
    pause = turned(before, watch) ? poll : Math.min(pollMax, pause * backOff);
    await clock.sleep(pauseOf(watch, clock.monotonic(), pause, goal), signal);
  }
}

/** Health began or broke off: the next answer is wanted soon. */
const turned = (before: Watch, watch: Watch) => (before.streak === 0) !== (watch.streak === 0);

function pauseOf(watch: Watch, at: number, pause: number, goal: Goal): number {
  if (watch.soak === null) return pause;
  return Math.max(1, Math.min(pause, watch.soak.since + goal.soak - at));
}

function fold(watch: Watch, sight: Look, at: number, goal: Goal): Watch {
  if (sight.is === 'seen') return looked(watch, sight.seen, at, goal);
  const reached = sight.is === 'refused' || sight.is === 'broken';
  return missed(watch, sight.is === 'refused' ? sight.word : sight.reason, at, reached);
}
