import { Refused } from '../base/errors.ts';

/** Whose bot this is, as Slack says of its token. */
export interface Workspace {
  /** The id to which people and deliveries must belong: a workspace, or the organisation where the settings name that. */
  pinned: string;
  /** `https://trial.slack.com/`; null when Slack did not tell. */
  url: string | null;
}

/** What `auth.test` answers, as far as it is needed. */
interface Identity {
  team_id?: string | undefined;
  enterprise_id?: string | undefined;
  url?: string | undefined;
}

/** @param team of the settings; null: whatever the token belongs to @throws Refused when the token belongs to another */
export function pinnedTo({ team_id, enterprise_id, url = '' }: Identity, team: string | null): Workspace {
  const own = [team_id, enterprise_id].filter((id) => id !== undefined);
  const [first] = own;
  if (first === undefined) throw new Refused('Slack did not say to which workspace SLACK_BOT_TOKEN belongs.');
  if (team !== null && !own.includes(team)) {
    throw new Refused(
      `SLACK_BOT_TOKEN belongs to the workspace ${own.join(' of ')}, and the settings have team: ${team}. Use that workspace's token, or mend team.`,
    );
  }
  return { pinned: team ?? first, url: URL.canParse(url) ? url : null };
}

/** A mrkdwn link to a message; null when its workspace has no address that is known. */
export function linkTo({ url }: Workspace, { channel, ts }: { channel: string; ts: string }, words: string) {
  if (url === null || !/^\d+\.\d+$/.test(ts)) return null;
  return `<${new URL(`archives/${channel}/p${ts.replace('.', '')}`, url).href}|${words}>`;
}
