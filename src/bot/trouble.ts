import { WebAPIPlatformError } from '@slack/web-api';

export type Token = 'SLACK_BOT_TOKEN' | 'SLACK_APP_TOKEN';

/** Words of Slack for a token that it does not take. */
export const refusals: readonly string[] = [
  'invalid_auth',
  'not_authed',
  'account_inactive',
  'token_revoked',
  'token_expired',
  'missing_scope',
  'not_allowed_token_type',
];

/** What is missing for Slack to be reached with a token, in one line. */
export function troubleWith(token: Token, error: unknown): string {
  if (error instanceof WebAPIPlatformError) {
    const { error: word } = error.data;
    return refusals.includes(word)
      ? `${token} is refused (${word}): copy it anew from api.slack.com/apps; \`zeitwork doctor\` tells more`
      : `Slack refuses ${token}: ${word}`;
  }
  return `Slack cannot be reached: ${rootOf(error)}`;
}

/** fetch says "fetch failed"; what happened is in the cause of its cause. */
function rootOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? rootOf(error.cause) : error.message || error.name;
}
