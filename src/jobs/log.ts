/** Where the job side tells what it does; a pino logger fits. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/**
 * A reporter for what repeats several times a second while Redis is away: the same reason is said once in `ms`.
 * @param say gets the reason and how often it was held back since the last time
 */
export function seldom(ms: number, say: (reason: string, heldBack: number) => void): (error: unknown) => void {
  const last = new Map<string, { at: number; heldBack: number }>();
  return (error) => {
    const reason = reasonOf(error);
    const seen = last.get(reason);
    if (seen && performance.now() - seen.at < ms) {
      seen.heldBack += 1;
      return;
    }
    if (last.size > 100) last.clear();
    last.set(reason, { at: performance.now(), heldBack: 0 });
    say(reason, seen?.heldBack ?? 0);
  };
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
