import { Refusal, required } from '../args.ts';
import type { Person } from '../types.ts';
import { appId, bot, botId, type Workspace } from '../workspace.ts';
import type { Method } from './method.ts';

export const people: Record<string, Method> = {
  'users.info': {
    scope: 'users:read',
    run: (args, { workspace }) => ({ user: userJson(workspace, workspace.person(required(args, 'user'))) }),
  },
  'users.list': {
    scope: 'users:read',
    run: (_args, { workspace }) => ({
      members: workspace.people.map((person) => userJson(workspace, person)),
      response_metadata: { next_cursor: '' },
    }),
  },
  'usergroups.list': {
    scope: 'usergroups:read',
    run: (_args, { workspace }) => ({
      usergroups: workspace.groups.map((group) => ({
        id: group.id,
        team_id: workspace.team.id,
        is_usergroup: true,
        name: group.handle,
        handle: group.handle,
        date_delete: 0,
        user_count: group.users.length,
        users: group.users,
      })),
    }),
  },
  'usergroups.users.list': {
    scope: 'usergroups:read',
    run: (args, { workspace }) => {
      const group = workspace.groups.find((one) => one.id === required(args, 'usergroup'));
      if (!group) throw new Refusal('no_such_subteam');
      return { users: group.users };
    },
  },
  'bots.info': {
    scope: 'users:read',
    run: () => ({ bot: { id: botId, app_id: appId, user_id: bot.id, name: bot.name, deleted: false, icons: {} } }),
  },
};

function userJson(workspace: Workspace, person: Person): Record<string, unknown> {
  return {
    id: person.id,
    team_id: person.teamId ?? workspace.team.id,
    name: person.name,
    real_name: person.realName,
    deleted: person.deleted ?? false,
    is_bot: person.bot ?? false,
    is_restricted: person.guest ?? false,
    is_ultra_restricted: false,
    is_stranger: person.teamId !== undefined && person.teamId !== workspace.team.id,
    is_app_user: false,
    tz: 'Etc/UTC',
    tz_offset: 0,
    profile: { real_name: person.realName, display_name: person.name },
  };
}
