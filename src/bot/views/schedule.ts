import { isAny } from '../../base/is-any.ts';
import { regionsOf } from '../../upgrade/rollout/index.ts';
import type { Rollout } from '../../upgrade/rollout/types.ts';
import { describeLocal, openInterval } from '../../windows/index.ts';
import { stopButton } from './buttons.ts';
import { forecast } from './forecast.ts';
import { type Post, post } from './post.ts';
import { count, foreign, when, who } from './text.ts';

/** Announced in the channel when the first node has to wait for a window or a time; and again when it really begins. */
export function schedulePosts(rollout: Rollout): Post[] {
  if (!waits(rollout)) return [];
  return [scheduled(rollout), ...(rollout.startedAt === null ? [] : [started(rollout, rollout.startedAt)])];
}

/** From what was frozen at the plan, so that the answer never changes. */
function waits(rollout: Rollout): boolean {
  const { startAt, createdAt, override, calendars } = rollout;
  if (startAt !== null) return true;
  const calendar = calendars[regionsOf(rollout)[0] ?? ''];
  return override === null && calendar !== undefined && openInterval(calendar, createdAt) === null;
}

function scheduled(rollout: Rollout): Post {
  const open = rollout.startedAt === null && isAny(rollout.status.is, 'running', 'paused');
  const head = `*${foreign(rollout.service.name)} ${rollout.release.version}* is scheduled by ${who(rollout.requester)}`;
  const lines = open
    ? [`${head}: ${count(Object.keys(rollout.nodes).length, 'node')}, without downtime`, ...times(rollout)]
    : [
        `${head}; ${rollout.startedAt === null ? `it did not begin: ${rollout.status.is}` : `it began at ${when(rollout.startedAt)}`}`,
      ];
  return post(
    rollout,
    'scheduled',
    { is: 'channel' },
    [
      { is: 'lines', lines },
      { is: 'buttons', buttons: open ? [stopButton(rollout, 'Cancel it')] : [] },
    ],
    { onlyEdit: !open },
  );
}

function times(rollout: Rollout): string[] {
  return forecast(rollout).regions.map(({ region, begin }) => {
    const zone = rollout.calendars[region]?.zone;
    const local = zone === undefined ? '' : `, ${describeLocal(begin, zone)}`;
    return `• ${foreign(region)}: not before ${when(begin)}${local}`;
  });
}

function started(rollout: Rollout, at: number): Post {
  const text = `▶ *${foreign(rollout.service.name)} ${rollout.release.version}* has begun at ${when(at)}, as scheduled.`;
  return post(rollout, 'started', { is: 'thread', broadcast: true }, [{ is: 'lines', lines: [text] }]);
}
