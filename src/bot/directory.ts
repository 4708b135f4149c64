import type { WebClient } from '@slack/web-api';
import { minute } from '../base/duration.ts';
import type { Directory, Person, Purpose } from './context.ts';

const keptMs = minute;

/** People and groups as Slack knows them now. For looks it is remembered for at most a minute; for decisions never. */
export function slackDirectory(client: WebClient, now: () => number): Directory {
  return {
    person: remembered(now, (user) => lookUp(client, user)),
    members: remembered(now, async (group) => {
      const { users } = await client.usergroups.users.list({ usergroup: group });
      if (users === undefined) throw new Error(`Slack did not list the group ${group}`);
      return users;
    }),
  };
}

async function lookUp(client: WebClient, id: string): Promise<Person> {
  const { user } = await client.users.info({ user: id });
  if (user === undefined) throw new Error(`Slack does not know the user ${id}`);
  return {
    bot: user.is_bot === true || user.is_workflow_bot === true || id === 'USLACKBOT',
    guest: user.is_restricted === true || user.is_ultra_restricted === true || user.is_stranger === true,
    deactivated: user.deleted === true,
    teams: [user.team_id, user.enterprise_user?.enterprise_id, ...(user.enterprise_user?.teams ?? [])].filter(
      (id) => id !== undefined,
    ),
  };
}

function remembered<T>(now: () => number, ask: (id: string) => Promise<T>) {
  const known = new Map<string, { value: T; at: number }>();
  return async (id: string, purpose: Purpose): Promise<T> => {
    const found = purpose === 'look' ? known.get(id) : undefined;
    if (found !== undefined && now() - found.at < keptMs && now() >= found.at) return found.value;
    const value = await ask(id);
    if (known.size > 1_000) known.clear();
    known.set(id, { value, at: now() });
    return value;
  };
}
