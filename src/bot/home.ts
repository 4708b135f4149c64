import type { WebClient } from '@slack/web-api';
import { timeLimit } from '../base/time-limit.ts';
import { approvals, declineOf, sinceOf } from '../upgrade/rollout/index.ts';
import type { Rollout } from '../upgrade/rollout/types.ts';
import { asShown, asShownNow } from './as-shown.ts';
import { glance } from './commands/common.ts';
import type { CommandContext } from './context.ts';
import { permit } from './permissions.ts';
import { answer } from './run.ts';
import { gateKey, isAsking } from './views/gate.ts';
import { askedFor } from './views/goal.ts';
import { forecastLines, type Home, homeBlocks, versionsKnown, versionsSeen } from './views/home.ts';
import type { Part } from './views/parts.ts';
import { partFirst, when } from './views/text.ts';
import { linkTo } from './workspace.ts';

/** After this long without an answer of the nodes the person is shown that they are looked at. */
const patienceMs = 2_500;

const lines = (...all: string[]): Part => ({ is: 'lines', lines: all });

/** Slack takes no more blocks in a home tab. */
const mostBlocks = 100;

/** Draws the home tab of somebody who opened it, fleet by fleet. It decides nothing: `Upgrade…` opens a form, decisions belong into the channel. */
export async function drawHome(fleets: readonly CommandContext[], client: WebClient, user: string): Promise<void> {
  const [first] = fleets;
  if (first === undefined) return;
  const share = Math.floor(mostBlocks / fleets.length);
  const publish = (homes: Home[]) => {
    const blocks = homes.flatMap((home) => homeBlocks(home, fleets.length > 1).slice(0, share));
    return client.views.publish({ user_id: user, view: { type: 'home', blocks } });
  };
  const patience = timeLimit(first.clock, patienceMs);
  let early: Promise<unknown> = Promise.resolve();
  const slow = () => {
    const looking = ({ fleet }: CommandContext): Home => ({
      ...{ fleet: fleet.name, mine: [], mayUpgrade: false, rest: [lines('Looking at the nodes …')] },
    });
    early = publish(fleets.map(looking)).catch(() => undefined);
  };
  patience.signal.addEventListener('abort', slow, { once: true });
  const homes = await Promise.all(fleets.map((each) => homeOf(each, user))).finally(patience.lift);
  await early;
  await publish(homes);
}

async function homeOf(context: CommandContext, user: string): Promise<Home> {
  const asking = { actor: user, rollout: null };
  const fleet = context.fleet.name;
  const now = await answer(context, asking, { verb: 'status' });
  if (now.outcome === 'denied') return { fleet, mine: [], mayUpgrade: false, rest: now.parts };
  const open = await context.control.store.open().catch(() => null);
  const [mine, may, windows, history] = await Promise.all([
    open === null ? [] : waitingFor(context, user, open),
    permit(context, user, { is: 'start' }, 'look'),
    answer(context, asking, { verb: 'windows' }),
    answer(context, asking, { verb: 'history' }),
  ]);
  const where = `Upgrade, approve and roll back in <#${context.access.channel}>, with \`/zeitwork\`. As of ${when(context.clock.now())}.`;
  // A freeze that was declared since moves what is expected.
  const shown = open === null ? null : await asShownNow(context, open);
  const { service, name } = context.fleet;
  const title = { is: 'title' as const, text: `${service.name} on ${name}` };
  const rest = [
    ...(open === null ? [title, ...(await seen(context))] : []),
    ...now.parts,
    ...(shown === null ? [] : [versionsKnown(shown), lines(...forecastLines(shown))]),
    lines('*Windows*'),
    ...windows.parts,
    lines('*The last rollouts*'),
    ...history.parts,
    { is: 'note' as const, text: where },
  ];
  return { fleet, mine, mayUpgrade: may.is === 'allowed' && open === null && now.outcome !== 'unreachable', rest };
}

/** What `status` saw a moment ago. */
const seen = (context: CommandContext): Promise<Part[]> =>
  glance(context).then(
    (survey) => [versionsSeen(context.fleet, survey)],
    () => [],
  );

/** What this person may approve now; nothing when the store is silent, which the rest of the tab says. */
async function waitingFor(context: CommandContext, user: string, open: Rollout): Promise<Part[]> {
  const { control, workspace, access } = context;
  const rollout = asShown(context, open);
  const standing = await control.store.posted(rollout.id).catch(() => ({}));
  const asking = approvals(rollout).filter((phase) => isAsking(rollout, phase));
  const mine = await Promise.all(
    asking.map(async (phase) => {
      const said = declineOf(phase)?.by === user || phase.given.some(({ by }) => by === user);
      const verdict = await permit(context, user, { is: 'approve', rollout, phase }, 'look');
      if (said || verdict.is === 'refused') return [];
      const at = Object.entries(standing).find(([key]) => key === gateKey(phase, sinceOf(phase) ?? 0))?.[1];
      const link = at === undefined || workspace === null ? null : linkTo(workspace, at, 'Open the question');
      const question = `‼ *${partFirst(phase.title)} waits for you*: may it ${askedFor(rollout)}?`;
      return [link === null ? question : `${question} ${link}`];
    }),
  );
  const how = access.approvals === 'button' ? 'with its button' : 'with what to sign';
  return mine.flat().length === 0 ? [] : [lines(...mine.flat(), `The question, ${how}, is in the channel.`)];
}
