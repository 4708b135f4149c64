import type { Direction, StepName } from '../rollout/types.ts';
import type { Frame } from './lines.ts';

/** One try of a step, from its intent to what was reported of it. */
export interface StepTry {
  node: string;
  run: number;
  attempt: number;
  step: StepName;
  direction: Direction;
  /** Epoch ms. */
  from: number;
  to: number;
  /** `gated`: a gate was shut right before the stop; `lost`: its worker never reported. */
  is: 'succeeded' | 'failed' | 'unknown' | 'later' | 'gated' | 'lost';
  /** As the node or the gate said it; null where nothing was said. */
  reason: string | null;
}

/** Every try that was begun and is over, in the order in which they ended. */
export function triesOf(frames: readonly Frame[]): StepTry[] {
  const begun = new Map<string, StepTry>();
  const over: StepTry[] = [];
  for (const { line, after } of frames) {
    const { event, at } = line;
    if (event.type === 'begun') {
      const { node, run, step, attempt } = event;
      const state = after.nodes[node]?.state;
      const lost = begun.get(node);
      begun.delete(node);
      // Said twice of one try: its worker fell silent. What was let go by a decision ended at a moment that nobody knows.
      const isSame = lost?.attempt === attempt && lost.run === run;
      if (lost !== undefined) over.push(isSame ? { ...lost, to: at } : lost);
      if (isSame) continue;
      begun.set(node, {
        ...{ node, run, step, attempt, from: at, to: at, is: 'lost', reason: null },
        direction: state?.is === 'working' ? state.direction : 'forward',
      });
    }
    if (event.type !== 'reported' && event.type !== 'gated') continue;
    const mine = begun.get(event.node);
    if (mine === undefined || mine.attempt !== event.attempt || mine.run !== event.run) continue;
    begun.delete(event.node);
    over.push({ ...mine, to: at, ...outcomeOf(event) });
  }
  return over;
}

function outcomeOf(event: Extract<Frame['line']['event'], { type: 'reported' | 'gated' }>) {
  if (event.type === 'gated')
    return { is: 'gated' as const, reason: event.gates.map(({ reason }) => reason).join('; ') };
  const { report } = event;
  return { is: report.is, reason: report.is === 'succeeded' ? null : report.reason };
}
