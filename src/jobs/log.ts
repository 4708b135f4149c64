/** Where the job side tells what it does; a pino logger fits. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

const secrets: [RegExp, string][] = [
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@]*@/gi, '$1***@'],
  [/\b(xox[a-z]|xapp)-[\w-]+/gi, '$1-***'],
  [/\b([\w-]*(?:password|passwd|secret|token|key)["']?\s*[=:]\s*)("[^"]*"|'[^']*'|\S+)/gi, '$1***'],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g, '*** private key ***'],
];

/** What may be stored or shown of an error: BullMQ keeps a job's failure in clear text. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return secrets.reduce((clean, [pattern, by]) => clean.replace(pattern, by), text).slice(0, 2_000);
}
