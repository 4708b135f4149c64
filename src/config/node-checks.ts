import { compile } from '@jmespath-community/jmespath';
import type { z } from 'zod';
import { checkPlaces, journalPriorities, selectorIn } from '../upgrade/checks/index.ts';
import type { Check, Selector } from '../upgrade/checks/types.ts';
import { block, leaf, list, oneOf, text, whole, withDefault } from './blocks.ts';
import { formatDuration } from './durations.ts';
import type { Path, Problem } from './problems.ts';
import * as value from './values.ts';

/** Checks of the settings: what may be written, what of it does not go together, and what becomes of it. */

export function isExpression(written: string): boolean {
  try {
    return written.length <= 500 && compile(written) !== null;
  } catch {
    return false;
  }
}

const that = leaf('a JMESPath expression', 'one that is true or false, like length(@) >= `9`', (written) =>
  typeof written === 'string' && isExpression(written) ? written : undefined,
);

const selectorLike = 'one like errors_total or errors_total{code="500"}, or a list of them';
const selectors = leaf('a metric', selectorLike, (written): Selector[] | undefined => {
  const all: unknown[] = Array.isArray(written) ? written : [written];
  const found = all.map((each) => (typeof each === 'string' ? selectorIn(each) : null));
  const whole = found.filter((each) => each !== null);
  return whole.length > 0 && whole.length <= 20 && whole.length === all.length ? whole : undefined;
});

const positive = leaf('a number above zero', 'one like 0.05', (written) =>
  typeof written === 'number' && Number.isFinite(written) && written > 0 ? written : undefined,
);

/** Longer, and whoever asks has no answer in time; shorter, and no node answers. */
const longest = { within: 10_000, over: 3_600_000 };
const upTo = (most: number) =>
  leaf('a duration', `one from 100ms to ${formatDuration(most)}`, (written) => {
    const parsed = value.duration.safeParse(written).data;
    return parsed !== undefined && parsed >= 100 && parsed <= most ? parsed : undefined;
  });

const program = list(
  text(
    'a word of a command',
    'a program by its absolute path, then its arguments; {name} is the node',
    /^[^\p{Cc}]{1,200}$/u,
  ),
  'words',
  1,
);

/** @param url where something is asked for */
export const checkBlock = (url: z.ZodType<string>) =>
  block({
    name: text('a name', 'lower-case letters, digits and dashes, at most 32, like ready', /^[a-z0-9][a-z0-9-]{0,31}$/),
    get: url.optional(),
    status: whole(100, 599).optional(),
    metrics: url.optional(),
    rate: selectors.optional(),
    per: selectors.nullable().optional(),
    journal: oneOf(journalPriorities).optional(),
    database: text(
      'a key of the environment file',
      'one like DATABASE_URL',
      /^[A-Za-z_][A-Za-z0-9_]{0,99}$/,
    ).optional(),
    query: text('a query', 'one like select 1', /^[^\0]{1,2000}$/).optional(),
    command: program.optional(),
    that: that.nullable().optional(),
    over: upTo(longest.over).optional(),
    watch: positive.nullable().optional(),
    bad: positive.nullable().optional(),
    compare: value.flag.optional(),
    at: withDefault(['watch', 'verify'], list(oneOf(checkPlaces), 'places', 1)),
    absent: withDefault('bad', oneOf(['bad', 'skip'])),
    // biome-ignore lint/suspicious/noThenProperty: a key of the settings, which nobody awaits
    then: withDefault('hold', oneOf(['hold', 'rollback'])),
    within: withDefault('5s', upTo(longest.within)),
  });
export type WrittenCheck = z.output<ReturnType<typeof checkBlock>>;

const kinds = ['get', 'metrics', 'journal', 'database', 'command'] as const;
type Kind = (typeof kinds)[number];
const belongTo: Partial<Record<keyof WrittenCheck, readonly Kind[]>> = {
  status: ['get'],
  rate: ['metrics'],
  per: ['metrics'],
  query: ['database'],
  that: ['get', 'database'],
  over: ['metrics', 'journal'],
  watch: ['metrics', 'journal'],
  bad: ['metrics', 'journal'],
  compare: ['metrics'],
};
const wanted: Partial<Record<Kind, readonly (keyof WrittenCheck)[]>> = {
  metrics: ['rate', 'over'],
  journal: ['over'],
  database: ['query'],
};

const kindOf = (check: WrittenCheck): Kind | null => {
  const found = kinds.filter((kind) => check[kind] !== undefined);
  return found.length === 1 ? (found[0] ?? null) : null;
};

/** What is wrong between the keys of a check, and between it and the policy. */
export function checkProblems(check: WrittenCheck, path: Path, healthDeadline: number | null): Problem[] {
  const kind = kindOf(check);
  if (kind === null) return [{ path, message: `write one of ${kinds.join(', ')}, and not more of them` }];
  const keys = Object.keys(check) as (keyof WrittenCheck)[];
  const odd = keys.filter((key) => check[key] != null && belongTo[key]?.includes(kind) === false);
  const lacking = (wanted[kind] ?? []).filter((key) => check[key] == null);
  return [
    ...odd.map((key) => ({ path: [...path, key], message: `does not go with ${kind}; leave it out` })),
    ...lacking.map((key) => ({ path, message: `${kind} needs ${key} as well` })),
    ...limitProblems(check, kind, path),
    ...timeProblems(check, path, healthDeadline),
  ];
}

function limitProblems({ watch, bad, compare }: WrittenCheck, kind: Kind, path: Path): Problem[] {
  if (kind !== 'metrics' && kind !== 'journal') return [];
  if (watch == null && bad == null && !compare) {
    const ways = kind === 'metrics' ? 'watch, bad or both, or compare: true' : 'watch, bad or both';
    return [{ path, message: `has no limit, so that nothing is ever found; write ${ways}` }];
  }
  if (watch == null || bad == null || watch < bad) return [];
  return [{ path: [...path, 'watch'], message: `${watch} is not below bad (${bad})` }];
}

/** In a node's turn two samples are waited for. */
function timeProblems({ at, over, metrics }: WrittenCheck, path: Path, healthDeadline: number | null): Problem[] {
  if (metrics === undefined || over === undefined || healthDeadline === null) return [];
  if (!at.includes('node') || over <= healthDeadline) return [];
  const message = `${formatDuration(over)} is longer than policy.healthDeadline (${formatDuration(healthDeadline)}), and a node's turn waits for no check longer; shorten it, or take node out of at`;
  return [{ path: [...path, 'over'], message }];
}

/** @param urlsOf an address with those of each node in it, by node */
export function checkFrom(check: WrittenCheck, urlsOf: (url: string) => Record<string, string>): Check {
  const { name, at, absent, within, over = 0, watch = null, bad = null } = check;
  const common = { name, at: [...new Set(at)], absent, onBad: check.then, within };
  const limits = { watch, bad };
  if (check.get !== undefined)
    return { ...common, kind: 'get', urls: urlsOf(check.get), status: check.status ?? 200, that: check.that ?? null };
  if (check.metrics !== undefined)
    return {
      ...common,
      ...limits,
      kind: 'metrics',
      urls: urlsOf(check.metrics),
      rate: check.rate ?? [],
      per: check.per ?? null,
      over,
      ...(check.compare ? { compare: true } : {}),
    };
  if (check.journal !== undefined) return { ...common, ...limits, kind: 'journal', priority: check.journal, over };
  if (check.database !== undefined)
    return { ...common, kind: 'database', key: check.database, query: check.query ?? '', that: check.that ?? null };
  return { ...common, kind: 'command', command: check.command ?? [] };
}
