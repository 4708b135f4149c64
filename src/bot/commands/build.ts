import { Refused } from '../../base/errors.ts';
import { buildsName } from '../../jobs/index.ts';
import { buildUnderWay, lastBuildNumber, newestBuild } from '../../upgrade/ledger/index.ts';
import { type Asking, type CommandContext, ended, type Reply, say, withButtons, withFacts } from '../context.ts';
import { buildFacts } from '../facts/build.ts';
import { buildLines, lastOf } from '../views/build.ts';
import { foreign, who } from '../views/text.ts';
import { demand, type Handler, refusal } from './common.ts';

/** Changes no node and holds no fleet: what is under way goes on beside it. */
export const build: Handler<'build'> = async (context, asking, { act }) => {
  switch (act.is) {
    case 'look':
      return look(context, asking);
    case 'start':
      return start(context, asking, act.version);
    case 'stop':
      return stop(context, asking);
  }
};

async function look(context: CommandContext, asking: Asking): Promise<Reply> {
  await demand(context, asking, { is: 'look' });
  const { control, clock } = context;
  const newest = newestBuild(await control.ledger.load());
  if (newest === null)
    return say('Nothing was ever built here. `/zeitwork build VERSION` makes a release out of a tag.');
  const told = await control.buildTold(newest.version, newest.number);
  const reply: Reply = {
    parts: [
      { is: 'lines', lines: buildLines(newest, told, clock.now()) },
      { is: 'code', text: lastOf(newest, told) },
    ],
    facts: { build: buildFacts(newest) },
  };
  return newest.state.is === 'failed' ? ended('wrong', reply) : reply;
}

async function start(context: CommandContext, asking: Asking, version: string): Promise<Reply> {
  await demand(context, asking, { is: 'start' });
  const { control, releases, clock, log, builds } = context;
  if (builds === undefined)
    throw new Refused(
      'Nothing was begun: the settings do not say how releases are built. Write `build`, see docs/build.md.',
    );
  if ((await releases.versions()).includes(version))
    throw new Refused(`Nothing was begun: ${version} is among the releases already. Plan it with upgrade ${version}.`);
  const before = await control.ledger.load();
  const other = buildUnderWay(before);
  if (other !== null)
    throw new Refused(
      `Nothing was begun: ${other.version} is being built, asked for by ${other.by}. Wait for it, or end it with build stop.`,
    );
  const number = lastBuildNumber(before) + 1;
  const event = { type: 'build-asked', at: clock.now(), by: asking.actor, version, number } as const;
  const { ledger, changed } = await control.ledger.record(event);
  const made = ledger.builds[version];
  if (!changed || made === undefined) return ended('outdated', say('Nothing was begun: somebody else was quicker.'));
  log.info({ version, number, actor: asking.actor }, 'build asked for');
  await control.wakeBuild(version, number);
  return withFacts(
    { build: buildFacts(made) },
    say(`${foreign(version, 80)} is being built: the channel shows how it goes, and \`/zeitwork build\` tells it.`),
  );
}

async function stop(context: CommandContext, asking: Asking): Promise<Reply> {
  await demand(context, asking, { is: 'halt' });
  const { control, clock, log } = context;
  const under = buildUnderWay(await control.ledger.load());
  if (under === null) return ended('outdated', say('Nothing is being built, so nothing was stopped.'));
  const { version, number } = under;
  const event = { type: 'build-stopped', at: clock.now(), by: asking.actor, version, number } as const;
  const { ledger, changed } = await control.ledger.record(event);
  await control.wakeBuild(version, number);
  if (!changed) {
    const by = ledger.builds[version]?.stopping?.by;
    return ended(
      'outdated',
      say(by === undefined ? 'It is over already.' : `${who(by)} stopped it already; it is being ended.`),
    );
  }
  log.info({ version, number, actor: asking.actor }, 'build stopped');
  return withFacts(
    { build: buildFacts(under) },
    say(
      `The build of ${foreign(version, 80)} is being ended, with all that it started. A release that was made before that stays.`,
    ),
  );
}

/** Why there is no plan, with the way to one. */
export const unbuilt = (version: string, why: Refused): Reply => {
  const button = {
    label: `Build ${version} first`,
    action: `build-first:${version}`,
    reference: { r: buildsName, g: version, v: 0 },
    style: 'primary' as const,
    typed: `build ${version}`,
  };
  return ended('refused', withButtons(refusal(why), [button]));
};
