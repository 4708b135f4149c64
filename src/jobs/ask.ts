import { QueueEvents } from 'bullmq';
import type { Diagnosis, FleetNode, NodeSurvey } from '../upgrade/rollout/types.ts';
import type { Clock } from '../upgrade/steps/types.ts';
import { type Log, reasonOf } from './log.ts';
import { type AskJob, type Queues, queueNames } from './queues.ts';
import type { RedisHandle } from './redis.ts';
import { prefix } from './store.ts';

/** Looks at one node, now. Must not throw for a node that cannot be reached. */
export interface Lookers {
  survey(node: FleetNode, signal: AbortSignal): Promise<NodeSurvey>;
  diagnose(node: FleetNode, signal: AbortSignal): Promise<Diagnosis>;
}

/** Answers an ask on a worker of the node's region; null when nobody waits for it any more. */
export async function answer(
  { ask, node, region, until }: AskJob,
  lookers: Lookers,
  clock: Clock,
  signal: AbortSignal,
): Promise<NodeSurvey | Diagnosis | null> {
  if (clock.now() > until) return null;
  const where = { name: node, region };
  return ask === 'survey' ? lookers.survey(where, signal) : lookers.diagnose(where, signal);
}

export interface Asker {
  survey(nodes: FleetNode[], timeoutMs: number): Promise<NodeSurvey[]>;
  diagnose(node: FleetNode, timeoutMs: number): Promise<Diagnosis>;
  close(): Promise<void>;
}

/** Asks the workers through the queue and waits for their answers. */
export function createAsker(redis: RedisHandle, queues: Queues, clock: Clock, log: Log): Asker {
  const opened = new Map<string, QueueEvents>();
  const events = (region: string): QueueEvents => {
    const found = opened.get(region);
    if (found) return found;
    const created = new QueueEvents(queueNames.ask(region), { connection: redis.patient(), prefix });
    created.on('error', (error) => log.warn({ region, reason: reasonOf(error) }, 'answers connection'));
    opened.set(region, created);
    return created;
  };

  /** @throws Error in words when no answer came, or the worker could not give one */
  const put = async (ask: AskJob['ask'], { name, region }: FleetNode, timeoutMs: number): Promise<unknown> => {
    const arriving = events(region);
    const data: AskJob = { ask, node: name, region, until: clock.now() + timeoutMs };
    const kept = { age: 600, count: 1_000 };
    const job = await queues.ask(region).add(ask, data, { removeOnComplete: kept, removeOnFail: kept });
    try {
      return await job.waitUntilFinished(arriving, timeoutMs);
    } catch (error) {
      if (!reasonOf(error).includes('timed out')) throw error;
      await job.remove().catch(() => undefined);
      throw new Error(`no worker of ${region} answered within ${Math.round(timeoutMs / 1_000)} s`);
    }
  };

  return {
    survey: (nodes, timeoutMs) =>
      Promise.all(
        nodes.map(async (node) => {
          const seen = await put('survey', node, timeoutMs).catch((error: unknown) => error);
          return isSurvey(seen) ? seen : unreachable(node, reasonOf(seen ?? 'the answer came too late'), clock.now());
        }),
      ),
    async diagnose(node, timeoutMs) {
      const seen = await put('diagnose', node, timeoutMs).catch((error: unknown) => error);
      return isDiagnosis(seen)
        ? seen
        : { summary: `${node.name}: ${reasonOf(seen ?? 'the answer came too late')}`, evidence: [] };
    },
    async close() {
      await Promise.allSettled([...opened.values()].map((each) => each.close()));
    },
  };
}

const isSurvey = (value: unknown): value is NodeSurvey =>
  typeof value === 'object' && value !== null && 'healthy' in value && 'sha256' in value;

const isDiagnosis = (value: unknown): value is Diagnosis =>
  typeof value === 'object' && value !== null && 'summary' in value && 'evidence' in value;

function unreachable({ name, region }: FleetNode, detail: string, at: number): NodeSurvey {
  return { node: name, region, version: null, sha256: null, healthy: false, detail, unit: null, at };
}
