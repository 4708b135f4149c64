import { inSeconds } from '../../base/duration.ts';
import { redact, redactLines } from '../../base/redact.ts';
import type { Health } from '../http/types.ts';
import type { Diagnosis, LikelyCause, Service, Space } from '../rollout/types.ts';
import { type Cause, causes, type Part } from './causes.ts';
import { errorLine, fatalLine, isQuiet, type Line, lastError, lifetime, messageOf, recent } from './journal.ts';
import { ending, type UnitFacts } from './observation.ts';

/** What was found on a sick node. */
export interface Signs {
  health: Health;
  unit: UnitFacts;
  /** More properties of the unit, as systemctl shows them. */
  properties: string[];
  /** Lines of the journal, oldest first, with ISO times. */
  journal: Line[];
  listens: string[];
  /** `ls -l` of the binary. */
  file: string;
  executable: boolean;
  space: Space | null;
  places: Place[];
  /** The program that runs, as the kernel names it; null while none does. */
  running: string | null;
  /** How far the clock of the node goes ahead of ours, in seconds; null when nobody knows. */
  clock: number | null;
  /** What it should run; null when nothing in particular. */
  wanted: string | null;
}

export interface Place extends Omit<Space, 'device'> {
  path: string;
  readOnly: boolean;
}

const longLife = 3000;
const leastFree = 1024 * 1024;
/** In seconds: below it certificates and tokens mind little. */
const clockMayBeOff = 60;
const lineMax = 300;
const evidenceMax = 12;

const isDown = ({ unit }: Signs) => unit.mainPid === 0 || unit.active !== 'active' || unit.restarts > 0;
const isIll = (signs: Signs) => isDown(signs) || signs.health.is !== 'healthy';

/** Where causes are looked for. Only the journal may hold what must not be shown; of the rest the node masked nothing. */
function partsOf(signs: Signs): Record<Part, Line[]> {
  const lines = (texts: string[]): Line[] => {
    const shown = redactLines(texts);
    return texts.map((written, at) => ({ written, shown: shown[at] ?? '' }));
  };
  const { unit, properties, file, executable, running } = signs;
  const load = properties.filter((line) => line.startsWith('LoadState='));
  return {
    unit: lines([...(unit.loaded ? [] : ['LoadState=not-found']), ...load, `Result=${unit.result}`]),
    journal: isIll(signs) ? recent(signs.journal).filter(({ written }) => !isQuiet(written)) : [],
    files: [{ written: stateOf(file, executable), shown: redact(file) }],
    place: lines(placesOf(signs)),
    running: lines(running === null ? [] : [running]),
    course: courseOf(signs),
    outside: lines(outsideOf(signs)),
    answer: [],
  };
}

const stateOf = (file: string, executable: boolean): string =>
  /No such file/.test(file) ? 'missing' : executable ? 'fine' : 'not executable';

function placesOf({ space, places }: Signs): string[] {
  const all = space === null ? places : [...places, { ...space, path: 'the directory of the binary', readOnly: false }];
  return all.flatMap(({ path, freeBytes, freeInodes, readOnly }) => [
    ...(freeBytes < leastFree ? [`${path} is full: ${freeBytes} bytes are free`] : []),
    ...(freeInodes === 0 ? [`${path} has no inodes left`] : []),
    ...(readOnly ? [`${path} is read-only`] : []),
  ]);
}

/** In our words, each with the line of the node that shows it where there is one. */
function courseOf(signs: Signs): Line[] {
  const { unit, properties, health, journal } = signs;
  const line = (written: string, by?: Line): Line => ({ written, shown: by?.shown ?? redact(written) });
  const isOff = unit.mainPid === 0 && unit.active === 'inactive';
  const disabled = isOff && properties.includes('UnitFileState=disabled') ? [line('the unit is disabled')] : [];
  const newest = journal.at(-1);
  if (isOff && unit.result === 'success' && /: Stopped\b/.test(newest?.written ?? ''))
    return [line('was stopped, and nobody started it again', newest), ...disabled];
  const killed = isIll(signs) ? killedBy(signs) : [];
  if (killed.length > 0) return [...killed, ...disabled];
  const fatal = recent(journal).findLast(({ written }) => fatalLine.test(written) && !isQuiet(written));
  if (isDown(signs) && fatal !== undefined) {
    const lived = lifetime(journal);
    const when =
      lived !== null && lived >= longLife ? `dies after ${inSeconds(lived)}` : `exits at start (${ending(unit)})`;
    return [line(when, fatal), ...disabled];
  }
  if (unit.mainPid === 0) return [line(`does not run (${unit.active}, ${ending(unit)})`), ...disabled];
  if (unit.restarts > 0 && health.is !== 'healthy') return [line(`keeps being restarted (${unit.restarts} times)`)];
  return [];
}

/** A stop that took too long ends with a kill, too; only where systemd calls that the result it came from outside. */
function killedBy({ journal }: Signs): Line[] {
  const lines = recent(journal);
  if (!lines.some(({ written }) => /Failed with result 'signal'/.test(written))) return [];
  const found = lines.findLast(({ written }) => /code=killed, status=\d+\/[A-Z0-9]+/.test(written));
  const signal = /status=\d+\/([A-Z0-9]+)/.exec(found?.written ?? '')?.[1];
  return found === undefined ? [] : [{ written: `was killed from outside (signal ${signal})`, shown: found.shown }];
}

function outsideOf({ health, clock, wanted }: Signs): string[] {
  const off = clock === null || Math.abs(clock) < clockMayBeOff ? null : Math.round(Math.abs(clock));
  const way = (clock ?? 0) < 0 ? 'is behind' : 'goes ahead';
  return [...(off === null ? [] : [`the clock of the node ${way} by ${off} s`]), ...healthSays(health, wanted)];
}

function healthSays(health: Health, wanted: string | null): string[] {
  if (health.is === 'healthy') {
    const isOther = wanted !== null && health.version !== null && health.version !== wanted;
    return isOther ? [`answers as ${health.version}, not as ${wanted}`] : [];
  }
  if (health.is === 'unreachable') return [`health does not answer: ${health.detail}`];
  return [health.httpStatus === 200 ? `says it is ${health.detail}` : `never becomes healthy: ${health.detail}`];
}

interface Shown {
  cause: Cause;
  line: Line;
}

/** The newest line that shows it. */
function shownBy(cause: Cause, parts: Record<Part, Line[]>): Shown[] {
  const line = parts[cause.in].findLast(({ written }) => cause.like.test(textOf(cause, written)));
  return line === undefined ? [] : [{ cause, line }];
}

const textOf = (cause: Cause, text: string): string => (cause.in === 'journal' ? messageOf(text) : text);

/** What is shown, of the first group in which anything is; each sentence once. */
function likelyCauses(signs: Signs, parts: Record<Part, Line[]>, service: Service): LikelyCause[] {
  const groups = causes.map((group) =>
    group
      .flatMap((cause) => shownBy(cause, parts))
      .filter(({ line }) => holder(signs, line.written)?.pid !== signs.unit.mainPid),
  );
  const told = (groups.find((group) => group.length > 0) ?? []).map((shown) => inWords(shown, signs, service));
  return told.filter(({ says }, at) => told.findIndex((other) => other.says === says) === at);
}

function inWords({ cause, line }: Shown, signs: Signs, service: Service): LikelyCause {
  const text = cause.in === 'journal' ? messageOf(line.shown) : redact(line.written);
  const error = lastError(signs.journal);
  const words: Record<string, string> = {
    line: text.slice(0, 200),
    1: cause.like.exec(text)?.[1] ?? '***',
    by: owner(signs, line.written),
    error: error === null || text.includes(error) ? '' : `: ${error}`,
    unit: service.unit,
    binary: service.binary,
  };
  const says = cause.says.replace(/\{(\w+)\}/g, (_, word: string) => words[word] ?? '');
  const { name, mend, next } = cause;
  return { name, says: redact(says).slice(0, lineMax), line: line.shown.slice(0, lineMax), mend, next };
}

/** Who holds the port that a journal line names, as far as `ss` tells: when it is the service, the port was free again. */
function holder(signs: Signs, line: string): { program: string; pid: number } | null {
  if (!/address (?:is )?already in use|EADDRINUSE/i.test(line)) return null;
  const port = /port (\d+)|:(\d+)\b(?!.*:\d)/.exec(messageOf(line));
  const number = port?.[1] ?? port?.[2];
  if (number === undefined) return null;
  const entry = signs.listens.find((listen) => listen.includes(`:${number} `));
  const name = /users:\(\("([^"]+)",pid=(\d+)/.exec(entry ?? '');
  return name === null ? null : { program: name[1] ?? '', pid: Number(name[2]) };
}

function owner(signs: Signs, line: string): string {
  const by = holder(signs, line);
  return by === null ? '' : ` by ${by.program} (pid ${by.pid})`;
}

/** Nothing that we know shows: then nothing is called a cause. */
const nothingShown = (signs: Signs): string =>
  isIll(signs)
    ? 'no cause that is known shows; see its last lines'
    : 'no cause was found: it runs and answers healthy now';

/** Likely causes and the lines that show them, redacted, at most twelve. */
export function diagnosisOf(signs: Signs, service: Service): Diagnosis {
  const likely = likelyCauses(signs, partsOf(signs), service);
  const { unit, health, space } = signs;
  const answer = health.is === 'healthy' ? `healthy ${health.version ?? ''}` : health.detail;
  const errors = signs.journal.filter(({ written }) => errorLine.test(written)).slice(-3);
  const written = [...errors, ...signs.journal.slice(-5)].map(({ shown }) => shown);
  const facts = [
    `unit: ${unit.active}/${unit.sub}, restarts ${unit.restarts}, last exit status ${unit.exitStatus}`,
    `health: ${answer.trim()}`,
    `binary: ${signs.file}`,
    ...(space === null ? [] : [`disk: ${Math.floor(space.freeBytes / 1024 / 1024)} MB free`]),
  ];
  const said = likely.map(({ says }) => says).join('; also shown: ');
  const evidence = [...likely.map(({ line }) => line), ...redactLines(facts), ...written];
  return {
    summary: said === '' ? nothingShown(signs) : said.slice(0, 2 * lineMax),
    evidence: [...new Set(evidence)].map((line) => line.slice(0, lineMax)).slice(0, evidenceMax),
    causes: likely,
  };
}

/** Of a node that answered nothing but why it does not. */
export function diagnosisOfSilence(why: string, heard: string): Diagnosis {
  const line = { written: why, shown: redact(why) };
  const [cause] = causes.flat().filter((each) => each.in === 'answer' && each.like.test(why));
  const summary = `the node cannot be looked at: ${line.shown}`;
  const shared = { summary: summary.slice(0, lineMax), evidence: [redact(`health: ${heard}`)] };
  if (cause === undefined) return { ...shared, causes: [] };
  const { name, mend, next } = cause;
  return { ...shared, causes: [{ name, says: shared.summary, line: line.shown.slice(0, lineMax), mend, next }] };
}
