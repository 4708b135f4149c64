import { wordsOf } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';
import { redact } from '../base/redact.ts';
import { isVerb, verbs } from '../bot/command.ts';
import { type Asked, readAsked } from './cli/ask.ts';
import { type End, Ended, exitCodes } from './cli/exit.ts';
import { heed } from './cli/fleets.ts';
import { jsonLine } from './cli/json.ts';
import { readWord } from './cli/read.ts';
import { overview, pageOf } from './cli/usage.ts';
import { isRole, isTool, ownWords } from './cli/words.ts';
import { version } from './version.ts';

/**
 * The local command line. What is heavy is loaded when its word was asked for: help and mistakes answer at once, and
 * need neither settings nor Redis.
 * @returns the exit code; never rejects
 */
export async function main(argv: string[]): Promise<number> {
  process.on('unhandledRejection', logged);
  // A reader that went away, or a terminal that was closed, is no reason to leave something half-way.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const asked = readable(argv);
  if (asked === null) return exitCodes.usage;
  try {
    heed(asked.which, process.env);
    return exitCodes[await perform(asked)];
  } catch (error) {
    return exitCodes[told(error, asked)];
  }
}

function readable(argv: string[]): Asked | null {
  try {
    return readAsked(argv);
  } catch (error) {
    console.error(`zeitwork: ${redact(wordsOf(error))}`);
    return null;
  }
}

async function perform(asked: Asked): Promise<End> {
  const { word, rest } = asked;
  if (asked.version) return print(`zeitwork ${version()}`);
  if (word === null && !asked.help) throw new Ended('usage', overview());
  if (word === null || (word === 'help' && rest.length === 0)) return print(overview());
  if (asked.help || word === 'help') return manual(word === 'help' ? (rest[0] ?? '') : word);
  const flags = asked.json ? [...rest, '--json'] : rest;
  if (isRole(word)) {
    const read = readWord(word, flags);
    if (word === 'sandbox') return (await import('./sandbox.ts')).sandbox(read);
    return (await import('./roles.ts')).run(word, read);
  }
  if (isTool(word)) {
    return (await import('./tools.ts')).run(word, readWord(word, flags));
  }
  if (!isVerb(word.toLowerCase())) throw unknown(word);
  return (await import('./verbs.ts')).verb(asked);
}

async function manual(word: string): Promise<End> {
  if (Object.hasOwn(ownWords, word)) return print(pageOf(word));
  const name = word.toLowerCase();
  if (!isVerb(name)) throw unknown(word);
  return print((await import('./verbs.ts')).page(name));
}

function unknown(word: string): Ended {
  const meant = nearest(word, [...verbs, ...Object.keys(ownWords)]);
  const hint = meant === null ? 'no such command' : `did you mean ${meant}?`;
  return new Ended('usage', `${word}: ${hint} (zeitwork --help lists them)`);
}

function print(text: string): End {
  console.log(text);
  return 'done';
}

/** Says what went wrong, by whose fault. Errors are told by their names: their rooms may be heavy, and not loaded. */
function told(error: unknown, { word, json }: Asked): End {
  const end = endOf(error);
  const message = redact(wordsOf(error));
  if (json) console.log(jsonLine(understood(word), end, Date.now(), message));
  else if (end === 'bug') console.error(redact(error instanceof Error ? (error.stack ?? message) : message));
  else console.error(word === null ? message : `zeitwork: ${message}`);
  return end;
}

function understood(word: string | null): string | null {
  if (word === null || Object.hasOwn(ownWords, word)) return word;
  return isVerb(word.toLowerCase()) ? word.toLowerCase() : null;
}

function endOf(error: unknown): End {
  if (error instanceof Ended) return error.end;
  if (!(error instanceof Error)) return 'bug';
  if (error.name === 'SettingsError') return 'settings';
  return error.name === 'Refused' ? 'refused' : 'bug';
}

/**
 * Slack's client may reject where nobody listens (a revoked token, a race of two reconnects): that must never end a
 * process which has a node half-way. What must not be survived still throws.
 */
function logged(reason: unknown): void {
  void import('./log.ts').then(({ createLog }) =>
    createLog('process').error({ reason: wordsOf(reason) }, 'unhandled rejection'),
  );
}
