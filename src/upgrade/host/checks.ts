import { setMaxListeners } from 'node:events';
import type { Clock } from '../../base/clock.ts';
import { inSeconds } from '../../base/duration.ts';
import { wordsOf } from '../../base/errors.ts';
import { timeLimit } from '../../base/time-limit.ts';
import type {
  AskChecks,
  Check,
  CheckOccasion,
  CommandCheck,
  DatabaseCheck,
  GetCheck,
  JournalCheck,
  Judged,
  MetricsCheck,
  Sample,
} from '../checks/index.ts';
import {
  absent,
  bad,
  databaseIn,
  isMissing,
  judgeCommand,
  judgeGet,
  judgeJournal,
  judgeMissing,
  judgeRate,
  judgeRows,
  resultOf,
  Samples,
  sampleOf,
  tame,
  unknown,
} from '../checks/index.ts';
import type { Fetch, Probe } from '../http/types.ts';
import type { Service } from '../rollout/types.ts';
import type { AskDatabase, Command, Shell } from '../ssh/types.ts';
import { type Answer, last, type Output, read } from './answer.ts';
import * as commands from './commands.ts';
import { readObservation } from './observation.ts';
import { entriesRead } from './scripts/checks.ts';

/** What asking needs. */
export interface CheckParts {
  checks: readonly Check[];
  service: Service;
  shell: Shell;
  probe: Probe;
  fetch: Fetch;
  database: AskDatabase;
  clock: Clock;
}

/** Bytes of the text of Prometheus that are read. */
export const metricsLimit = 4 * 1024 * 1024;
/** Bytes of any other answer. */
const answerLimit = 256 * 1024;

/** How long whoever asks once waits between two samples, ms. */
const shortWait = 3_000;

/** For a look at the unit: the first one after a switch hashes the binary. */
const lookTime = 10_000;

const decides: Record<CheckOccasion, (check: Check) => boolean> = {
  node: ({ at }) => at.includes('node'),
  before: ({ at }) => at.includes('node') || at.includes('watch'),
  watch: ({ at }) => at.includes('watch'),
  after: ({ at }) => at.includes('watch'),
  all: () => true,
};

/** One node, for one round of questions. */
interface Round {
  node: string;
  occasion: CheckOccasion;
  signal: AbortSignal;
  /** Whether its health address answers, whatever it says; asked once. */
  answers(): Promise<boolean>;
  /** What runs there, as systemd names it; asked before the metrics and after. */
  invocation(): Promise<string | null>;
}

/** Asks nodes what the settings want to know of them. Remembers the last samples of what is counted, and nothing else. */
export function createChecks(parts: CheckParts): AskChecks {
  const { checks, service, shell, probe, fetch, database, clock } = parts;
  const samples = new Samples();

  return async (node, occasion, signal) => {
    const asked = checks.filter(decides[occasion]);
    // Many questions wait for the same end, which Node would report as a leak.
    setMaxListeners(0, signal);
    const round = roundOf(node, occasion, signal);
    return Promise.all(
      asked.map(async (check) => {
        const judged = await judge(check, round).catch((error: unknown) => unknown(tame(wordsOf(error))));
        return resultOf(check, node, judged, clock.now());
      }),
    );
  };

  function roundOf(node: string, occasion: CheckOccasion, signal: AbortSignal): Round {
    let answering: Promise<boolean> | null = null;
    const answers = () => {
      answering ??= probe.health(node).then(({ is }) => is !== 'unreachable');
      return answering;
    };
    const invocation = async () => {
      const seen = await run(node, commands.glance(service, lookTime), signal);
      return seen.is === 'ok' ? readObservation(seen.output).unit.invocation || null : null;
    };
    return { node, occasion, signal, answers, invocation };
  }

  function judge(check: Check, round: Round): Promise<Judged> {
    switch (check.kind) {
      case 'get':
        return inTime(check, round.signal, get(check, round));
      case 'metrics':
        return metrics(check, round);
      case 'journal':
        return inTime(check, round.signal, journal(check, round));
      case 'database':
        return inTime(check, round.signal, rows(check, round));
      case 'command':
        return inTime(check, round.signal, program(check, round));
    }
  }

  /** Whatever a host does, nobody waits longer than that. */
  async function inTime<T>({ within }: Check, signal: AbortSignal, work: Promise<T>): Promise<T> {
    const limit = timeLimit(clock, within);
    try {
      return await unlessOver(work, limit.signal, signal, `no answer within ${inSeconds(within, 1)}`);
    } finally {
      limit.lift();
    }
  }

  async function get(check: GetCheck, { node, answers }: Round): Promise<Judged> {
    const heard = await fetch(urlOf(check, node), { timeoutMs: check.within, limit: answerLimit });
    return judgeGet(check, heard, isMissing(heard, check.status) && (await answers()));
  }

  async function metrics(check: MetricsCheck, round: Round): Promise<Judged> {
    const first = await inTime(check, round.signal, sample(check, round));
    if ('says' in first) return first;
    const before = samples.partner(check, round.node, first, round.occasion === 'after');
    if (before !== null) return judgeRate(check, before, first);
    const wait = waitOf(check, round.occasion);
    if (wait === 0) return unknown('one sample so far, and a rate wants two');
    await unlessOver(clock.sleep(wait, round.signal), round.signal, round.signal, 'nobody waits for it any more');
    const second = await inTime(check, round.signal, sample(check, round));
    return 'says' in second ? second : judgeRate(check, first, second);
  }

  /** Between two looks at the process, so that what was counted is this one's. */
  async function sample(check: MetricsCheck, { node, answers, invocation }: Round): Promise<Sample | Judged> {
    const before = await invocation();
    const heard = await fetch(urlOf(check, node), { timeoutMs: check.within, limit: metricsLimit });
    const at = clock.monotonic();
    const missing = judgeMissing(heard, 200, isMissing(heard, 200) && (await answers()));
    if (missing !== null) return missing;
    if (heard.is === 'silent') return unknown(tame(heard.detail));
    if (heard.status !== 200) return bad(`it answered ${heard.status}`);
    const after = await invocation();
    if (before === null || after === null) return unknown('nobody can tell which process counted that');
    if (before !== after) return unknown('the service was restarted meanwhile');
    const taken = sampleOf(check, heard.text, at, after);
    samples.keep(check, node, taken);
    return taken;
  }

  async function journal(check: JournalCheck, { node, signal }: Round): Promise<Judged> {
    const answer = await run(node, commands.countEntries(service, check, check.within), signal);
    if (answer.is !== 'ok') return untold(answer);
    const [, entries, all, ended] = /^(\d{1,9}) (\d{1,9}) (\d{1,3})$/.exec(last(answer.output, 'entries') ?? '') ?? [];
    if (entries === undefined || ended !== '0') return unknown('the journal cannot be read');
    return judgeJournal(check, Number(entries), Number(all) < entriesRead);
  }

  async function rows(check: DatabaseCheck, { node, signal }: Round): Promise<Judged> {
    const answer = await run(node, commands.lendKey(service, check, check.within), signal);
    if (answer.is === 'refused' && ['no-key', 'no-env'].includes(answer.word))
      return absent(`its environment file has no ${check.key}`);
    if (answer.is !== 'ok') return untold(answer);
    const written = last(answer.output, 'value');
    const address = written === null ? null : databaseIn(written);
    if (address === null) return unknown(`${check.key} is no address of a PostgreSQL database`);
    const said = await database(node, address, check.query, check.within);
    const secrets = [written ?? '', address.password].filter((each) => each !== '');
    if (said.is === 'rows') return judgeRows(check, said.rows);
    return said.is === 'refused' ? bad(tame(said.detail, secrets)) : unknown(tame(said.detail, secrets));
  }

  async function program(check: CommandCheck, { node, signal }: Round): Promise<Judged> {
    const answer = await run(node, commands.runCheck(service, node, check, check.within + 1_000), signal);
    if (answer.is !== 'ok') return untold(answer);
    const code = last(answer.output, 'code') ?? '';
    if (!/^\d{1,3}$/.test(code)) return unknown('it did not say how it ended');
    return judgeCommand(check, Number(code), lastLine(answer.output));
  }

  async function run(node: string, command: Command, signal: AbortSignal): Promise<Answer> {
    return read(await shell.run(node, command, signal));
  }
}

const urlOf = ({ urls }: { urls: Record<string, string> }, node: string): string =>
  Object.hasOwn(urls, node) ? (urls[node] ?? '') : '';

const lastLine = (output: Output): string =>
  (output.get('said') ?? []).findLast((line) => line.trim() !== '')?.trim() ?? '';

/** What a node refused, or could not be asked, tells nobody anything about the service. */
function untold(answer: Exclude<Answer, { is: 'ok' }>): Judged {
  if (answer.is !== 'refused') return unknown(tame(answer.reason));
  if (answer.word === 'stopped') return unknown('the service does not run');
  return unknown(tame(`the node refused: ${answer.word} ${answer.detail}`));
}

/** In a turn a rate has its time; whoever looks once waits a little, and a watch looks again anyway. */
function waitOf({ over }: MetricsCheck, occasion: CheckOccasion): number {
  if (occasion === 'node') return over;
  return occasion === 'watch' || occasion === 'after' ? 0 : Math.min(over, shortWait);
}

/** Rejects as soon as one of the signals aborts; what the work says then is nobody's business any more. */
function unlessOver<T>(work: Promise<T>, late: AbortSignal, signal: AbortSignal, why: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const over = () => reject(new Error(signal.aborted ? 'nobody waits for it any more' : why));
    for (const each of [late, signal]) {
      if (each.aborted) over();
      each.addEventListener('abort', over, { once: true });
    }
    work.then(resolve, reject).finally(() => {
      for (const each of [late, signal]) each.removeEventListener('abort', over);
    });
  });
}
