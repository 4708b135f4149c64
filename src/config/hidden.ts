const patterns = [
  /\bx(?:ox[a-z]|app)-[A-Za-z0-9-]{4,}/g,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[^"]*/g,
  /(?<=:\/\/[^/\s:@"]*:)[^/\s@"]+(?=@)/g,
];

/** What to do with a secret that was found in the settings file. */
export const secretAdvice =
  'which does not belong in this file; give SLACK_BOT_TOKEN, SLACK_APP_TOKEN, REDIS_URL and REDIS_PASSWORD in the environment, or name a file, as in SLACK_BOT_TOKEN_FILE';

/** `text` with tokens, private keys and passwords in URLs replaced, and whatever is in `known`. */
export function hideSecrets(text: string, known: string[] = []): string {
  const given = known.reduce((shown, secret) => shown.replaceAll(secret, '(hidden)'), text);
  return patterns.reduce((shown, pattern) => shown.replaceAll(pattern, '(hidden)'), given);
}

export function namesSecret(key: string): boolean {
  return /token|secret|passw|passphrase|redisurl/i.test(key);
}
