import type { Clock } from '../../base/clock.ts';
import type { Presented } from '../../base/helper-request.ts';
import { placeOf, serviceIn, siblingName } from '../../base/sibling.ts';
import { read } from '../host/answer.ts';
import { type Kept, readBackups } from '../host/backups.ts';
import * as commands from '../host/commands.ts';
import { type Observation, readObservation } from '../host/observation.ts';
import { reportOf } from '../host/reports.ts';
import type { Probe } from '../http/types.ts';
import { profileOf } from '../rollout/index.ts';
import type { Baseline, Fleet, Gate, NodeRun, Report, Rollout, Sight } from '../rollout/types.ts';
import type { Shell } from '../ssh/types.ts';
import { fingerprint, inTheWayOfRestore } from './foreign.ts';
import { isBack, restore } from './restore.ts';
import { undrain } from './traffic.ts';
import type { Step, StepContext, StepResult } from './types.ts';
import { verifyRestored } from './verify.ts';

/** What bringing a node back needs; neither a store nor a rollout is among it. */
export interface ReturnParts {
  fleet: Fleet;
  node: { name: string; region: string };
  shell: Shell;
  probe: Probe;
  clock: Clock;
  signal: AbortSignal;
}

/** The way back of one node, as it was found. */
export interface WayBack {
  kept: Kept;
  seen: Observation;
  /** What runs there, in words. */
  runs: string | null;
  /** It is back already. */
  isBack: boolean;
  /** Files that nobody recorded: they are kept aside. */
  strange: string[];
  context: StepContext;
}

/** Looks for the newest backup, and for what lets us go back to it. A report says why there is no way. */
export async function findWayBack(parts: ReturnParts): Promise<WayBack | Report> {
  const { fleet, node, shell, probe } = parts;
  const { service, policy } = fleet;
  const [looked, listed, health] = await Promise.all([
    shell.run(node.name, commands.glance(service, policy.commandTimeout)).then(read),
    shell.run(node.name, commands.listBackups(service, policy.commandTimeout)).then(read),
    probe.health(node.name),
  ]);
  if (looked.is !== 'ok') return reportOf(looked, 'retry');
  if (listed.is !== 'ok') return reportOf(listed, 'retry');
  const { held, backups } = readBackups(listed.output);
  const kept = backups.find(leadsBack);
  if (kept === undefined) return no('there is no backup on the node');
  const helped = shell.becomes?.(node.name) === 'helper';
  if (helped && kept.back === null) return no(`no order to go back lies with ${kept.name}`);
  const seen = readObservation(looked.output);
  const says = helped ? kept.back?.says : undefined;
  const target = says?.get('release') ?? seen.disk ?? seen.image ?? kept.sha256;
  // The next number after the run's own: what still comes of it changes nothing any more.
  const epoch = says === undefined ? held + 1 : Number(says.get('epoch'));
  if (epoch < held) return no(`the order that lies with ${kept.name} is older than what was done to the node since`);
  const before: Baseline = { version: kept.version, sha256: kept.sha256, envSha256: kept.envSha256, invocation: '' };
  const rollout = alone(parts, target, epoch, says?.get('rollout') ?? 'return');
  const strangers = inTheWayOfRestore(seen, before, rollout);
  const run = nodeOf(parts, before, strangers.length === 0 ? null : fingerprint(strangers));
  const presented = says !== undefined && kept.back !== null ? { order: kept.back, back: null } : null;
  return {
    kept,
    seen,
    runs: health.is === 'healthy' ? health.version : null,
    isBack: isBack(seen, kept, rollout, null),
    strange: strangers.map(({ part, sha256 }) => `${part} ${sha256.slice(0, 12)}`),
    context: contextOf(parts, rollout, run, presented),
  };
}

/** Not the release that the order with it is about: whoever held a worker's key could hide the way back behind such a one. */
const leadsBack = ({ back, sha256 }: Kept): boolean => back?.says.get('release') !== sha256;

/** Goes it: back, proven, and into service again. The first step that does not succeed ends it. */
export async function comeBack({ context }: WayBack): Promise<StepResult> {
  const way = [restore, verifyRestored, ...(context.rollout.service.traffic === null ? [] : [undrain])];
  let result: StepResult = { is: 'succeeded', facts: {} };
  for (const step of way) {
    result = await untilOver(step, context);
    if (result.is !== 'succeeded') return result;
  }
  return result;
}

/** A step that is not over yet is looked at again; nobody else would. */
async function untilOver(step: Step, context: StepContext): Promise<StepResult> {
  const { clock, signal, rollout } = context;
  const end = clock.monotonic() + (rollout.service.traffic?.limit ?? 0);
  let result = await step(context);
  while (result.is === 'later' && clock.monotonic() < end) {
    await clock.sleep(result.after, signal);
    result = await step(context);
  }
  return result;
}

const no = (reason: string): Report => ({ is: 'failed', reason, retry: false, facts: {} });

function contextOf(parts: ReturnParts, rollout: Rollout, node: NodeRun, presented: Presented | null): StepContext {
  const { shell, probe, clock, signal } = parts;
  const presenting: Shell = {
    run: (name, command, abort) => shell.run(name, presented === null ? command : { ...command, presented }, abort),
    put: (...what) => shell.put(...what),
    close: () => shell.close(),
  };
  const archive = () => Promise.reject(new Error('a way back needs no archive'));
  const withdrawn = () => null;
  return {
    rollout,
    node,
    attempt: 1,
    shell: presenting,
    probe,
    clock,
    signal,
    archive,
    withdrawn,
    gates: quorum(parts),
  };
}

/** Of a node that does its work, no peer may be missing; one that does not takes nothing away by a restart. */
const quorum =
  ({ fleet, node, probe }: ReturnParts) =>
  async ({ down }: Sight): Promise<Gate[]> => {
    const own = await probe.health(node.name);
    if (down || own.is !== 'healthy') return [];
    const blinded = profileOf(fleet, serviceIn(node.name))?.blinds ?? [];
    const regions = [node.region, ...blinded.map((key) => siblingName(placeOf(node.region), key))];
    const counted = await Promise.all(regions.map(async (region) => ({ region, healthy: await healthyPeers(region) })));
    const few = counted.filter(({ healthy }) => healthy < fleet.policy.minimumHealthy);
    return few.map(({ region, healthy }) => ({
      name: 'quorum',
      reason: `only ${healthy} other nodes of ${region} are healthy, and ${fleet.policy.minimumHealthy} must be`,
      owner: region,
      opensAt: null,
    }));

    async function healthyPeers(name: string): Promise<number> {
      const all = fleet.regions.find((region) => region.name === name)?.nodes ?? [];
      const peers = all.filter((each) => placeOf(each.name) !== placeOf(node.name));
      const answers = await Promise.all(peers.map((each) => probe.health(each.name)));
      return answers.filter(({ is }) => is === 'healthy').length;
    }
  };

function nodeOf({ node }: ReturnParts, before: Baseline, strange: string | null): NodeRun {
  const foreign = strange === null ? null : { what: 'binary' as const, sha256: strange, version: null };
  return {
    ...node,
    state: { is: 'ready', notBefore: 0 },
    attempt: 1,
    begun: null,
    touched: true,
    drained: false,
    uncertain: false,
    touchedAt: null,
    before,
    already: false,
    proof: null,
    diagnosis: null,
    foreign: null,
    decided: foreign === null ? null : { foreign, as: 'replace', by: 'shell' },
    failure: null,
    held: null,
    silentSince: null,
    sick: null,
    seenAt: null,
    provenAt: null,
    rolledBackInRun: null,
    took: {},
  };
}

/** A rollout of this node alone, that nobody stores. */
function alone({ fleet, node, clock }: ReturnParts, target: string, epoch: number, id: string): Rollout {
  return {
    id,
    fleet: fleet.name,
    service: fleet.service,
    release: {
      version: 'unknown',
      archive: 'none',
      archiveSha256: target,
      binarySha256: target,
      archiveBytes: 0,
      binaryBytes: 0,
      signed: null,
    },
    strategy: 'rolling',
    policy: fleet.policy,
    requester: 'shell',
    createdAt: clock.now(),
    startAt: null,
    override: null,
    asked: null,
    pace: null,
    run: 1,
    epoch,
    revision: 1,
    status: { is: 'running' },
    phases: [],
    calendars: {},
    nodes: {},
    peers: { [node.region]: [] },
    looks: {},
    lastNodeAt: null,
    rest: null,
    unattended: [],
    startedAt: null,
  };
}
