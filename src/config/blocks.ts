import { z } from 'zod';
import { lenient, nearest } from '../base/nearest.ts';
import { isSecretName } from '../base/secret-names.ts';

/** What to do with a secret that was found in the settings file. */
export const secretAdvice =
  'which does not belong in this file; give SLACK_BOT_TOKEN, SLACK_APP_TOKEN, REDIS_URL and REDIS_PASSWORD in the environment, or name a file, as in SLACK_BOT_TOKEN_FILE';

/** Messages follow the found value: `"x" is not a port; write ...`. Without a value they stand alone. */
const missing = (accepted: string) => `is missing; write ${accepted}`;

/** One value. `parse` gives undefined for what is not accepted; `kind` and `accepted` then make the message. */
export function leaf<T>(kind: string, accepted: string, parse: (written: unknown) => T | undefined) {
  return z.unknown().transform((written, context): T => {
    const parsed = parse(written);
    if (parsed !== undefined) return parsed;
    const absent = written === undefined || written === null;
    const message = absent ? missing(accepted) : `is not ${kind}; write ${accepted}`;
    context.issues.push({ code: 'custom', input: written, message });
    return z.NEVER;
  });
}

/** A text that matches `pattern`. */
export function text(kind: string, accepted: string, pattern: RegExp) {
  return leaf(kind, accepted, (written) =>
    typeof written === 'string' && pattern.test(written) ? written : undefined,
  );
}

/** A whole number between `min` and `max`. */
export function whole(min: number, max: number) {
  return leaf(`a whole number from ${min} to ${max}`, `one, like ${Math.max(min, 3)}`, (written) =>
    typeof written === 'number' && Number.isInteger(written) && written >= min && written <= max ? written : undefined,
  );
}

/** One of a few words. */
export function oneOf<const Word extends string>(words: readonly Word[]) {
  return leaf('accepted here', new Intl.ListFormat('en-GB', { type: 'disjunction' }).format(words), (written) =>
    words.find((word) => word === written),
  );
}

/** A block of keys, all of them known. An unknown key gets one line of its message, in the order of `issue.keys`. */
export function block<Shape extends z.core.$ZodLooseShape>(shape: Shape, like?: string) {
  const known = Object.keys(shape);
  const accepted = like ?? `its keys: ${known.join(', ')}`;
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(key, known)).join('\n');
      const absent = issue.input === undefined || issue.input === null;
      return absent ? missing(accepted) : `is not accepted here; write ${accepted}`;
    },
  });
}

/** A list of `items`, with at least `min` of them. */
export function list<Item extends z.ZodType>(items: Item, what: string, min = 0) {
  const error = (issue: { input?: unknown }) =>
    issue.input === undefined || issue.input === null ? missing(`a list of ${what}`) : `is not a list of ${what}`;
  return z.array(items, { error }).min(min, { error: `is empty; write at least ${min} of ${what}` });
}

/** Named blocks. */
export function named<Item extends z.ZodType>(items: Item, what: string) {
  return z.record(z.string(), items, { error: `is not a block of named ${what}` });
}

/** `written` counts as if it stood in the file where the key is missing or empty. */
export function withDefault<Inner extends z.ZodType>(written: unknown, inner: Inner) {
  return z.preprocess((found) => found ?? written, inner);
}

function unknownKey(key: string, known: string[]): string {
  if (isSecretName(key, 'quoted')) return `looks like a secret, ${secretAdvice}`;
  const meant = nearest(key, known, lenient);
  return meant === null ? `unknown key; known here: ${known.join(', ')}` : `unknown key; did you mean ${meant}?`;
}
