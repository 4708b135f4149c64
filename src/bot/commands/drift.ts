import { Refused } from '../../base/errors.ts';
import { basisOf } from '../../jobs/index.ts';
import { type Compared, compared, foundOn, markOf } from '../../upgrade/ledger/index.ts';
import type { Ledger } from '../../upgrade/ledger/types.ts';
import { serviceOf } from '../../upgrade/rollout/index.ts';
import type { NodeSurvey } from '../../upgrade/rollout/types.ts';
import { type Asking, aloud, type CommandContext, ended, type Reply, say, withFacts } from '../context.ts';
import { iso } from '../facts/instants.ts';
import { driftDetail, driftKind, isAdoptable, isRepairable, recordWords } from '../views/drift.ts';
import { count, foreign, when, who } from '../views/text.ts';
import { asSecond, demand, glance, type Handler, isSilence, surveyPatience, unknownName } from './common.ts';
import { knownEpoch, refuseForgotten } from './forgotten.ts';

/** One node, beside its record. */
interface Row {
  seen: NodeSurvey;
  found: Compared;
}

export const drift: Handler<'drift'> = async (context, asking, { act }) => {
  switch (act.is) {
    case 'look':
      return look(context, asking);
    case 'adopt':
      return adopt(context, asking, act.node, act.reason);
    case 'snooze':
      return snooze(context, asking, act.node);
  }
};

async function look(context: CommandContext, asking: Asking): Promise<Reply> {
  await demand(context, asking, { is: 'look' });
  const seen = await glance(context, 'whole');
  const { rows, ledger } = await compareAll(context, seen);
  const kinds = rows.map(driftKindOf);
  const wrong = kinds.filter((each) => each !== null).length;
  const without = rows.filter(({ found }) => found.is === 'no-record').length;
  const reply = withFacts(
    { nodes: rows.map((row) => factsOf(row, ledger, context.clock.now())) },
    say(
      wrong > 0
        ? `✗ ${count(wrong, 'node')} of ${rows.length} ${wrong === 1 ? 'is' : 'are'} not as recorded, or could not be compared:`
        : without === rows.length
          ? '○ Nothing is recorded of any node yet, so nothing is claimed: the first rollout that proves one begins its record.'
          : `✓ Nothing differs from what was proven last${without === 0 ? '' : `; of ${count(without, 'node')} nothing is recorded`}:`,
      ...rows.flatMap((row) => linesOf(context, row, ledger)),
    ),
  );
  if (seen.every(isSilence)) return ended('unreachable', reply);
  return wrong === 0 ? reply : ended('wrong', reply);
}

const driftKindOf = ({ found }: Row): string | null => driftKind({ found });

async function compareAll(
  context: CommandContext,
  seen: readonly NodeSurvey[],
): Promise<{ rows: Row[]; ledger: Ledger }> {
  const { control, fleet } = context;
  const nodes = seen.map(({ node }) => ({ name: node }));
  const known = { store: { ...control.store, lastEpoch: () => knownEpoch(context) }, ledger: control.ledger };
  const basis = await basisOf(nodes, known, true);
  const hasEnvironment = (node: string) => serviceOf(fleet, node).envFile !== null;
  return {
    rows: seen.map((each) => ({
      seen: each,
      found: compared(each, { ...basis, hasEnvironment: hasEnvironment(each.node) }),
    })),
    ledger: await control.ledger.load(),
  };
}

const recordOf = ({ nodes }: Ledger, node: string) => (Object.hasOwn(nodes, node) ? nodes[node] : undefined);

function linesOf({ clock }: CommandContext, { seen, found }: Row, ledger: Ledger): string[] {
  const { node } = seen;
  const name = foreign(node, 80);
  const left = recordOf(ledger, node);
  const kind = driftKind({ found });
  if (kind === null) {
    if (found.is === 'busy') return [`○ ${name}: rollout ${foreign(found.rollout, 60)} is at it, so it is not judged`];
    return [left === undefined ? `○ ${name}: nothing is recorded of it` : `✓ ${name}: ${recordWords(left)}`];
  }
  const what = { ...seen, found, disk: seen.lies?.disk ?? null };
  const ways = [
    ...(isRepairable(what, ledger, left) ? [`\`/zeitwork recover ${name}\` brings back what is recorded`] : []),
    ...(isAdoptable(what) ? [`\`/zeitwork drift adopt ${name} --reason "…"\` takes what is there for its record`] : []),
  ];
  const snoozed = recordOfSnooze(ledger, node, markOf(seen), clock.now());
  return [
    `✗ ${name}: *${kind}*. ${driftDetail(what, left)}.`,
    ...ways.map((way) => `    ${way}`),
    ...(snoozed === null
      ? []
      : [`    Snoozed by ${who(snoozed.by)} until ${when(snoozed.until)}: no night tells of it`]),
  ];
}

function recordOfSnooze({ snoozed }: Ledger, node: string, as: string, now: number) {
  const known = Object.hasOwn(snoozed, node) ? snoozed[node] : undefined;
  return known !== undefined && known.as === as && known.until > now ? known : null;
}

function factsOf({ seen, found }: Row, ledger: Ledger, now: number) {
  const { node, region, version, sha256, lies, at } = seen;
  const left = recordOf(ledger, node);
  const off = found.is === 'off' ? found : null;
  const snoozed = recordOfSnooze(ledger, node, markOf(seen), now);
  return {
    node,
    region,
    is: found.is,
    kind: driftKind({ found }),
    binary: off?.binary ?? null,
    environment: off?.environment ?? null,
    gone: off?.gone.map((each) => each) ?? [],
    stopped: off?.stopped ?? null,
    unproven: off?.unproven ?? null,
    starts: off?.starts ?? null,
    why: found.is === 'unseen' ? found.why : null,
    rollout: found.is === 'busy' ? found.rollout : null,
    runs: { version, sha256 },
    lies: lies === undefined ? null : { sha256: lies.disk, envSha256: lies.envSha256 },
    record:
      left === undefined
        ? null
        : {
            version: left.version,
            sha256: left.sha256,
            envSha256: left.envSha256,
            rollout: left.rollout,
            at: iso(left.at),
            accepted: left.accepted === undefined ? null : { by: left.accepted.by, reason: left.accepted.reason },
          },
    snoozed: snoozed === null ? null : { by: snoozed.by, until: iso(snoozed.until) },
    seenAt: iso(at),
  };
}

/** A fresh look at that node. @throws Refused for what nothing is to be decided about */
async function offNow(context: CommandContext, name: string): Promise<Row & { ledger: Ledger }> {
  const { fleet, control } = context;
  const nodes = fleet.regions.flatMap((region) => region.nodes);
  const one = nodes.filter((each) => each.name === name);
  if (one.length === 0)
    throw unknownName(
      'node',
      name,
      nodes.map((each) => each.name),
    );
  const seen = (await control.survey(one, surveyPatience(1), 'whole')).filter(({ node }) => node === name);
  await refuseForgotten(context, seen);
  const { rows, ledger } = await compareAll(context, seen);
  const [row] = rows;
  if (row === undefined) throw new Refused(`Nothing was done: ${name} was not looked at.`);
  const { found } = row;
  if (found.is === 'unseen') throw new Refused(`Nothing was done: ${name} was not seen (${found.why}).`);
  if (found.is === 'busy') throw new Refused(`Nothing was done: rollout ${found.rollout} is at ${name}.`);
  if (found.is === 'no-record')
    throw new Refused(
      `Nothing was done: nothing is recorded of ${name} yet. The first rollout that proves it does that.`,
    );
  if (found.is !== 'off') throw new Refused(`Nothing to do: ${name} is as recorded.`);
  return { ...row, ledger };
}

async function snooze(context: CommandContext, asking: Asking, name: string): Promise<Reply> {
  await demand(context, asking, { is: 'go-on' });
  const { seen, found } = await offNow(context, name);
  const { control, clock, fleet, log } = context;
  const at = clock.now();
  const until = at + (fleet.drift?.snooze ?? 0);
  const as = markOf(seen);
  const { changed } = await control.ledger.record({ type: 'snoozed', at, by: asking.actor, node: name, as, until });
  if (!changed) return ended('outdated', say('Nothing was changed: somebody else was quicker.'));
  log.info({ node: name, until, actor: asking.actor }, 'drift snoozed');
  const kind = driftKind({ found }) ?? '';
  return withFacts(
    { node: name, until: iso(until) },
    aloud(
      say(
        `${foreign(name, 80)} (${kind}) is snoozed by ${who(asking.actor)}: no night tells of it until ${when(until)}, as long as it stays exactly so.`,
      ),
    ),
  );
}

async function adopt(context: CommandContext, asking: Asking, name: string, said: string | null): Promise<Reply> {
  // The second one types it again, in quotes.
  const reason = said?.replaceAll('"', "'") ?? null;
  // Before anything is told: whoever may not hears that first.
  await demand(context, asking, { is: 'override' });
  const { seen, found, ledger } = await offNow(context, name);
  const left = recordOf(ledger, name);
  const what = { ...seen, found, disk: seen.lies?.disk ?? null };
  const typed = `drift adopt ${name} --reason ${reason === null ? '"…"' : `"${reason}"`}`;
  const detail = `${foreign(name, 80)}: *${driftKind({ found }) ?? ''}*. ${driftDetail(what, left)}.`;
  const { control, clock, log } = context;
  const at = clock.now();
  const { found: all, leftOut } = foundOn([seen], at);
  const taken = all.nodes[name];
  if (taken === undefined)
    throw new Refused(`Nothing was adopted: of ${name}, ${leftOut[0]?.why ?? 'nothing is seen'}.`);
  if (reason === null)
    return say(detail, `To take it for the record of this node, say why: \`/zeitwork ${typed}\`. ${means}`);
  const agreement = await asSecond(context, asking, {
    what: ['drift adopt', name, markOf(seen), String(left?.at ?? 0), reason].join(' '),
    words: `take what is on ${foreign(name, 80)} for its record (${foreign(reason, 200)}). ${detail} ${means}`,
    typed: foreign(typed, 300),
  });
  if (agreement.is === 'waits') return agreement.reply;
  const first = agreement.first === undefined ? {} : { with: agreement.first };
  const { version, sha256, envSha256 } = taken;
  const { changed } = await control.ledger.record({
    ...{ type: 'accepted', at, by: asking.actor, ...first, node: name, reason },
    found: { version, sha256, envSha256 },
  });
  if (!changed) return ended('outdated', say('Nothing was adopted: something else was recorded of it meanwhile.'));
  log.warn({ node: name, sha256, actor: asking.actor, ...first }, 'drift adopted');
  const also = agreement.first === undefined ? '' : ` and ${who(agreement.first)}`;
  return withFacts(
    { node: name, version, sha256, envSha256, reason },
    aloud(
      say(
        `What is on ${foreign(name, 80)} is its record now, by ${who(asking.actor)}${also}: ${foreign(reason, 200)}. ${means}`,
      ),
    ),
  );
}

const means =
  'It proves nothing: no other node gets it for that, nor this one back, unless a rollout proved that very binary.';
