const words = 'PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|DATABASE_URL|DSN|CREDENTIALS?';
const name = (key: string) => `[A-Za-z0-9_.-]*(?:${words}|${key})[A-Za-z0-9_]*`;
const value = `(?:"[^"]*"?|'[^']*'?|[^\\s&,;"']+)`;

const rules: [RegExp, string][] = [
  [/-----BEGIN [^-]*PRIVATE KEY-----[\s\S]*?(?:-----END [^-]*PRIVATE KEY-----|$)/g, '[private key]'],
  // Greedy up to the last @: a password may hold one itself.
  [/([a-z][a-z0-9+.-]*:\/\/)[^\s"'<>]*@/gi, '$1***@'],
  [/\b(authorization["']?\s*[:=]\s*["']?(?:basic|bearer)?)\s*[^\s"',]+/gi, '$1 ***'],
  [/\b(bearer)\s+[^\s"',]+/gi, '$1 ***'],
  [new RegExp(`(${name('KEY')}["']?\\s*=\\s*)${value}`, 'gi'), '$1***'],
  // "host key: changed" is prose; `api_key: x` is not.
  [new RegExp(`(${name('[_-]KEY|APIKEY')}["']?\\s*:\\s*)${value}`, 'gi'), '$1***'],
  [/\b(?:xox[a-z]|xapp|ghp|gho|pscale_(?:pw|tkn))[-_][A-Za-z0-9_-]+/g, '***'],
];

/** The text without what looks like a secret: passwords in URLs, values of secret-looking names, keys, tokens. */
export function redact(text: string): string {
  return rules.reduce((clean, [pattern, replacement]) => clean.replace(pattern, replacement), text);
}
