import { gates, nextNode, workingNode } from '../../upgrade/rollout/index.ts';
import type { Gate, NodeRun, Rollout } from '../../upgrade/rollout/types.ts';
import { describeLocal, describeWindow, frozenBy, nextOpening, openInterval } from '../../windows/index.ts';
import type { Calendar } from '../../windows/types.ts';
import { defaultSurveyTimeoutMs, say } from '../deps.ts';
import { headline } from '../views/ending.ts';
import { mainParts } from '../views/main.ts';
import { surveyLines } from '../views/survey.ts';
import { codeLines, foreign, reason, span, when, who } from '../views/text.ts';
import { nodeWord, statusWord } from '../views/words.ts';
import { demand, type Handler, survey, theRollout, unknownName } from './common.ts';

export const status: Handler<'status'> = async (deps, asking) => {
  await demand(deps, asking, { is: 'look' });
  const { store } = deps.control;
  const open = await store.open();
  if (open !== null) return { parts: mainParts(open) };
  const [last] = await store.latest(1);
  const lines = surveyLines(deps.fleet, await survey(deps));
  return say(last === undefined ? 'Nothing is running.' : `Nothing is running. Last: ${headline(last)}`, ...lines);
};

/** Every gate that holds the next node (or the named one), who can open it, and when it changes by itself. */
export const why: Handler<'why'> = async (deps, asking, { node: name }) => {
  await demand(deps, asking, { is: 'look' });
  const rollout = await theRollout(deps, asking);
  const asked = name === null ? (workingNode(rollout) ?? nextNode(rollout)) : rollout.nodes[name];
  if (asked === undefined) throw unknownName('node', name ?? '', Object.keys(rollout.nodes));
  if (asked === null) return say('Nothing is left to do.');
  return say(...whyLines(rollout, asked, deps.clock.now()));
};

function whyLines(rollout: Rollout, node: NodeRun, now: number): string[] {
  const { glyph, word } = nodeWord(node);
  const head = `*${foreign(node.name, 80)}*: ${glyph} ${word}; the rollout is ${statusWord(rollout)}`;
  const { state } = node;
  if (state.is === 'done' || state.is === 'rolled-back') return [head];
  const tries =
    (state.is === 'working' || state.is === 'staging') && state.lastReason !== null
      ? [`Last try: ${reason(state.lastReason)}; the next one not before ${when(state.notBefore)}`]
      : [];
  const closed = gates(rollout, node.name, now);
  const seen = (node.held?.gates ?? []).filter((held) => !closed.some((gate) => gate.name === held.name));
  if (closed.length === 0 && seen.length === 0 && tries.length === 0) return [head, 'Nothing holds it.'];
  return [
    head,
    ...tries,
    ...closed.map(gateLine),
    ...seen.map((gate) => `${gateLine(gate)} (as last seen right before its stop)`),
  ];
}

function gateLine({ name, reason: text, owner, opensAt }: Gate): string {
  const changes = opensAt === null ? 'does not change by itself' : `changes ${when(opensAt)}`;
  return `• ${name}: ${reason(text)}. Opened by ${reason(owner, 120)}; ${changes}`;
}

export const windows: Handler<'windows'> = async (deps, asking) => {
  await demand(deps, asking, { is: 'look' });
  const now = deps.clock.now();
  return say(...deps.fleet.regions.map(({ name, calendar }) => `*${foreign(name, 80)}* ${windowText(calendar, now)}`));
};

/** Beyond a week an end is only how far somebody looked ahead: no weekly window is that long. */
const longest = 7 * 86_400_000;

function windowText(calendar: Calendar, now: number): string {
  const written = `${calendar.windows.map(describeWindow).join(', ')} (${calendar.zone})`;
  const open = openInterval(calendar, now);
  if (open !== null && open.end - now > longest) return `open all the time. ${written}`;
  if (open !== null) return `open now until ${when(open.end)}, ${describeLocal(open.end, calendar.zone)}. ${written}`;
  const frozen = frozenBy(calendar, now);
  const why = frozen === null ? '' : `frozen by ${foreign(frozen.author, 80)} (${foreign(frozen.reason)}); `;
  const next = nextOpening(calendar, now);
  if (next.is === 'never') return `${why}closed: ${foreign(next.reason)}`;
  return `${why}closed; opens ${when(next.interval.start)}, ${describeLocal(next.interval.start, calendar.zone)}. ${written}`;
}

export const history: Handler<'history'> = async (deps, asking) => {
  await demand(deps, asking, { is: 'look' });
  const last = await deps.control.store.latest(10);
  return last.length === 0 ? say('There was no rollout yet.') : say(...last.map(historyLine));
};

function historyLine(rollout: Rollout): string {
  const { status: current, createdAt, startedAt } = rollout;
  const took = 'at' in current && startedAt !== null ? `, took ${span(current.at - startedAt)}` : '';
  const ended = current.is === 'done' || current.is === 'stopped' || current.is === 'rolled-back' ? took : '';
  return `${when(createdAt)}  *${rollout.release.version}* ${statusWord(rollout)}, asked for by ${who(rollout.requester)}${ended} (${foreign(rollout.id, 60)})`;
}

export const diagnose: Handler<'diagnose'> = async (deps, asking, { node: name }) => {
  await demand(deps, asking, { is: 'look' });
  const nodes = deps.fleet.regions.flatMap((region) => region.nodes);
  const node = nodes.find((each) => each.name === name);
  if (node === undefined)
    throw unknownName(
      'node',
      name,
      nodes.map((each) => each.name),
    );
  const found = await deps.control.diagnose(node, deps.surveyTimeoutMs ?? defaultSurveyTimeoutMs);
  return {
    parts: [
      { is: 'lines', lines: [`*${foreign(node.name, 80)}*, likely cause: ${reason(found.summary, 500)}`] },
      { is: 'code', text: codeLines(found.evidence, 16) },
    ],
  };
};
