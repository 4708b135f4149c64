import type { Announcer } from '../jobs/types.ts';
import type { Sealer } from '../trust/index.ts';
import type { Webhook } from '../upgrade/http/types.ts';
import { asked } from '../upgrade/rollout/index.ts';
import { createAlarm } from './alarm.ts';
import { createAnnouncer, type Painted } from './announcer.ts';
import { asShownNow } from './as-shown.ts';
import { createBuildPost } from './builds.ts';
import type { Chat } from './chat.ts';
import type { CommandContext } from './context.ts';
import type { ChatMeter } from './meter.ts';
import { createNightPost } from './nights.ts';
import { createRepair } from './repair.ts';
import { linkTo } from './workspace.ts';

export interface AnnouncingParts
  extends Pick<CommandContext, 'control' | 'access' | 'fleet' | 'clock' | 'log' | 'builds' | 'promotesTo'> {
  sealer: Sealer;
  webhook?: Webhook;
  meter?: Pick<ChatMeter, 'posted'> | undefined;
}

/** All that the chat is made to say. `heard` knows the workspace once Slack has said it. */
export function announcing(
  heard: Pick<CommandContext, 'workspace' | 'directory'>,
  { control, access, fleet, sealer, clock, log, webhook, builds, promotesTo, meter }: AnnouncingParts,
  chat: Chat,
): Announcer {
  const painted: Painted = new Map();
  const common = { chat, store: control.store, channel: access.channel, log };
  const announcer = createAnnouncer({
    ...common,
    sealer,
    clock,
    painted,
    ...(webhook === undefined ? {} : { webhook }),
    ...(meter === undefined ? {} : { meter }),
    people: async (rollout) => ({
      onCall: access.roles.onCall,
      escalation: access.roles.escalation,
      members: await membersOf(
        asked(rollout).flatMap(({ by }) => by.groups),
        heard.directory,
      ),
    }),
    link: (at) => (heard.workspace === null ? null : linkTo(heard.workspace, at, 'Open the thread')),
  });
  const show: Announcer['show'] = async (rollout, told) =>
    announcer.show(
      await asShownNow({ fleet, access, control, clock, ...(promotesTo === undefined ? {} : { promotesTo }) }, rollout),
      told,
    );
  const alarms = createAlarm(common);
  const night = fleet.drift?.at == null ? {} : { night: createNightPost({ ...common, control, fleet, sealer, clock }) };
  const build = builds === undefined ? {} : { build: createBuildPost({ ...common, control, fleet, sealer, clock }) };
  return {
    ...night,
    ...build,
    show,
    ...alarms,
    repair: createRepair({ ...common, show, painted, fleet: fleet.name, clock }),
  };
}

/** A group that Slack does not list is still mentioned in the channel. */
async function membersOf(
  groups: string[],
  { members }: CommandContext['directory'],
): Promise<Record<string, string[]>> {
  const known = groups.map(async (group) => [group, await members(group, 'look').catch(() => [])] as const);
  return Object.fromEntries(await Promise.all(known));
}
