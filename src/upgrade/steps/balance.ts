import { second } from '../../base/duration.ts';
import { sameVersion } from '../../base/version.ts';
import { type BalancerPlace, otherThan, type Pool, serverOf, type Wanted } from '../balancer/index.ts';
import * as commands from '../host/commands.ts';
import { runScript, type Visit } from '../host/look.ts';
import { failed, failedForNow, reportOf, succeeded } from '../host/reports.ts';
import type { Health, Probe } from '../http/types.ts';
import { prove, slowStop } from '../proof/prove.ts';
import type { ProofLook } from '../proof/types.ts';
import type { Proof, Report, Rollout } from '../rollout/types.ts';
import { fresh, leftToSend } from './stop.ts';
import type { Step, StepContext } from './types.ts';

/** A region's balancer, as a worker can reach it, and what the second place of each of its nodes says. */
export interface Balancing {
  place: BalancerPlace;
  /** How long what was begun before a change may go on, ms. */
  drain: number;
  /** Asks through the balancer, over a connection of its own. */
  through: () => Promise<Health>;
  /** Health of the second place of a node. */
  beside: Probe;
  /** Whether the pool still is as the switch left it. */
  still: (nodes: readonly string[], signal: AbortSignal) => Promise<ProofLook>;
  /** Port of each server, as far as it is known here. */
  ports: Record<string, number>;
}

/** So many answers through the balancer must be those that are meant, and so many are asked for at once. */
const answersWanted = 100;
const lanes = 5;

const lookAgain = second;

interface Known extends StepContext {
  balancing: Balancing;
  behind: string[];
}

const withBalancing =
  (work: (known: Known) => ReturnType<Step>): Step =>
  async (context) => {
    const { balancing, node } = context;
    if (balancing === undefined) return failed(`the settings of this worker have no balancer for ${node.region}`);
    if (context.rollout.service.slots === undefined) return failed('the settings of this worker have no service.slots');
    return work({ ...context, balancing, behind: node.balances ?? [] });
  };

/** Nothing is staged of a balancer's turn: it is only looked at. */
export const lookAtBalancer: Step = withBalancing(async (context) => {
  const seen = await poolsOf(context);
  if ('report' in seen) return seen.report;
  const wrong = seen.pools.map((pool) => missingIn(pool, context)).find((why) => why !== null);
  return wrong == null ? succeeded() : failed(wrong);
});

/** The release runs in the second place of every node, proven as a node is; what serves is not touched. */
export const beside: Step = withBalancing(async (context) => {
  const withdrawn = context.withdrawn();
  if (withdrawn !== null) return failed(withdrawn);
  const reports = await Promise.all(context.behind.map((name) => besideOn(context, name)));
  return together(context, reports);
});

async function besideOn(context: Known, name: string): Promise<Report> {
  const { rollout, balancing } = context;
  const answer = await runScript(visit(context, name), commands.beside(context));
  if (answer.is !== 'ok') return reportOf(answer, 'unknown');
  const { release, policy } = rollout;
  const there = { ...rollout, service: commands.besideOf(rollout.service) };
  return prove(
    { ...context, rollout: there, node: { name }, probe: balancing.beside },
    {
      ...{ sha256: release.binarySha256, version: release.version, envSha256: null, oldInvocation: null },
      ...{ answers: policy.healthyAnswers, soak: policy.soak, deadline: policy.healthDeadline, slowStop },
    },
  );
}

/** The first that went wrong speaks for all; what nobody knows more than what failed. */
function together({ behind, rollout }: Known, reports: Report[]): Report {
  const bad = reports
    .map((report, at) => ({ report, name: behind[at] ?? '' }))
    .filter(({ report }) => report.is !== 'succeeded');
  const first = bad.find(({ report }) => report.is === 'unknown') ?? bad[0];
  if (first !== undefined && 'reason' in first.report)
    return { ...first.report, reason: `${first.name}: ${first.report.reason}` };
  return succeeded({ proof: proofOf(rollout, rollout.policy.soak) });
}

/** Of a pool, and of what runs in a whole region, this much can be said in the words of a node's proof. */
const proofOf = ({ release }: Rollout, soaked: number): Proof => ({
  ...{ sha256: release.binarySha256, invocation: '', mainPid: 0, restarts: 0, version: release.version, soaked },
});

/** Gives the release the traffic, once every one of it answers. Whoever was out of it stays ready to have it back. */
export const lbSwitch: Step = withBalancing(async (context) => {
  const seen = await poolsOf(context);
  if ('report' in seen) return seen.report;
  const withdrawn = context.withdrawn();
  if (withdrawn !== null) return failed(withdrawn);
  const sick = await sickBeside(context);
  if (sick !== null) return failedForNow(sick);
  const unchanged = seen.pools.every((pool) => otherThan(pool, homeward(context, pool)) === null);
  return gatedChange(context, () => toGreen(context), unchanged);
});

/** Gives the nodes the traffic again, which run the release by now. */
export const lbHome: Step = withBalancing(async (context) => {
  const seen = await poolsOf(context);
  if ('report' in seen) return seen.report;
  const [pool = []] = seen.pools;
  return gatedChange(context, () => homeward(context, pool, true), true);
});

/** At once, and asked of nobody: whatever holds a rollout holds no way back. */
export const lbBack: Step = withBalancing(async (context) => {
  const seen = await poolsOf(context);
  if ('report' in seen) return seen.report;
  const [pool = []] = seen.pools;
  return bring(context, homeward(context, pool));
});

/** What clients get is the release, and nothing else. */
export const traffic: Step = withBalancing(async (context) => {
  const { release } = context.rollout;
  const wrong = await answersOtherThan(context, [release.version]);
  return wrong === null ? succeeded({ proof: proofOf(context.rollout, 0) }) : failedForNow(wrong);
});

/** What clients get is what the nodes ran before; of those that were not brought back yet, the release. */
export const trafficBack: Step = withBalancing(async (context) => {
  const { rollout, behind } = context;
  const nodes = behind.flatMap((name) => rollout.nodes[name] ?? []);
  const versions = nodes.map(({ touched, before }) => (touched ? rollout.release.version : (before?.version ?? null)));
  const wrong = await answersOtherThan(context, versions);
  return wrong === null ? succeeded() : failedForNow(wrong);
});

/** The second place is emptied, when nobody is sent there any more and what was begun there is over. */
export const retire: Step = withBalancing(async (context) => {
  const seen = await poolsOf(context);
  if ('report' in seen) return seen.report;
  const [pool = []] = seen.pools;
  const green = serversBeside(context);
  const serves = pool.some(({ name, gets }) => green.includes(name) && gets === 'traffic');
  const back = homeward(context, pool);
  const out = await bring(context, { ...back, rest: 'maintenance', need: serves ? back.need : 0 });
  if (out.is !== 'succeeded') return out;
  const left = await stillServing(context, green);
  if (left !== null) return { is: 'later', reason: left, after: lookAgain };
  const reports = await Promise.all(
    context.behind.map(async (name): Promise<Report> => {
      const answer = await runScript(visit(context, name), commands.retire(context));
      return answer.is === 'ok' ? succeeded() : reportOf(answer, 'unknown');
    }),
  );
  const report = together(context, reports);
  return report.is === 'succeeded' ? succeeded() : report;
});

/** Requests that were begun before; after as long as they may take nobody waits for them. */
async function stillServing(context: Known, green: string[]): Promise<string | null> {
  const { state } = context.node;
  const since = 'underWaySince' in state ? (state.underWaySince ?? null) : null;
  if (since !== null && context.clock.now() - since >= context.balancing.drain) return null;
  const seen = await poolsOf(context);
  if ('report' in seen) return 'the balancer does not answer';
  const requests = seen.pools.flat().filter(({ name, requests }) => green.includes(name) && (requests ?? 0) > 0);
  if (requests.length > 0)
    return `${requests.map(({ name, requests }) => `${name}: ${requests} requests`).join(', ')} left`;
  // One that tells nothing is given the time.
  const tells = seen.pools.flat().some(({ name, requests }) => green.includes(name) && requests !== null);
  return tells ? null : 'what was begun there may still go on';
}

/** Whether the pool still is as the switch left it: for the looks at a region. */
export async function stillSwitched(
  nodes: readonly string[],
  server: string,
  { place, ports }: Pick<Balancing, 'place' | 'ports'>,
  signal: AbortSignal,
): Promise<ProofLook> {
  const green = nodes.map((name) => serverOf(server, name));
  const wanted: Wanted = {
    ...{ in: green, out: [...nodes], rest: 'drained', need: green.length },
    ...{ fromMaintenance: true, ports },
  };
  for (const sight of await place.show(signal)) {
    if (sight.is === 'unseen') return { is: 'unseen', reason: sight.report.reason };
    const other = otherThan(sight.pool, wanted);
    if (other !== null)
      return { is: 'broken', reason: `the balancer is not as it was left, on ${sight.host}: ${other}` };
  }
  return { is: 'holds' };
}

async function gatedChange(context: Known, wanted: () => Wanted, unchanged: boolean): ReturnType<Step> {
  const { clock, signal } = context;
  const asked = clock.monotonic();
  const gates = await context.gates({ down: true, unchanged });
  signal.throwIfAborted();
  if (gates.length > 0) return { is: 'gated', gates, unchanged };
  if (leftToSend(asked, clock.monotonic()) < 0)
    return { is: 'later', reason: `the gates took longer than ${fresh / second} s to ask`, after: lookAgain };
  return bring(context, wanted());
}

const bring = ({ balancing, rollout, attempt, signal }: Known, wanted: Wanted): Promise<Report> =>
  balancing.place.bring(wanted, { epoch: rollout.epoch, attempt }, signal);

const serversBeside = ({ rollout, behind }: Known): string[] =>
  behind.map((name) => serverOf(rollout.service.slots?.server ?? '{name}', name));

const toGreen = (context: Known): Wanted => {
  const green = serversBeside(context);
  const { ports } = context.balancing;
  return { ...{ in: green, out: context.behind, rest: 'drained', need: green.length }, fromMaintenance: true, ports };
};

/** On the way home all are to serve but whom somebody has put into maintenance; on a way back, and in any case, as many as a region must keep. */
function homeward(context: Known, pool: Pool, all = false): Wanted {
  const { behind, rollout, balancing } = context;
  const there = pool.filter(({ name, gets }) => behind.includes(name) && gets !== 'maintenance').length;
  return {
    ...{ in: behind, out: serversBeside(context), rest: 'drained' },
    ...{
      need: Math.max(rollout.policy.minimumHealthy, all ? there : 0),
      fromMaintenance: false,
      ports: balancing.ports,
    },
  };
}

function missingIn(pool: Pool, context: Known): string | null {
  const wanted = [...context.behind, ...serversBeside(context)];
  const missing = wanted.filter((name) => pool.every((server) => server.name !== name));
  return missing.length === 0 ? null : `the balancer has no server ${missing.join(', ')}`;
}

async function poolsOf({ balancing, signal }: Known): Promise<{ pools: Pool[] } | { report: Report }> {
  const sights = await balancing.place.show(signal);
  const pools: Pool[] = [];
  for (const sight of sights) {
    if (sight.is === 'unseen') return { report: sight.report };
    pools.push(sight.pool);
  }
  return { pools };
}

async function sickBeside({ balancing, behind, rollout, signal }: Known): Promise<string | null> {
  const answers = await Promise.all(
    behind.map(async (name) => ({ name, health: await balancing.beside.health(name) })),
  );
  signal.throwIfAborted();
  const bad = answers.flatMap(({ name, health }) => {
    if (health.is !== 'healthy') return [`${name}: ${health.detail}`];
    return isVersion(health.version, rollout.release.version) ? [] : [`${name} says ${health.version}`];
  });
  return bad.length === 0 ? null : `not every one of the new ones answers: ${bad.join(', ')}`;
}

const isVersion = (said: string | null, wanted: string): boolean => said !== null && sameVersion(said, wanted);

/** Asks for many answers, and for no less. @param versions null: nobody knows what is meant, so any healthy answer is */
async function answersOtherThan({ balancing, signal }: Known, versions: (string | null)[]): Promise<string | null> {
  let left = answersWanted;
  const wrong = new Map<string, number>();
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      signal.throwIfAborted();
      const health = await balancing.through();
      const said = health.is === 'healthy' ? health.version : health.detail;
      const isMeant =
        health.is === 'healthy' && versions.some((version) => version === null || isVersion(health.version, version));
      if (!isMeant) wrong.set(said ?? 'no version', (wrong.get(said ?? 'no version') ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  if (wrong.size === 0) return null;
  const told = [...wrong].map(([said, times]) => `${times} were ${said}`).join(', ');
  return `of ${answersWanted} answers through the balancer ${told}`;
}

const visit = ({ rollout, attempt, shell, signal }: Known, name: string): Visit => ({
  ...{ rollout, attempt, shell, signal, node: { name } },
});
