/** A flag of a word of this command line. `value`: what its value is called; null for a switch. */
export interface Flag {
  value: string | null;
  /** May be given more than once. */
  many: boolean;
  /** The values that there are; empty when they are not known beforehand. */
  choices: readonly string[];
}

/** A word that only this command line has, besides the verbs of the chat. */
export interface OwnWord {
  what: string;
  flags: Record<string, Flag>;
  /** What may follow without a dash: what it is called, and the choices when they are known; null for nothing. */
  operand: { name: string; needed: boolean; choices: readonly string[] } | null;
}

const one = (value: string, choices: readonly string[] = []): Flag => ({ value, many: false, choices });
const none: Pick<OwnWord, 'flags' | 'operand'> = { flags: {}, operand: null };
const given: Flag = { value: null, many: false, choices: [] };
/** Prints JSON instead of text; every verb takes it, too. */
export const jsonFlag: Flag = given;

/** Run until they are asked to end. */
export const roles = {
  all: { what: 'bot and worker in one process', ...none },
  bot: { what: 'the Slack side', ...none },
  worker: {
    what: 'SSH and health work; for the regions named, else for all',
    flags: { region: { value: 'R', many: true, choices: [] } },
    operand: null,
  },
  sandbox: {
    what: 'the whole product against a simulated fleet, with a page to click',
    flags: { port: one('N'), windows: one('guide|always', ['guide', 'always']) },
    operand: null,
  },
} as const satisfies Record<string, OwnWord>;

/** Do one thing and end. */
export const tools = {
  doctor: {
    what: 'checks everything that can be checked before the night',
    flags: { json: jsonFlag },
    operand: null,
  },
  keys: {
    what: 'prints the keys with which the programs of this machine sign, for the settings',
    flags: {},
    operand: { name: 'bot|worker|release', needed: false, choices: ['bot', 'worker', 'release'] },
  },
  audit: {
    what: 'examines the signed journals: of one rollout, of the ledger, or of all; with --file those that were exported, with --pack the directory of a report, file by file; ends with 0 when all is whole',
    flags: { head: one('LINE:HASH'), file: one('FILE'), pack: one('DIR'), json: jsonFlag },
    operand: { name: 'ROLLOUT|ledger|notes', needed: false, choices: [] },
  },
  manifest: { what: 'prints the link that creates the Slack app', ...none },
  watch: {
    what: 'follows the rollout until it is over, and ends with 0 when every node is proven',
    flags: { json: jsonFlag },
    operand: { name: 'ROLLOUT', needed: false, choices: [] },
  },
  export: {
    what: 'prints a rollout and its journal, or all of them and the ledger, as JSON lines',
    flags: { all: given },
    operand: { name: 'ROLLOUT', needed: false, choices: [] },
  },
  helper: {
    what: 'prints what a node needs so that its login may run the steps and nothing else',
    flags: { node: one('NODE') },
    operand: {
      name: 'PART',
      needed: false,
      choices: ['install', 'script', 'policy', 'signers', 'sudoers'],
    },
  },
  return: {
    what: 'brings a node back to its newest backup, without Slack, Redis and bot',
    flags: { yes: { value: null, many: false, choices: [] } },
    operand: { name: 'NODE', needed: true, choices: [] },
  },
  completion: {
    what: 'prints a script for your shell: eval "$(zeitwork completion bash)"',
    flags: {},
    operand: { name: 'bash|zsh', needed: true, choices: ['bash', 'zsh'] },
  },
} as const satisfies Record<string, OwnWord>;

export type Role = keyof typeof roles;
export type Tool = keyof typeof tools;

export const ownWords: Record<string, OwnWord> = { ...roles, ...tools };

export const isRole = (word: string): word is Role => Object.hasOwn(roles, word);
export const isTool = (word: string): word is Tool => Object.hasOwn(tools, word);

/** `worker [--region R]...` */
export function usageOf(name: string): string {
  const { flags, operand } = ownWords[name] ?? none;
  const shown = Object.entries(flags).map(
    ([flag, { value, many }]) => `[--${flag}${value === null ? '' : ` ${value}`}]${many ? '...' : ''}`,
  );
  const last = operand === null ? [] : [operand.needed ? operand.name : `[${operand.name}]`];
  return [name, ...shown, ...last].join(' ');
}
