import { createHash } from 'node:crypto';
import type { Actor } from '../../base/actor.ts';
import { foundOn, standing } from '../../upgrade/ledger/index.ts';
import type { NodeSurvey } from '../../upgrade/rollout/types.ts';
import { type Asking, type CommandContext, type Reply, say, withFacts, withLines } from '../context.ts';
import { iso } from '../facts/instants.ts';
import { foundLines } from '../views/found.ts';
import { count, who } from '../views/text.ts';
import { asSecond, survey, unknownName } from './common.ts';

/**
 * The ledger as far as it was signed, and what the nodes are: two look at both, and answer for it.
 * @param without nodes that are left aside: one that is another at each look keeps nobody from agreeing about the others
 */
export async function adoptLedger(context: CommandContext, asking: Asking, without: string[]): Promise<Reply> {
  const { control, clock, log, fleet } = context;
  const known = fleet.regions.flatMap((region) => region.nodes.map(({ name }) => name));
  for (const name of without) if (!known.includes(name)) throw unknownName('node', name, known);
  const mark = await control.ledger.mark();
  const all = await survey(context, 'whole');
  const seen = all.filter(({ node }) => !without.includes(node));
  const { found, leftOut: unfit } = foundOn(seen, clock.now());
  const leftOut = [...unfit, ...without.map((node) => ({ node, why: 'it is left aside' }))];
  const nodes = markOf(seen);
  const table = foundLines(all, leftOut);
  const flags = without.length === 0 ? '' : ` --without ${without.join()}`;
  const agreement = await asSecond(context, asking, {
    what: ['adopt ledger', mark, nodes, ...without].join(' '),
    words: `adopt the ledger as far as it was signed (${mark}), and what the nodes are as of now (${nodes}):`,
    typed: `adopt ledger${flags}`,
  });
  const facts = factsOf(all, leftOut, found.epoch);
  if (agreement.is === 'waits') return withFacts(facts, withLines(agreement.reply, [...table, untilSame]));
  const { first } = agreement;
  log.warn({ what: 'ledger', actor: asking.actor, first, epoch: found.epoch }, 'adopted');
  const how = { mark, found, ...(first === undefined ? {} : { first }) };
  const ledger = await control.ledger.adopt(asking.actor, clock.now(), how);
  const freezes = standing(ledger, clock.now()).length;
  return withFacts(
    facts,
    say(
      `The ledger is adopted as far as it was signed, and made anew from ${count(Object.keys(found.nodes).length, 'node')}, line ${ledger.revision}, ${whose(first)}.`,
      ...table,
      `*Nobody can make anew what stood on no node*: freezes that were declared (of which ${freezes === 0 ? 'none' : freezes} ${freezes > 1 ? 'are' : 'is'} known now: \`/zeitwork windows\`), who began a release without an approval, and how long steps took. Declare again what is missing.`,
    ),
  );
}

const untilSame =
  'Both must see the same. A node that is another at each look is left aside, by both: `/zeitwork adopt ledger --without NODE`.';

const whose = (first: Actor | undefined): string =>
  first === undefined ? 'in your name' : `in your name and that of ${who(first)}`;

/** Names what somebody was shown: another one as soon as a node is anything else. */
function markOf(seen: readonly NodeSurvey[]): string {
  const lines = seen.map(({ node, version, sha256, healthy, held, lies }) =>
    JSON.stringify([node, version, sha256, healthy, held, lies]),
  );
  return createHash('sha256').update(lines.sort().join('\n')).digest('hex').slice(0, 12);
}

const factsOf = (seen: readonly NodeSurvey[], leftOut: readonly { node: string; why: string }[], epoch: number) => ({
  epoch,
  nodes: seen.map(({ node, region, version, sha256, held, lies, at }) => ({
    node,
    region,
    leftOut: leftOut.find((each) => each.node === node)?.why ?? null,
    version,
    sha256,
    envSha256: lies?.envSha256 ?? null,
    run: held ?? null,
    backups: lies?.backups.map((kept) => ({ ...kept })) ?? null,
    seenAt: iso(at),
  })),
});
