import { wordsOf } from '../base/errors.ts';
import { objectIn } from '../base/json.ts';
import type { Settings } from '../config/index.ts';
import { clockFinding } from './clock.ts';
import { type Finding, note, right, wrong } from './finding.ts';
import { type Answer, type Call, slackAt } from './slack-api.ts';

/** What the app's manifest asks for and the bot cannot do without. */
export const neededScopes = [
  'commands',
  'chat:write',
  'im:write',
  'users:read',
  'app_mentions:read',
  'usergroups:read',
] as const;

const subject = 'slack';
const missing = (name: string, where: string): Finding =>
  wrong(subject, `${name} is not set: give it, or the name of its file as ${name}_FILE (api.slack.com/apps, ${where})`);

/** Both tokens, the scopes, the channel, and this machine's clock against Slack's. @param now epoch ms */
export async function examineSlack(slack: Settings['slack'], now: () => number): Promise<Finding[]> {
  const call = slackAt(slack.apiUrl);
  const guarded = (check: Promise<Finding[]>) => check.catch((error: unknown) => [wrong(subject, wordsOf(error))]);
  const [bot, app] = await Promise.all([
    guarded(examineBot(call, slack, now)),
    guarded(examineApp(call, slack.appToken)),
  ]);
  const told = new Set<string>();
  return [...bot, ...app].filter(({ text }) => !told.has(text) && told.add(text));
}

async function examineBot(call: Call, slack: Settings['slack'], now: () => number): Promise<Finding[]> {
  if (slack.botToken === null) return [missing('SLACK_BOT_TOKEN', 'OAuth & Permissions, "Bot User OAuth Token"')];
  const who = await call('auth.test', slack.botToken);
  if (!who.ok) return [wrong(subject, `SLACK_BOT_TOKEN is refused (${who.error}): reinstall the app and copy it anew`)];
  const at = now();
  const clock = who.date === null ? [] : [clockFinding('clock', "Slack's", at - who.date, 1_000)];
  return [teamFinding(who, slack), ...scopeFindings(who), ...(await channelFindings(call, who, slack)), ...clock];
}

function teamFinding({ body }: Answer, { team }: Settings['slack']): Finding {
  if (team !== null && body.team_id !== team) {
    const text = `the bot token belongs to workspace ${body.team_id} (${body.team}), but \`team\` is ${team}: change one of them`;
    return wrong(subject, text);
  }
  return right(
    subject,
    `${body.user} in workspace ${body.team}${team === null ? ` (set team: ${body.team_id} to pin it)` : ''}`,
  );
}

function scopeFindings({ scopes }: Answer): Finding[] {
  if (scopes.length === 0) return [note(subject, `the scopes are not told; needed are ${neededScopes.join(', ')}`)];
  const lacking = neededScopes.filter((scope) => !scopes.includes(scope));
  if (lacking.length === 0) return [right(subject, `scopes: ${neededScopes.join(', ')}`)];
  return [
    wrong(subject, `scope ${lacking.join(', ')} is missing: add it under OAuth & Permissions, then reinstall the app`),
  ];
}

async function channelFindings(call: Call, { scopes }: Answer, slack: Settings['slack']): Promise<Finding[]> {
  const { botToken, channel } = slack;
  if (botToken === null) return [];
  if (!scopes.includes('channels:read') && !scopes.includes('groups:read')) {
    const text = `channel ${channel} is not looked at (no scope channels:read): see to it that the bot was invited there`;
    return [note(subject, text)];
  }
  const { ok, error, body } = await call('conversations.info', botToken, { channel });
  // A private channel looks the same as none to a bot that was not invited.
  if (!ok && error === 'channel_not_found') {
    return [
      wrong(
        subject,
        `channel ${channel} is not found: \`channel\` wants an id like C012AB3CD; a private one needs /invite`,
      ),
    ];
  }
  if (!ok) return [note(subject, `channel ${channel} cannot be looked at (${error})`)];
  const seen = objectIn(body.channel) ?? {};
  const name = `channel #${seen.name ?? channel}`;
  if (seen.is_archived === true)
    return [wrong(subject, `${name} is archived: unarchive it, or name another as \`channel\``)];
  if (seen.is_member !== true) return [wrong(subject, `the bot is not in ${name}: /invite it there`)];
  return [right(subject, `${name}, the bot is a member`)];
}

async function examineApp(call: Call, token: string | null): Promise<Finding[]> {
  if (token === null)
    return [missing('SLACK_APP_TOKEN', 'Basic Information, "App-Level Tokens", scope connections:write')];
  const { ok, error, body } = await call('apps.connections.open', token);
  if (ok && typeof body.url === 'string') return [right(subject, 'Socket Mode opens')];
  const cure =
    error === 'missing_scope'
      ? 'make an app-level token with connections:write'
      : 'switch Socket Mode on and copy the app-level token anew';
  return [wrong(subject, `SLACK_APP_TOKEN opens no socket (${error}): ${cure}`)];
}
