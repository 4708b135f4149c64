import { inSeconds } from '../../base/duration.ts';
import { redact, redactLines } from '../../base/redact.ts';
import type { Health } from '../http/types.ts';
import type { Diagnosis, Service, Space } from '../rollout/types.ts';
import { errorLine, fatalLine, type Line, lastError, lifetime, messageOf, recent } from './journal.ts';
import { ending, type UnitFacts } from './observation.ts';

/** What was found on a sick node. */
export interface Signs {
  health: Health;
  unit: UnitFacts;
  /** Lines of the journal, oldest first, with ISO times. */
  journal: Line[];
  listens: string[];
  /** `ls -l` of the binary. */
  file: string;
  executable: boolean;
  space: Space | null;
}

const longLife = 3000;

const because = (signs: Signs) => {
  const error = lastError(signs.journal);
  return error === null ? '' : `: ${error}`;
};
/** The newest line that says so, as it may be shown. */
const mentions = (signs: Signs, pattern: RegExp) =>
  recent(signs.journal).findLast(({ written }) => pattern.test(written))?.shown;
const isDown = ({ unit }: Signs) => unit.mainPid === 0 || unit.active !== 'active' || unit.restarts > 0;
const hasFatal = (signs: Signs) => recent(signs.journal).some(({ written }) => fatalLine.test(written));

/** The first rule that applies names the likely cause. */
const rules: ((signs: Signs, service: Service) => string | null)[] = [
  ({ unit }, service) => (unit.loaded ? null : `there is no unit ${service.unit} on the node`),
  (signs) => {
    const full = (signs.space?.freeBytes ?? Infinity) < 1024 * 1024 || mentions(signs, /No space left on device/);
    return full ? 'the disk is full' : null;
  },
  (signs) => (signs.space?.freeInodes === 0 ? 'the disk has no room for more files (inodes)' : null),
  ({ file, executable }, service) => {
    if (/No such file/.test(file)) return `the binary is missing: ${service.binary}`;
    return executable ? null : `the binary is not executable: ${service.binary}`;
  },
  (signs) => (mentions(signs, /\b203\/EXEC\b|Exec format error/) ? 'the binary cannot be executed' : null),
  (signs) => {
    const line = mentions(signs, /address already in use|EADDRINUSE|cannot listen on/i);
    return line === undefined ? null : `its port is taken${owner(signs, line)}: ${messageOf(line)}`;
  },
  (signs) => {
    const line = isDown(signs) ? mentions(signs, /permission denied/i) : undefined;
    return line === undefined ? null : `permission denied: ${messageOf(line)}`;
  },
  (signs) => {
    if (!isDown(signs) || !hasFatal(signs)) return null;
    const lived = lifetime(signs.journal);
    const when =
      lived !== null && lived >= longLife ? `dies after ${inSeconds(lived)}` : `exits at start (${ending(signs.unit)})`;
    return `${when}${because(signs)}`;
  },
  (signs) =>
    signs.unit.mainPid === 0
      ? `the service does not run (${signs.unit.active}, ${ending(signs.unit)})${because(signs)}`
      : null,
  (signs) =>
    signs.unit.restarts > 0 && signs.health.is !== 'healthy'
      ? `keeps being restarted (${signs.unit.restarts} times)${because(signs)}`
      : null,
  (signs) =>
    signs.health.is === 'unhealthy' && signs.health.httpStatus === 200
      ? `runs, but says it is ${signs.health.detail}${because(signs)}`
      : null,
  (signs) =>
    signs.health.is === 'unhealthy' ? `runs, but never becomes healthy: ${signs.health.detail}${because(signs)}` : null,
  (signs) =>
    signs.health.is === 'unreachable'
      ? `runs, but health does not answer: ${signs.health.detail}${because(signs)}`
      : null,
];

/** Who holds the port that a journal line names, as far as `ss` tells. */
function owner(signs: Signs, line: string): string {
  const port = /port (\d+)|:(\d+)\b(?!.*:\d)/.exec(messageOf(line));
  const number = port?.[1] ?? port?.[2];
  if (number === undefined) return '';
  const entry = signs.listens.find((listen) => listen.includes(`:${number} `));
  const name = /users:\(\("([^"]+)",pid=(\d+)/.exec(entry ?? '');
  return name ? ` by ${name[1]} (pid ${name[2]})` : '';
}

/** Likely cause and the lines that show it, redacted, at most twelve. */
export function diagnosisOf(signs: Signs, service: Service): Diagnosis {
  const cause = rules.map((rule) => rule(signs, service)).find((summary) => summary !== null);
  const { unit, health, space } = signs;
  const answer = health.is === 'healthy' ? `healthy ${health.version ?? ''}` : health.detail;
  const errors = signs.journal.filter(({ written }) => errorLine.test(written)).slice(-3);
  const written = new Set([...errors, ...signs.journal.slice(-5)].map(({ shown }) => shown));
  const facts = [
    `unit: ${unit.active}/${unit.sub}, restarts ${unit.restarts}, last exit status ${unit.exitStatus}`,
    `health: ${answer.trim()}`,
    `binary: ${signs.file}`,
    ...(space === null ? [] : [`disk: ${Math.floor(space.freeBytes / 1024 / 1024)} MB free`]),
  ];
  return {
    summary: redact(cause ?? 'no cause was found: it runs and answers healthy now').slice(0, 300),
    evidence: [...redactLines(facts), ...written].map((line) => line.slice(0, 300)).slice(0, 12),
  };
}
