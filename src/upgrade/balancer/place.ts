import { firstOf } from '../../base/cut.ts';
import { second } from '../../base/duration.ts';
import { redact } from '../../base/redact.ts';
import { type Answer, last, type Output, read } from '../host/answer.ts';
import { checked } from '../host/arguments.ts';
import { failed, failedForNow, reportOf, succeeded } from '../host/reports.ts';
import type { Report } from '../rollout/types.ts';
import type { Command, Shell } from '../ssh/types.ts';
import { lackingOf, readHaproxy } from './haproxy.ts';
import { readNginx, rewritten } from './nginx.ts';
import { impossible, misfit, otherThan, serving, tooFew } from './pool.ts';
import * as scripts from './scripts.ts';
import { readTold } from './told.ts';
import type { Balancer, Lacking, Pool, Wanted } from './types.ts';

/** Which command it is: one of an older run or try changes nothing there any more. */
export interface BalancerTurn {
  epoch: number;
  attempt: number;
}

/** What one of its machines says. `unsettled`: why the pool is not yet what clients meet, or would not outlive a reload. */
export type BalancerSight =
  | { is: 'seen'; host: string; pool: Pool; unsettled: Unsettled | null; kind: Balancer['kind'] }
  | { is: 'unseen'; host: string; report: Exclude<Report, { is: 'succeeded' }> };

/** `unsaved`, `unloaded`: another `apply` mends it; `leaving`: what was begun before still goes on. */
type Unsettled = { is: 'unsaved' | 'unloaded' | 'leaving'; reason: string };

/** A balancer on all of its machines. */
export interface BalancerPlace {
  called: string;
  show(signal: AbortSignal): Promise<BalancerSight[]>;
  /** Looks, and does what is lacking next; `later` until all machines have it. Safe to run as often as anybody likes. */
  bring(wanted: Wanted, turn: BalancerTurn, signal: AbortSignal): Promise<Report>;
  /** HAProxy's own lines about what a reload keeps; null where there is nothing to read. For the doctor. */
  configuration(host: string, signal: AbortSignal): Promise<string[] | null>;
}

export interface BalancerParts {
  balancer: Balancer;
  /** Names its folder on the machines. */
  fleet: string;
  region: string;
  shell: Pick<Shell, 'run'>;
  /** ms */
  timeoutMs: number;
}

const lookAgain = second;
const mostText = 48 * 1024;

interface Seen extends Extract<BalancerSight, { is: 'seen' }> {
  /** Of nginx: the file, and its SHA-256. */
  file?: { text: string; sha256: string };
}
type Unseen = Extract<BalancerSight, { is: 'unseen' }>;

export function createBalancer({ balancer, fleet, region, shell, timeoutMs }: BalancerParts): BalancerPlace {
  const unit = `unit=${checked('unit', `balancer-${fleet}-${region}`)}`;
  const place = [unit, 'binary=-', 'env=-'];

  const say = async (
    host: string,
    [name, script]: [string, string],
    args: string[],
    signal: AbortSignal,
    turn?: BalancerTurn,
  ): Promise<Answer> => {
    const numbers =
      turn === undefined
        ? []
        : [`epoch=${checked('number', String(turn.epoch))}`, `try=${checked('number', String(turn.attempt))}`];
    const command: Command = {
      ...{ name, script, args: [...numbers, ...place, '--', ...args], sudo: true, timeoutMs },
      ...(turn === undefined ? { looks: true as const } : {}),
    };
    const outcome = await shell.run(host, command, signal);
    signal.throwIfAborted();
    return read(outcome);
  };

  const see = async (host: string, signal: AbortSignal): Promise<Seen | Unseen> => {
    const answer = await say(host, showing(balancer), showArgs(balancer), signal);
    if (answer.is !== 'ok') return { is: 'unseen', host, report: told(host, answer) };
    const seen = seenIn(balancer, answer.output);
    if (seen !== null) return { is: 'seen', host, kind: balancer.kind, ...seen };
    return { is: 'unseen', host, report: unseen(`${host}: ${unreadable(balancer)}`) };
  };

  const bringOne = async (host: string, wanted: Wanted, turn: BalancerTurn, signal: AbortSignal): Promise<Report> => {
    const seen = await see(host, signal);
    if (seen.is === 'unseen') return seen.report;
    const lacking = lackingIn(balancer, seen, wanted);
    switch (lacking.is) {
      case 'impossible':
        return failed(`${host}: ${lacking.reason}`);
      case 'waiting':
        return later(`${host}: ${lacking.reason}`);
      case 'nothing':
        // New requests are where they should be; on a way back nobody waits for one that is slow.
        if (seen.unsettled?.is === 'leaving' && wanted.fromMaintenance)
          return later(`${host}: ${seen.unsettled.reason}`);
        if (seen.unsettled === null || seen.unsettled.is === 'leaving') return succeeded();
        break;
      case 'commands':
        break;
    }
    const args = applyArgs(balancer, seen, wanted, lacking.is === 'commands' ? lacking : { commands: [], must: [] });
    const answer = await say(host, applying(balancer), args, signal, turn);
    if (answer.is !== 'ok') return told(host, answer);
    // Read back before anybody says that it is so.
    return toldBy(host, answer.output) ?? later(`${host}: it was told`, 0);
  };

  return {
    called: balancer.hosts.join(', '),
    show: (signal) => Promise.all(balancer.hosts.map((host) => see(host, signal))),
    async bring(wanted, turn, signal) {
      let last: Report = succeeded();
      for (const host of balancer.hosts) {
        let report = await bringOne(host, wanted, turn, signal);
        // What was just told is read back at once, so that a way back takes no longer than it must.
        for (let again = 0; report.is === 'later' && report.after === 0 && again < mostPasses; again++)
          report = await bringOne(host, wanted, turn, signal);
        if (report.is === 'later') last = { ...report, after: Math.max(report.after, lookAgain) };
        else if (report.is !== 'succeeded') return report;
      }
      return last;
    },
    async configuration(host, signal) {
      if (balancer.kind !== 'haproxy') return null;
      const words: [string, string] = ['read configuration', scripts.readConfigScript];
      const answer = await say(host, words, [checked('path', balancer.config)], signal);
      return answer.is === 'ok' ? (answer.output.get('line') ?? []).map((line) => line.trim()) : null;
    },
  };
}

/** From maintenance to drained, ready, and the others out: each is told, then read back. */
const mostPasses = 6;

const later = (reason: string, after = lookAgain): Report => ({ is: 'later', reason, after });

function showing({ kind }: Balancer): [string, string] {
  const all = { haproxy: scripts.showHaproxyScript, nginx: scripts.showNginxScript, command: scripts.showToldScript };
  return ['show the balancer', all[kind]];
}

function applying({ kind }: Balancer): [string, string] {
  const all = {
    haproxy: scripts.applyHaproxyScript,
    nginx: scripts.applyNginxScript,
    command: scripts.applyToldScript,
  };
  return ['change the balancer', all[kind]];
}

function showArgs(balancer: Balancer): string[] {
  switch (balancer.kind) {
    case 'haproxy':
      return haproxyArgs(balancer);
    case 'nginx':
      return [checked('path', balancer.file), checked('path', balancer.pidFile)];
    case 'command':
      return balancer.show.map((word) => checked('argument', word));
  }
}

const haproxyArgs = ({ socket, backend, stateFile }: Extract<Balancer, { kind: 'haproxy' }>): string[] => [
  checked('path', socket),
  checked('word', backend),
  stateFile === null ? '-' : checked('path', stateFile),
];

function applyArgs(
  balancer: Balancer,
  { file }: Seen,
  wanted: Wanted,
  { commands, must }: { commands: string[]; must: string[] },
): string[] {
  switch (balancer.kind) {
    case 'haproxy':
      return [...haproxyArgs(balancer), must.map((name) => checked('word', name)).join(','), ...commands];
    case 'nginx': {
      const text = Buffer.from(rewritten(file?.text ?? '', wanted)).toString('base64');
      const paths = [balancer.file, balancer.pidFile, balancer.config].map((path) => checked('path', path));
      return [...paths, checked('sha256', file?.sha256 ?? ''), text];
    }
    case 'command': {
      const names = { in: wanted.in.join(','), out: wanted.out.join(',') };
      return balancer.apply.map((word) => word.replaceAll('{in}', names.in).replaceAll('{out}', names.out));
    }
  }
}

function lackingIn(balancer: Balancer, { pool }: Seen, wanted: Wanted): Lacking {
  if (balancer.kind === 'haproxy') return lackingOf(balancer.backend, pool, wanted);
  const wrong = misfit(pool, wanted);
  if (wrong !== null) return impossible(wrong);
  // Those who come in and those who go are changed in one: only what it says of them afterwards can be waited for.
  if (otherThan(pool, wanted) !== null) return { is: 'commands', commands: [], must: [] };
  const few = tooFew(pool, { ...wanted, need: Math.min(wanted.need, serving(pool, wanted).length + 1) });
  return balancer.kind === 'command' && few !== null && pool.some(({ well }) => well === 'no')
    ? { is: 'waiting', reason: few }
    : { is: 'nothing' };
}

function seenIn(balancer: Balancer, output: Output): Pick<Seen, 'pool' | 'unsettled' | 'file'> | null {
  switch (balancer.kind) {
    case 'haproxy': {
      const servers = output.get('server') ?? [];
      const stat = output.get('stat') ?? [];
      const pool = readHaproxy(balancer.backend, servers, stat);
      if (pool === null) return null;
      const saved = readHaproxy(balancer.backend, output.get('saved') ?? [], stat);
      const isSaved = balancer.stateFile === null || (saved !== null && places(saved) === places(pool));
      return {
        pool,
        unsettled: isSaved ? null : { is: 'unsaved', reason: `${balancer.stateFile} is not as the pool` },
      };
    }
    case 'nginx': {
      const text = Buffer.from((output.get('file') ?? []).join(''), 'base64').toString('utf8');
      const pool = Buffer.byteLength(text) > mostText ? null : readNginx(text);
      const sha256 = last(output, 'sha');
      if (pool === null || sha256 === null) return null;
      const workers = output.get('worker') ?? [];
      return { pool, file: { text, sha256 }, unsettled: unsettledNginx(workers) };
    }
    case 'command': {
      const { code, lines } = ended(output);
      const pool = code === '0' ? readTold(lines) : null;
      return pool === null ? null : { pool, unsettled: null };
    }
  }
}

function unsettledNginx(workers: string[]): Unsettled | null {
  if (workers.includes('old serving')) return { is: 'unloaded', reason: 'nginx still goes by the old file' };
  const leaving = workers.filter((each) => each === 'old leaving').length;
  if (leaving === 0) return null;
  return { is: 'leaving', reason: `${leaving} workers still finish what was begun before` };
}

const places = (pool: Pool): string => pool.map(({ name, gets }) => `${name} ${gets}`).join('\n');

function ended(output: Output): { code: string; lines: string[] } {
  const lines = output.get('told') ?? [];
  return { code: lines.at(-1)?.replace(/^exit /, '') ?? '', lines: lines.slice(0, -1) };
}

/** What a program of the settings came to; null: it says that it is done, or there is none. */
function toldBy(host: string, output: Output): Report | null {
  if (!output.has('told')) return null;
  const { code, lines } = ended(output);
  if (code === '0') return null;
  const said = firstOf(redact(lines.join('\n')).trim().split('\n').at(-1) ?? '', 200);
  if (code === '75') return later(`${host}: ${said || 'the balancer is at it'}`);
  return failedForNow(
    `${host}: the command for the balancer ended with exit code ${code}${said === '' ? '' : `: ${said}`}`,
  );
}

function unreadable(balancer: Balancer): string {
  switch (balancer.kind) {
    case 'haproxy':
      return `HAProxy has no backend ${balancer.backend}, or says something else than it does`;
    case 'nginx':
      return `${balancer.file} has no lines like "server 10.0.1.11:8080; # NAME", or one name twice`;
    case 'command':
      return 'the command that shows the pool ended badly, or said something else than "NAME in" and "NAME out"';
  }
}

const unseen = (reason: string): Unseen['report'] => ({ is: 'failed', reason, retry: false, facts: {} });

const words: Record<string, (detail: string) => Report> = {
  socket: (said) => failedForNow(`HAProxy's socket does not answer: ${said}`),
  haproxy: (said) => failed(`HAProxy says: ${said}`),
  sick: (name) => failedForNow(`${name} was not healthy any more right before others were taken out; nobody was`),
  'no-nginx': (path) => failedForNow(`no nginx runs as ${path} says`),
  'no-file': (path) => failed(`there is no ${path}, or a link in its place`),
  long: (path) => failed(`${path} is too long to be a list of servers`),
  drift: () => failedForNow('somebody changed the file in this moment'),
  untested: (said) => failed(`nginx does not take the file, and the old one is back: ${said}`),
  unloaded: () => failed('nginx did not load the file (its error log says why), and the old one is back'),
};

function told(host: string, answer: Exclude<Answer, { is: 'ok' }>): Unseen['report'] {
  const own = answer.is === 'refused' && Object.hasOwn(words, answer.word) ? words[answer.word] : undefined;
  const report =
    answer.is === 'refused' && own !== undefined
      ? own(redact(answer.detail).slice(0, 300))
      : reportOf(answer, 'unknown');
  return report.is === 'succeeded'
    ? unseen(`${host}: nobody knows`)
    : { ...report, reason: `${host}: ${report.reason}` };
}
