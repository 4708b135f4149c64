import { isVerb, manual, type Verb, verbs } from '../../bot/command.ts';
import { ownWords, roles, tools, usageOf } from './words.ts';

const column = 32;
const line = (usage: string, what: string) =>
  usage.length < column ? `  ${usage.padEnd(column)}${what}` : `  ${usage}\n${' '.repeat(column + 2)}${what}`;
const own = (words: object) => Object.keys(words).map((name) => line(usageOf(name), ownWords[name]?.what ?? ''));
const short = (verb: Verb) => line(manual[verb].usage.replace(/ \[--.*/, ' ...'), manual[verb].what);

/** Everything that this command line understands. */
export const overview = (): string =>
  [
    'usage: zeitwork WORD ...',
    '',
    'roles (each runs until Ctrl-C or SIGTERM)',
    ...own(roles),
    '',
    'tools',
    ...own(tools),
    '',
    'verbs, the same as in Slack; each takes --json, and --as NAME, --key FILE to sign (docs/people.md)',
    ...verbs.filter(isVerb).map(short),
    '',
    '-h, --help after any word tells more about it; -V, --version',
    'settings: ZEITWORK_CONFIG (zeitwork.yaml), or --config FILE or FOLDER, several for several fleets;',
    'of several fleets one is meant: --fleet NAME, or ZEITWORK_FLEET; a role serves all, or those that are named;',
    'log level: ZEITWORK_LOG (info);',
    'secrets: SLACK_BOT_TOKEN, SLACK_APP_TOKEN, REDIS_URL, REDIS_USER, REDIS_PASSWORD, REDIS_CA, each also as NAME_FILE',
    'ZEITWORK_KEY: the key with which you sign what you decide',
    'exit codes and JSON: docs/shell.md',
  ].join('\n');

/** One of our own words. */
export const pageOf = (name: string): string => `usage: zeitwork ${usageOf(name)}\n  ${ownWords[name]?.what ?? ''}`;
