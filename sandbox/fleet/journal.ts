export interface Entry {
  /** Epoch ms. */
  at: number;
  identifier: string;
  pid: number;
  message: string;
  invocation: string;
}

const kept = 5_000;

/** A node's journal; survives restarts and reboots of the node. */
export class Journal {
  readonly #host: string;
  readonly #entries: Entry[] = [];
  #starts = 0;

  constructor(host: string) {
    this.#host = host;
  }

  add(entry: Omit<Entry, 'at'>): void {
    if (entry.message.startsWith('Started zeitwork-operator')) this.#starts++;
    this.#entries.push({ at: Date.now(), ...entry });
    if (this.#entries.length > kept) this.#entries.splice(0, this.#entries.length - kept);
  }

  /** How often the service was started, automatic restarts included. */
  get starts(): number {
    return this.#starts;
  }

  clear(): void {
    this.#entries.length = 0;
    this.#starts = 0;
  }

  lines(): string[] {
    return this.#entries.map((entry) => this.#short(entry, stamp(entry.at)));
  }

  /** `journalctl` with the options that upgrade scripts use; others are ignored. */
  answer(args: string[]): string {
    const wanted = parse(args);
    let entries = this.#entries.filter((entry) => matches(entry, wanted));
    if (wanted.last !== null) entries = entries.slice(Math.max(0, entries.length - wanted.last));
    if (wanted.reverse) entries = entries.toReversed();
    const lines = entries.map((entry) => this.#format(entry, wanted.output));
    if (lines.length === 0) return wanted.quiet || wanted.output === 'json' ? '' : '-- No entries --\n';
    return `${lines.join('\n')}\n`;
  }

  #format(entry: Entry, output: string): string {
    if (output === 'cat') return entry.message;
    if (output === 'json') return JSON.stringify(this.#fields(entry));
    if (output.startsWith('short-iso'))
      return this.#short(entry, new Date(entry.at).toISOString().replace(/\.\d+Z$/, '+0000'));
    return this.#short(entry, stamp(entry.at));
  }

  #short(entry: Entry, when: string): string {
    return `${when} ${this.#host} ${entry.identifier}[${entry.pid}]: ${entry.message}`;
  }

  #fields(entry: Entry): Record<string, string> {
    return {
      __REALTIME_TIMESTAMP: String(entry.at * 1000),
      _HOSTNAME: this.#host,
      SYSLOG_IDENTIFIER: entry.identifier,
      _PID: String(entry.pid),
      _SYSTEMD_UNIT: 'zeitwork-operator.service',
      _SYSTEMD_INVOCATION_ID: entry.invocation,
      PRIORITY: '6',
      MESSAGE: entry.message,
    };
  }
}

interface Wanted {
  unit: string | null;
  identifier: string | null;
  invocation: string | null;
  since: number;
  last: number | null;
  output: string;
  quiet: boolean;
  reverse: boolean;
}

function parse(args: string[]): Wanted {
  const words = args.flatMap(split);
  const value = (...names: string[]): string | null => {
    const at = words.findLastIndex((word) => names.includes(word));
    return at === -1 ? null : (words[at + 1] ?? null);
  };
  const last = value('-n', '--lines');
  return {
    unit: value('-u', '--unit')?.replace(/\.service$/, '') ?? null,
    identifier: value('-t', '--identifier'),
    invocation: words.find((word) => /INVOCATION_ID=/.test(word))?.replace(/^.*=/, '') ?? value('--invocation'),
    since: instant(value('-S', '--since')),
    last: last === null || last === 'all' ? null : Number(last),
    output: value('-o', '--output') ?? 'short',
    quiet: words.includes('-q') || words.includes('--quiet'),
    reverse: words.includes('-r') || words.includes('--reverse'),
  };
}

/** `--lines=5` and `-n5` as two words. */
function split(word: string): string[] {
  const match = /^(--[a-z]+)=(.*)$/s.exec(word) ?? /^(-[nuotS])(.+)$/s.exec(word);
  return match?.[1] !== undefined && match[2] !== undefined ? [match[1], match[2]] : [word];
}

function instant(text: string | null): number {
  if (text === null) return 0;
  if (/^@[\d.]+$/.test(text)) return Number(text.slice(1)) * 1000;
  const ago = /^-?(\d+)\s*(s|sec|seconds?|m|min|minutes?|h|hours?)(\s+ago)?$/.exec(text);
  if (ago) return Date.now() - Number(ago[1]) * ({ s: 1, m: 60, h: 3600 }[ago[2]?.[0] ?? 's'] ?? 1) * 1000;
  return Date.parse(text) || 0;
}

function matches(entry: Entry, wanted: Wanted): boolean {
  const ofUnit = entry.identifier === 'systemd' || entry.identifier === 'zeitwork-operator';
  return (
    entry.at >= wanted.since &&
    (wanted.unit === null || (wanted.unit === 'zeitwork-operator' && ofUnit)) &&
    (wanted.identifier === null || wanted.identifier === entry.identifier) &&
    (wanted.invocation === null || wanted.invocation === entry.invocation)
  );
}

/** As `journalctl` prints it, in UTC: `Nov 22 23:01:50`. */
function stamp(at: number): string {
  const [, day, month, , time] = /^\w+, (\d+) (\w+) (\d+) ([\d:]+)/.exec(new Date(at).toUTCString()) ?? [];
  return `${month} ${day} ${time}`;
}
