import { randomBytes } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { inSeconds } from '../base/duration.ts';
import { Refused } from '../base/errors.ts';
import { timeLimit } from '../base/time-limit.ts';
import type { Database } from '../migrating/index.ts';
import { canonical, type Notary, type Signature } from '../trust/index.ts';
import type { AskChecks } from '../upgrade/checks/types.ts';
import type { EnvironmentSeen, Wanted } from '../upgrade/environment/index.ts';
import type { AskInventory } from '../upgrade/http/types.ts';
import type { DatabaseSeen } from '../upgrade/rollout/index.ts';
import type { BackQuestion, BackSeen, Diagnosis, FleetNode, NodeSurvey } from '../upgrade/rollout/types.ts';
import type { Guard } from './guard.ts';
import { type Log, reasonOf } from './log.ts';
import type { AskJob, Queues } from './queues.ts';
import type { LookFor } from './types.ts';

/** Looks at one node, now; `whole`: also at what lies there. Must not throw for a node that cannot be reached. */
export interface NodeReader {
  survey(node: FleetNode, signal: AbortSignal, whole?: boolean): Promise<NodeSurvey>;
  /** The same over a fresh connection, with all that work on the node rests on. */
  surveyForWork(node: FleetNode, signal: AbortSignal): Promise<NodeSurvey>;
  diagnose(node: FleetNode, signal: AbortSignal): Promise<Diagnosis>;
  /** What a plan is judged by besides; absent where the settings name nobody to ask. */
  inventory?: AskInventory;
  /** What a change of configuration comes to on it; absent where none is made. Must not throw for a host's fault. */
  environment?: (node: string, wanted: Wanted, signal: AbortSignal) => Promise<EnvironmentSeen>;
}

/** Looks at a node's way back, and changes nothing there. Must not throw for a host's fault. */
export type SeeWayBack = (node: string, question: BackQuestion, signal: AbortSignal) => Promise<BackSeen>;

/** Of the time that is left; the rest is for the way back. */
const shareOfLook = 0.9;

/** What was seen; a sentence when it was not looked at; null when nobody waits for it any more. */
export type Answer = NodeSurvey | Diagnosis | DatabaseTold | string | null;

/** What the database's host tells. `lines`: of the status command; null: there is none. */
export interface DatabaseTold extends DatabaseSeen {
  lines: string[] | null;
}

type AskedDatabase = Pick<Database, 'schema' | 'resolve' | 'backedUpAt' | 'status'>;

/** A sentence where it cannot be told. */
async function askDatabase(
  database: AskedDatabase | undefined,
  version: string,
  ms: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<DatabaseTold | string> {
  if (database === undefined)
    return 'the settings of the worker that was asked do not say how the database is migrated';
  const limit = timeLimit(clock, ms);
  const inTime = AbortSignal.any([signal, limit.signal]);
  try {
    const source = await database.resolve(version, inTime);
    const schema = await database.schema(inTime);
    const backedUpAt = await database.backedUpAt(inTime).catch((error: unknown) => {
      if (error instanceof Refused) return null;
      throw error;
    });
    return { schema, commit: source.commit, backedUpAt, lines: await database.status(source, inTime) };
  } catch (error) {
    return reasonOf(error);
  } finally {
    limit.lift();
  }
}

/** Answers an ask on a worker of the node's region. */
export async function answer(
  { ask, node, region, until, forWork, whole, checked, back, wanted }: AskJob,
  {
    survey,
    surveyForWork,
    diagnose,
    inventory,
    environment,
    checks,
    wayBack,
    guard,
    database,
    clock,
    log,
  }: NodeReader & {
    wayBack: SeeWayBack;
    checks?: AskChecks;
    database?: AskedDatabase;
    guard: Guard;
    clock: Clock;
    log: Log;
  },
  signal: AbortSignal,
): Promise<Answer> {
  const left = until - clock.now();
  if (left < 0) return null;
  const where = { name: node, region };
  if (ask === 'database') return askDatabase(database, node, left * shareOfLook, clock, signal);
  if (!guard.knows(where)) {
    log.warn({ ask, node, region }, 'asked for a node that is not in the settings, refused');
    return `the worker that was asked does not have ${node} in ${region} in its settings`;
  }
  // That a node is silent is an answer, too, and has to arrive while somebody waits for it.
  const limit = timeLimit(clock, left * shareOfLook);
  const inTime = AbortSignal.any([signal, limit.signal]);
  try {
    if (ask === 'diagnose') return await diagnose(where, inTime);
    const isWanted = checks !== undefined && (checked === true || forWork === true);
    const [seen, way, versions, results, read] = await Promise.all([
      forWork === true ? surveyForWork(where, inTime) : survey(where, inTime, whole === true),
      back === undefined ? null : wayBack(node, back, inTime),
      forWork === true && inventory !== undefined ? inventory(node) : null,
      isWanted ? checks(node, 'all', inTime) : null,
      wanted === undefined || environment === undefined ? null : environment(node, wanted, inTime),
    ]);
    return {
      ...seen,
      ...(way === null ? {} : { back: way }),
      ...(versions === null ? {} : { inventory: versions }),
      ...(results === null ? {} : { checks: results }),
      ...(read === null ? {} : { environment: read }),
    };
  } finally {
    limit.lift();
  }
}

/** An answer with the signature of the worker that looked: a plan follows from it, and who has to approve that. */
export type SignedAnswer = { answer: Answer } & Signature;

export function signAnswer(fleet: string, ask: AskJob, answer: Answer, notary: Notary): SignedAnswer {
  return { answer, ...notary.sign(signedText(fleet, ask, answer), ['reports']) };
}

const signedText = (fleet: string, ask: AskJob, answer: unknown): string =>
  `answer\n${canonical({ fleet, ask, answer })}`;

/** @param ask as it was asked here, whatever became of it in Redis */
function believed(fleet: string, ask: AskJob, stored: unknown, notary: Notary): unknown {
  const { answer, key, signature }: Record<string, unknown> = typeof stored === 'object' ? { ...stored } : {};
  if (typeof key !== 'string' || typeof signature !== 'string') return 'an answer came that nobody signed';
  const fault = notary.fault(signedText(fleet, ask, answer), { key, signature }, ['reports']);
  return fault === null ? answer : `an answer came that cannot be believed: ${fault}`;
}

/** What people's programs ask the workers; see `Control`. */
export interface Inspector {
  survey(
    nodes: FleetNode[],
    timeoutMs: number,
    how?: LookFor,
    back?: Record<string, BackQuestion>,
    wanted?: Wanted,
  ): Promise<NodeSurvey[]>;
  diagnose(node: FleetNode, timeoutMs: number): Promise<Diagnosis>;
  /** What the host of the database tells a worker of this region. @throws Refused with why it tells nothing */
  database(region: string, version: string, timeoutMs: number): Promise<DatabaseTold>;
}

/** Milliseconds between two looks at an answer: short at first, since most arrive at once. */
const looks = { first: 20, longest: 250 };

/** Asks the workers through the queue and waits for their answers. */
export function createInspector(fleet: string, queues: Queues, notary: Notary, clock: Clock): Inspector {
  type What = Pick<AskJob, 'ask' | 'forWork' | 'whole' | 'checked' | 'back' | 'wanted'>;
  const put = async (what: What, { name, region }: FleetNode, timeoutMs: number): Promise<unknown> => {
    const queue = queues.ask(region);
    const data: AskJob = {
      ...what,
      node: name,
      region,
      until: clock.now() + timeoutMs,
      nonce: randomBytes(16).toString('hex'),
    };
    const kept = { age: 600, count: 1_000 };
    const { id = '' } = await queue.add(data.ask, data, { removeOnComplete: kept, removeOnFail: kept });
    const deadline = clock.monotonic() + timeoutMs;
    // Looked at rather than listened for: an event that is published before the listener's first read is lost.
    for (let wait = looks.first; clock.monotonic() < deadline; wait = Math.min(wait * 2, looks.longest)) {
      await clock.sleep(Math.min(wait, Math.max(0, deadline - clock.monotonic())));
      const state = await queue.getJobState(id);
      if (state !== 'completed' && state !== 'failed') continue;
      const job = await queue.getJob(id);
      return job?.failedReason ?? (job?.returnvalue == null ? null : believed(fleet, data, job.returnvalue, notary));
    }
    await queue.remove(id).catch(() => undefined);
    return { silence: `no worker of ${region} answered within ${inSeconds(timeoutMs)}` };
  };

  const asked = async (what: What, node: FleetNode, timeoutMs: number): Promise<unknown> =>
    (await put(what, node, timeoutMs).catch(reasonOf)) ?? { silence: 'the answer came too late' };

  return {
    survey: (nodes, timeoutMs, how = 'answer', back = {}, wanted) =>
      Promise.all(
        nodes.map(async (node) => {
          const question = back[node.name];
          const what: What = {
            ask: 'survey',
            ...(how === 'work' ? { forWork: true } : {}),
            ...(how === 'whole' ? { whole: true } : {}),
            ...(how === 'checked' ? { checked: true } : {}),
            ...(question === undefined ? {} : { back: question }),
            ...(wanted === undefined ? {} : { wanted }),
          };
          const seen = await asked(what, node, timeoutMs);
          return isSurvey(seen) ? seen : { ...unreachable(node, wordsIn(seen), clock.now()), ...unansweredBy(seen) };
        }),
      ),
    async database(region, version, timeoutMs) {
      const told = await asked({ ask: 'database' }, { name: version, region }, timeoutMs);
      if (isDatabase(told)) return told;
      throw new Refused(`Nothing was planned: the database could not be asked: ${wordsIn(told)}`);
    },
    async diagnose(node, timeoutMs) {
      const seen = await asked({ ask: 'diagnose' }, node, timeoutMs);
      if (isDiagnosis(seen)) return seen;
      return { summary: `${node.name}: ${wordsIn(seen)}`, evidence: [], ...unansweredBy(seen) };
    },
  };
}

/** Nobody answered, which says nothing of the node. */
const isSilence = (value: unknown): value is { silence: string } =>
  typeof value === 'object' && value !== null && 'silence' in value;

const wordsIn = (value: unknown): string => (isSilence(value) ? value.silence : String(value));
const unansweredBy = (value: unknown): { unanswered?: true } => (isSilence(value) ? { unanswered: true } : {});

const isSurvey = (value: unknown): value is NodeSurvey =>
  typeof value === 'object' && value !== null && 'healthy' in value && 'sha256' in value;

const isDatabase = (value: unknown): value is DatabaseTold =>
  typeof value === 'object' && value !== null && 'schema' in value && 'commit' in value;

const isDiagnosis = (value: unknown): value is Diagnosis =>
  typeof value === 'object' && value !== null && 'summary' in value && 'evidence' in value;

function unreachable({ name, region }: FleetNode, detail: string, at: number): NodeSurvey {
  return { node: name, region, version: null, sha256: null, healthy: false, detail, unit: null, at };
}
