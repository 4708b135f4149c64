import type { Comparison } from '../comparison/types.ts';
import {
  approvals,
  changesService,
  checkOf,
  comparisonsIn,
  entriesOf,
  goesForward,
  isOpen,
  isTickable,
  nodesInOrder,
  noticeOver,
  regionsOf,
  startOf,
  tickOf,
  toldSince,
  watching,
} from '../rollout/index.ts';
import type {
  Actor,
  ApprovalPhase,
  Baseline,
  Diagnosis,
  Entry,
  List,
  NodeRun,
  Release,
  Rollout,
  Tick,
  WatchPhase,
} from '../rollout/types.ts';
import { type AfterwardsReport, afterwardsOf } from './afterwards.ts';
import { type Healths, healthOf } from './health.ts';
import { type Frame, framesOf, type Line } from './lines.ts';
import { type Span, spansOf } from './spans.ts';
import { type StepTry, triesOf } from './steps.ts';
import { type ChangeReport, changeIn, type Moment, momentsOf } from './told.ts';

export interface ReleaseReport {
  version: string;
  archive: string;
  archiveSha256: string;
  binarySha256: string;
  /** null: nobody signed it. */
  signedBy: { name: string; key: string } | null;
}

/** All that a rollout's journal says of a night, and nothing else. Instants are epoch ms, durations ms. */
export interface Pack {
  rollout: string;
  fleet: string;
  service: string;
  release: ReleaseReport;
  /** Where several services were brought, all of them, in order; absent where one was. */
  services?: ({ key: string } & ReleaseReport)[];
  strategy: string;
  recovery: boolean;
  /** What was done instead of bringing a release; null: one was brought. */
  change: ChangeReport | null;
  requester: Actor;
  createdAt: number;
  /** When the first node was begun; null: none was. */
  startedAt: number | null;
  /** null while it is open. */
  endedAt: number | null;
  /** The status, and why where it is held. */
  ended: { is: Rollout['status']['is']; reason: string | null };
  runs: number;
  override: { by: Actor; with: Actor | null; reason: string; incident: string | null } | null;
  chain: Chain;
  decisions: Moment[];
  questions: Question[];
  nodes: NodeReport[];
  watches: WatchReport[];
  /** null: it was not watched once it was done. */
  afterwards: AfterwardsReport | null;
  notice: NoticeReport | null;
  health: Healths;
  causes: Cause[];
  checklist: ItemReport[];
  /** Who writes down what went wrong. */
  owner: { by: Actor; at: number } | null;
  timeline: Moment[];
  /** By region: its zone, and the windows of then, with which the picture is drawn. */
  calendars: Rollout['calendars'];
}

/** What the journal was when this was made: `zeitwork audit` compares. */
interface Chain {
  lines: number;
  /** Of the last line. */
  revision: number;
  hash: string;
  unsigned: number;
  /** Lines by the key that signed them. */
  keys: Record<string, number>;
}

/** An approval, each time that it was asked for. */
export interface Question {
  id: string;
  title: string;
  regions: string[];
  askedAt: number;
  /** null while it is asked. */
  endedAt: number | null;
  is: 'asked' | 'approved' | 'not asked any more';
  needed: number;
  given: { by: Actor; at: number; comment: string | null; signed: boolean }[];
  declined: { by: Actor; at: number; reason: string | null; signed: boolean } | null;
}

export interface NodeReport {
  node: string;
  region: string;
  /** As the states of a node are called. */
  state: NodeRun['state']['is'];
  changed: boolean;
  reason: string | null;
  before: Baseline | null;
  /** What it runs now, as far as that is known: proven here, or never changed. */
  after: After;
  /** How often it was stopped by this rollout, at most: a step that found it done counts, and one of which nobody knows what came. */
  restarts: number;
  rehearsedAt: number | null;
  diagnosis: Pick<Diagnosis, 'summary' | 'evidence' | 'causes'> | null;
  spans: Span[];
  tries: StepTry[];
}

export type After =
  | {
      is: 'proven';
      version: string | null;
      sha256: string;
      invocation: string;
      soaked: number;
      restartsBySystemd: number;
    }
  | { is: 'unchanged'; version: string | null; sha256: string | null }
  | { is: 'unknown' };

/** An item of a checklist, as it stood when what it was for began; else as it stands. */
export interface ItemReport {
  number: number;
  list: List;
  /** Title of the approval that it belongs to; null for the others. */
  part: string | null;
  text: string;
  /** The check that ticks it; null: a person does. */
  check: string | null;
  ticked: boolean;
  /** The person, or the check. */
  by: Actor | null;
  at: number | null;
  says: string | null;
}

/** What was found on a node when it failed, before its way back destroyed that. */
export interface Cause {
  node: string;
  at: number;
  line: number;
  summary: string;
  evidence: string[];
  causes: { name: string; says: string; line: string; mend: string }[];
}

/** One stretch in which a part was watched. */
export interface WatchReport {
  title: string;
  regions: string[];
  /** How long it had to be healthy. */
  for: number;
  from: number;
  /** null while it goes on. */
  to: number | null;
  is: 'watched' | 'under way' | 'broken off';
  /** How often each node was missed and came back. */
  unwell: Record<string, number>;
  /** What its nodes were, held against those that were not upgraded, when it was over. */
  compared: (Comparison & { region: string })[];
}

export interface NoticeReport {
  wanted: number;
  audiences: { audience: string; since: number | null; before: number | null; kept: boolean | null }[];
  over: number | null;
  /** When the first node could begin by the plan. */
  planned: number | null;
}

/** @throws Refused for a journal that nobody signed */
export function packOf(lines: readonly Line[]): Pack {
  const frames = [...framesOf(lines)];
  const rollout = lastOf(frames);
  const { status, override } = rollout;
  const timeline = momentsOf(frames);
  return {
    rollout: rollout.id,
    fleet: rollout.fleet,
    service: rollout.service.name,
    release: releaseReport(rollout.release),
    ...(rollout.services === undefined
      ? {}
      : {
          services: Object.entries(rollout.services).map(([key, each]) => ({ key, ...releaseReport(each.release) })),
        }),
    strategy: rollout.strategy,
    recovery: rollout.recovery !== undefined,
    change: changeIn(rollout),
    requester: rollout.requester,
    createdAt: rollout.createdAt,
    startedAt: rollout.startedAt,
    endedAt: !isOpen(rollout) && 'at' in status ? status.at : null,
    ended: { is: status.is, reason: 'reason' in status ? status.reason : null },
    runs: rollout.run,
    override:
      override === null
        ? null
        : {
            by: override.by,
            with: override.with ?? null,
            reason: override.reason,
            incident: override.incident ?? null,
          },
    chain: chainOf(lines),
    decisions: timeline.filter(({ is }) => is === 'decision'),
    questions: questionsOf(frames),
    nodes: nodesOf(frames, rollout),
    watches: watchesOf(frames),
    afterwards: afterwardsOf(rollout),
    notice: noticeOf(rollout),
    health: healthOf(frames),
    causes: causesOf(frames),
    checklist: checklistOf(frames),
    owner: rollout.owner ?? null,
    timeline,
    calendars: Object.fromEntries(
      regionsOf(rollout).flatMap((region) => {
        const calendar = rollout.calendars[region];
        return calendar === undefined ? [] : [[region, calendar]];
      }),
    ),
  };
}

const releaseReport = ({ version, archive, archiveSha256, binarySha256, signed }: Release): ReleaseReport => ({
  ...{ version, archive, archiveSha256, binarySha256 },
  signedBy: signed === null ? null : { name: signed.by, key: signed.key },
});

const lastOf = (frames: readonly Frame[]): Rollout => {
  const last = frames.at(-1);
  if (last === undefined) throw new RangeError('a journal has a line');
  return last.after;
};

function chainOf(lines: readonly Line[]): Chain {
  const last = lines.at(-1);
  const keys: Record<string, number> = {};
  for (const { key } of lines) if (key !== undefined) keys[key] = (keys[key] ?? 0) + 1;
  return {
    lines: lines.length,
    revision: last?.revision ?? 0,
    hash: last?.hash ?? '',
    unsigned: lines.filter(({ key }) => key === undefined).length,
    keys,
  };
}

function nodesOf(frames: readonly Frame[], rollout: Rollout): NodeReport[] {
  const spans = spansOf(frames);
  const tries = triesOf(frames);
  return nodesInOrder(rollout).map((node) => {
    const own = tries.filter((each) => each.node === node.name);
    const { state, diagnosis } = node;
    return {
      node: node.name,
      region: node.region,
      state: state.is,
      changed: node.touched,
      reason: 'reason' in state ? state.reason : null,
      before: node.before,
      after: afterOf(node),
      restarts: own.filter(isRestart).length,
      rehearsedAt: node.rehearsedAt ?? null,
      diagnosis:
        diagnosis === null
          ? null
          : {
              summary: diagnosis.summary,
              evidence: diagnosis.evidence,
              ...(diagnosis.causes === undefined ? {} : { causes: diagnosis.causes }),
            },
      spans: spans[node.name] ?? [],
      tries: own,
    };
  });
}

const isRestart = ({ step, is }: StepTry): boolean => changesService(step) && is !== 'gated';

/** Nothing is called proven that this rollout did not prove, nor unchanged what it may have changed. */
function afterOf({ state, touched, proof, back, before, sick }: NodeRun): After {
  const proven = state.is === 'done' && sick === null ? proof : state.is === 'rolled-back' ? (back ?? null) : null;
  if (proven !== null) {
    const { version, sha256, invocation, soaked, restarts } = proven;
    return { is: 'proven', version, sha256, invocation, soaked, restartsBySystemd: restarts };
  }
  if (touched || state.is === 'done' || state.is === 'rolled-back') return { is: 'unknown' };
  return { is: 'unchanged', version: before?.version ?? null, sha256: before?.sha256 ?? null };
}

/** How each item stood when what it was for began, else how it stands, by its key: later looks are of something else. */
export const ticksIn = (lines: readonly Line[]): Map<string, Tick> =>
  new Map(ticksOf([...framesOf(lines)]).map(({ entry, tick }) => [entry.key, tick]));

function ticksOf(frames: readonly Frame[]): { entry: Entry; tick: Tick }[] {
  const rollout = lastOf(frames);
  return entriesOf(rollout).map((entry) => {
    const last = frames.find(
      ({ before, after }) => before !== null && isTickable(before, entry) && !isTickable(after, entry),
    );
    return { entry, tick: tickOf(last?.before ?? rollout, entry) };
  });
}

function checklistOf(frames: readonly Frame[]): ItemReport[] {
  return ticksOf(frames).map(({ entry, tick }) => {
    const { number, list, phase, item } = entry;
    return {
      ...{ number, list, part: phase?.title ?? null, text: item.text, check: checkOf(entry) },
      ...{ ticked: tick.is === 'ticked', by: tick.is === 'ticked' ? tick.by : null, at: tick.at, says: tick.says },
    };
  });
}

/** Every time that one was found: a later try forgets it. */
function causesOf(frames: readonly Frame[]): Cause[] {
  return frames.flatMap(({ line, before, after }) =>
    nodesInOrder(after).flatMap(({ name, diagnosis }) => {
      if (diagnosis === null || diagnosis === (before?.nodes[name]?.diagnosis ?? null)) return [];
      const causes = (diagnosis.causes ?? []).map(({ name: is, says, line: shown, mend }) => ({
        name: is,
        says,
        line: shown,
        mend,
      }));
      return [
        {
          node: name,
          at: line.at,
          line: line.revision,
          summary: diagnosis.summary,
          evidence: diagnosis.evidence,
          causes,
        },
      ];
    }),
  );
}

/** Each watch from its beginning to its end, as often as it was begun. */
function watchesOf(frames: readonly Frame[]): WatchReport[] {
  const found: WatchReport[] = [];
  let open: { id: string; report: WatchReport } | null = null;
  for (const { line, after } of frames) {
    const phase = goesForward(after) ? watching(after) : null;
    if (open !== null && phase?.id !== open.id) {
      const over = after.phases.find(({ id }) => id === open?.id);
      open.report.to = line.at;
      open.report.is = over?.state.is === 'done' ? 'watched' : 'broken off';
      if (over?.is === 'watch') open.report.unwell = over.unwell ?? open.report.unwell;
      if (over?.state.is === 'done')
        open.report.compared = comparisonsIn(over).map(({ region, found }) => ({ region, ...found }));
      open = null;
    }
    if (phase === null) continue;
    open ??= { id: phase.id, report: begun(phase, line.at, found) };
    open.report.unwell = phase.unwell ?? open.report.unwell;
  }
  return found;
}

function begun({ title, regions, for: wanted }: WatchPhase, from: number, found: WatchReport[]): WatchReport {
  const report: WatchReport = {
    title,
    regions,
    for: wanted,
    from,
    to: null,
    is: 'under way',
    unwell: {},
    compared: [],
  };
  found.push(report);
  return report;
}

function questionsOf(frames: readonly Frame[]): Question[] {
  const found: Question[] = [];
  const open = new Map<string, Question>();
  for (const { line, after } of frames) {
    for (const phase of approvals(after)) {
      const known = open.get(phase.id);
      if (known !== undefined && phase.state.is !== 'active') {
        if (phase.state.is === 'done') known.given = givenIn(phase);
        known.is = phase.state.is === 'done' ? 'approved' : 'not asked any more';
        known.endedAt = line.at;
        open.delete(phase.id);
      }
      if (phase.state.is !== 'active') continue;
      const question = known ?? asking(after, phase, found);
      open.set(phase.id, question);
      question.given = givenIn(phase);
      const no = phase.declined;
      if (no !== undefined)
        question.declined = { by: no.by, at: no.at, reason: no.reason, signed: no.signed !== undefined };
    }
    if (isOpen(after)) continue;
    for (const question of open.values()) Object.assign(question, { is: 'not asked any more', endedAt: line.at });
    open.clear();
  }
  return found;
}

function asking(rollout: Rollout, phase: ApprovalPhase, found: Question[]): Question {
  const nodes = rollout.phases.flatMap((each) =>
    each.is === 'nodes' && phase.opens.includes(each.id) ? each.nodes : [],
  );
  const question: Question = {
    id: phase.id,
    title: phase.title,
    regions: [...new Set(nodes.flatMap((name) => rollout.nodes[name]?.region ?? []))],
    askedAt: phase.state.is === 'active' ? phase.state.since : 0,
    endedAt: null,
    is: 'asked',
    needed: phase.needed,
    given: [],
    declined: null,
  };
  found.push(question);
  return question;
}

const givenIn = ({ given }: ApprovalPhase): Question['given'] =>
  given.map(({ by, at, comment, signed }) => ({ by, at, comment: comment ?? null, signed: signed !== undefined }));

/** Whether each audience knew of the start for as long as was promised when the first node was begun. */
function noticeOf(rollout: Rollout): NoticeReport | null {
  const { notice, startedAt } = rollout;
  if (notice === undefined) return null;
  const audiences = toldSince(rollout).map(({ audience, since }) => {
    const before = since === null || startedAt === null ? null : startedAt - since;
    const kept = startedAt === null ? null : before !== null && before >= notice.wanted;
    return { audience, since, before, kept };
  });
  return { wanted: notice.wanted, audiences, over: noticeOver(rollout), planned: startOf(rollout) };
}
