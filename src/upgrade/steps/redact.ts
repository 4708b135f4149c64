const secretName =
  '[A-Za-z0-9_.-]*(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|API_?KEY|KEY|DATABASE_URL|DSN|CREDENTIALS?)[A-Za-z0-9_]*';

const rules: [RegExp, string][] = [
  [/-----BEGIN [^-]*PRIVATE KEY-----[\s\S]*?(?:-----END [^-]*PRIVATE KEY-----|$)/g, '[private key]'],
  // Greedy up to the last @: a password may hold one itself.
  [/([a-z][a-z0-9+.-]*:\/\/)[^\s"'<>]*@/gi, '$1***@'],
  [/\b(authorization["']?\s*[:=]\s*["']?(?:basic|bearer)?)\s*[^\s"',]+/gi, '$1 ***'],
  [/\b(bearer)\s+[^\s"',]+/gi, '$1 ***'],
  [new RegExp(`(${secretName}["']?\\s*[=:]\\s*)(?:"[^"]*"?|'[^']*'?|[^\\s&,;"']+)`, 'gi'), '$1***'],
  [/\b(?:xox[a-z]|xapp|ghp|gho|pscale_(?:pw|tkn))[-_][A-Za-z0-9_-]+/g, '***'],
];

/** The text without what looks like a secret: passwords in URLs, values of secret-looking names, keys, tokens. */
export function redact(text: string): string {
  return rules.reduce((clean, [pattern, replacement]) => clean.replace(pattern, replacement), text);
}
