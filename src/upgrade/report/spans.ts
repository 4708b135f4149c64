import { changesService, isOfWayBack, traits } from '../rollout/index.ts';
import type { NodeRun, StepName } from '../rollout/types.ts';
import type { Frame } from './lines.ts';

/** What a node was at, in the words of the picture. */
export const spanKinds = [
  'staging',
  'waiting',
  'preparing',
  'restarting',
  'proving',
  'soaking',
  'going back',
  'done',
  'back',
  'failed',
] as const;
export type SpanKind = (typeof spanKinds)[number];

export interface Span {
  kind: SpanKind;
  /** Epoch ms; of the last one of an open rollout, `to` is the last line of its journal. */
  from: number;
  to: number;
}

/** What each node was at, from the first line to the last, without gaps; by name. */
export function spansOf(frames: readonly Frame[]): Record<string, Span[]> {
  const found: Record<string, Span[]> = {};
  for (const { line, after } of frames) {
    for (const node of Object.values(after.nodes)) {
      const spans = found[node.name] ?? [];
      found[node.name] = spans;
      const soaked = soakIn(line.event, node.name);
      if (soaked > 0) split(spans, line.at, soaked);
      goOn(spans, kindOf(node), line.at);
    }
  }
  return found;
}

function goOn(spans: Span[], kind: SpanKind, at: number): void {
  const last = spans.at(-1);
  if (last !== undefined) last.to = Math.max(last.to, at);
  if (last?.kind !== kind) spans.push({ kind, from: last?.to ?? at, to: last?.to ?? at });
}

/** Only the report of a proof says how long of it was soaking: that is its end. */
function split(spans: Span[], at: number, soaked: number): void {
  const last = spans.at(-1);
  if (last?.kind !== 'proving') return;
  const from = Math.max(last.from, at - soaked);
  last.to = from;
  if (last.from === from) spans.pop();
  spans.push({ kind: 'soaking', from, to: from });
}

function soakIn(event: Frame['line']['event'], node: string): number {
  if (event.type !== 'reported' || event.node !== node || event.report.is !== 'succeeded') return 0;
  return event.report.facts.proof?.soaked ?? 0;
}

/** The state of a node as a word of the picture. */
export function kindOf({ state, sick, touched, held }: NodeRun): SpanKind {
  switch (state.is) {
    case 'staging':
      return 'staging';
    case 'ready':
      return 'waiting';
    case 'working':
      // At a gate of its own nothing of it is under way.
      return held !== null && !touched ? 'waiting' : kindOfStep(state.step);
    case 'done':
      return sick === null ? 'done' : 'failed';
    case 'rolled-back':
      return 'back';
    case 'failed':
    case 'unproven':
    case 'stuck':
      return 'failed';
  }
}

function kindOfStep(step: StepName): SpanKind {
  if (traits[step].proves) return 'proving';
  if (isOfWayBack(step)) return 'going back';
  return changesService(step) ? 'restarting' : 'preparing';
}
