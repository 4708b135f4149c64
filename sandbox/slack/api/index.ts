import { appId, bot, botId } from '../workspace.ts';
import { chat } from './chat.ts';
import { conversations } from './conversations.ts';
import type { Method } from './method.ts';
import { people } from './people.ts';
import { views } from './views.ts';

const app: Record<string, Method> = {
  'auth.test': {
    scope: null,
    run: (_args, { workspace, pageUrl }) => ({
      url: pageUrl(),
      team: workspace.team.name,
      team_id: workspace.team.id,
      user: bot.name,
      user_id: bot.id,
      bot_id: botId,
      app_id: appId,
      is_enterprise_install: false,
    }),
  },
  'api.test': { scope: null, run: () => ({}) },
  'apps.connections.open': { scope: null, token: 'app', run: (_args, { socketUrl }) => ({ url: socketUrl() }) },
};

export const methods: Readonly<Record<string, Method>> = { ...app, ...chat, ...conversations, ...people, ...views };
