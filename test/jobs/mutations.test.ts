import type { Redis } from 'ioredis';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { day } from '../../src/base/duration.ts';
import { type Belief, createControl } from '../../src/jobs/index.ts';
import { keysOf, prefixOf } from '../../src/jobs/keys.ts';
import { canonical } from '../../src/trust/index.ts';
import type { Event } from '../../src/upgrade/rollout/types.ts';
import { random } from '../support/random.ts';
import { bothOf, type Life, live } from './fixtures/lives.ts';
import { diceOf, mutate, resumeInTheNameOfTheBot } from './fixtures/mutations.ts';
import { type Kept, kept, type Night, nights, playNight, putBack } from './fixtures/nights.ts';
import { silent, systemClock } from './fixtures/parts.ts';
import { makeRig } from './fixtures/rig.ts';

/**
 * Whoever writes to Redis changes one thing, anywhere, while bot and worker run or before they start. `npm run test:long` does it
 * 1,000 times. What failed is done again with what the failure prints.
 */
const base = process.env.SEED === 'any' ? Date.now() % 2 ** 31 : Number(process.env.SEED ?? 20_261_130);
const only = process.env.MUTATION === undefined ? null : Number(process.env.MUTATION);
const many = Number(process.env.MUTATIONS ?? 200);
const numbers = only === null ? Array.from({ length: many }, (_, number) => number) : [only];
const again = (number: number) =>
  `SEED=${base} MUTATION=${number} npx vitest run --project unit test/jobs/mutations.test.ts`;

const rig = makeRig();
const redis = (): Redis => rig.redis.handle.caller;

interface Stage {
  night: Night;
  was: Kept;
  earlier: Kept;
  seen: Belief;
  /** What happens to nodes when nobody meddles. */
  due: string[];
}

let stages: Stage[] = [];
beforeAll(async () => {
  const played = [];
  for (const night of nights) played.push({ night, due: [], ...(await playNight(redis(), night)) });
  stages = [];
  for (const stage of played) {
    const was = await kept(redis(), stage.night);
    const { effects, alarms } = await live(rig.redis, stage.night, bothOf(stage.seen), 0);
    expect(alarms, stage.night).toEqual([]);
    stages.push({ ...stage, was, due: effects });
  }
});

/** All nights as they were, also for what is taken from another fleet. */
beforeEach(async () => {
  for (const { night, was } of stages) await putBack(redis(), night, was);
});

/** What stands in Redis of a journal and beside it, as far as it says anything. */
interface Said {
  beside: string;
  lines: string[];
}

async function saying(night: Night): Promise<Record<string, Said>> {
  const keys = keysOf(night);
  const said = async (hash: string, list: string): Promise<Said> => {
    const fields = await redis()
      .hmget(hash, 'body', 'revision', 'hash')
      .catch(() => ['of another kind']);
    const lines = await redis()
      .lrange(list, 0, -1)
      .catch(() => ['of another kind']);
    const [body, revision, last] = fields;
    return { beside: canonical([meant(body ?? null), Number(revision ?? 0), last ?? '']), lines: lines.map(meantLine) };
  };
  return {
    r1: await said(keys.rollout('r1'), keys.journal('r1')),
    r2: await said(keys.rollout('r2'), keys.journal('r2')),
    ledger: await said(keys.ledger, keys.ledgerJournal),
  };
}

function meant(text: string | null): unknown {
  try {
    return text === null ? 'nothing' : JSON.parse(text);
  } catch {
    return text;
  }
}

function meantLine(text: string): string {
  const line = meant(text);
  if (typeof line !== 'object' || line === null) return text;
  const { at, revision, event, meaning = 1, hash, key = null, signature = null } = line as Record<string, unknown>;
  return canonical([at, revision, event, meaning, hash, key, signature].map((each) => each ?? null));
}

/** Where a gate is shut that cannot be read, a node is left as it is, and prepared once more. */
function leadsTo(due: string[], effect: string): boolean {
  if (due.includes(effect)) return true;
  const upon = (text: string): string => canonical({ ...JSON.parse(text), step: null });
  return ['stage', 'backup'].includes(JSON.parse(effect).step) && due.some((each) => upon(each) === upon(effect));
}

/** Whom an alarm is about, and the line that it names. */
function read(alarm: string): { about: string; line: number | null } {
  const [, about = alarm] = /stored about \*([^*]+)\*/.exec(alarm) ?? [];
  const [, line] = /line (\d+) of its journal/.exec(alarm) ?? [];
  return { about, line: line === undefined ? null : Number(line) };
}

interface Outcome {
  what: string;
  lives: Life[];
  before: Record<string, Said>;
  after: Record<string, Said>;
}

/** All that is wrong with what came of it, in words. */
function complaints({ due, night }: Stage, { lives, before, after }: Outcome): string[] {
  const effects = lives.flatMap((life) => life.effects);
  const wrong = effects.filter((effect) => !leadsTo(due, effect)).map((effect) => `forged: ${effect}`);
  const bent = Object.keys(before).filter((journal) => canonical(before[journal]) !== canonical(after[journal]));
  for (const { alarms } of lives) {
    const told = alarms.map((alarm) => read(alarm).about);
    if (new Set(told).size < told.length) wrong.push(`told twice: ${alarms.join(' | ')}`);
    for (const alarm of alarms) wrong.push(...misleading(alarm, bent, before, after));
  }
  for (const journal of bent) {
    const isTold = lives.some(({ alarms }) => alarms.some((alarm) => read(alarm).about === journal));
    if (!isTold) wrong.push(`nobody was told of ${journal}`);
  }
  if (bent.length > 0) return wrong;
  if (effects.length < due.length) wrong.push(`${night} did not go on`);
  if (lives.every(({ shown }) => shown === 0)) wrong.push('it was not shown any more');
  return wrong;
}

function misleading(alarm: string, bent: string[], before: Outcome['before'], after: Outcome['after']): string[] {
  const { about, line } = read(alarm);
  if (!bent.includes(about)) return [`an alarm for nothing: ${alarm}`];
  if (line === null) return [];
  const [is, was] = [after[about]?.lines ?? [], before[about]?.lines ?? []];
  const first = is.findIndex((each, index) => each !== was[index]);
  // Whoever has read the lines before goes on from there.
  return line > first ? [] : [`line ${first + 1} was the first that was changed, and the alarm says: ${alarm}`];
}

/** What a person says to it in the end; nothing is in their way when nothing is wrong. */
const stop = (night: Night, at: number): Event =>
  night === 'finished'
    ? { type: 'rollback-asked', at, by: 'U1', scope: { is: 'all' }, epoch: at }
    : { type: 'stopped', at, by: 'U1' };

interface Meddling {
  stage: Stage;
  /** While bot and worker run, or before they start. */
  isWhile: boolean;
  /** @returns what was done, in words */
  change(): Promise<string>;
}

async function meddled({
  stage,
  isWhile,
  change,
}: Meddling): Promise<{ what: string; wrong: string[]; told: boolean }> {
  const { night, due } = stage;
  const who = bothOf(stage.seen);
  const outcome: Outcome = { what: 'nothing', lives: [], before: {}, after: {} };
  const { lives } = outcome;
  const meddle = async (): Promise<void> => {
    outcome.before = await saying(night);
    outcome.what = await change();
    outcome.after = await saying(night);
  };
  const wrong: string[] = [];
  try {
    if (isWhile) lives.push(await live(rig.redis, night, who, due.length, meddle));
    else await meddle();
    const [first] = lives;
    // What is gone is told once, and not again by who starts after that.
    const left = first && first.alarms.length > 0 ? 0 : due.length - (first?.effects.length ?? 0);
    lives.push(await live(rig.redis, night, who, left));
    wrong.push(...complaints(stage, outcome));
    if (lives.every(({ alarms }) => alarms.length === 0)) {
      const { record, close } = createControl(rig.redis.handle, night, who.bot, systemClock, silent);
      await record('r2', stop(night, Date.now())).finally(close);
    }
  } catch (error) {
    wrong.push(String(error));
  }
  await putBack(redis(), night, stage.was);
  const told = lives.some(({ alarms }) => alarms.length > 0);
  return { what: `${night}: ${outcome.what}${isWhile ? ', while they ran' : ''}`, wrong, told };
}

/** What was found to be told nobody, or to stop work for ever; chance alone may not come by it. */
const known: [
  what: string,
  night: Night,
  isWhile: boolean,
  isTold: boolean,
  change: (of: Night) => Promise<unknown>,
][] = [
  ['a string where a rollout was', 'working', false, true, (of) => redis().set(keysOf(of).rollout('r2'), 'x')],
  [
    'a paused rollout that was made to run',
    ...(['paused', false, true] as const),
    async (of) => {
      const key = keysOf(of).rollout('r2');
      const body = (await redis().hget(key, 'body')) ?? '';
      await redis().hset(key, 'body', body.replace('"status":{"is":"paused"', '"status":{"is":"running"'));
    },
  ],
  ['a resume in the name of the bot', 'paused', false, true, (of) => resumeInTheNameOfTheBot(redis(), of)],
  ['a journal without its rollout', 'working', true, true, (of) => redis().hdel(keysOf(of).rollout('r2'), 'body')],
  ['another number beside the ledger', 'asked', false, true, (of) => redis().hset(keysOf(of).ledger, 'revision', 99)],
  ['a finished rollout, bent', 'finished', false, true, (of) => redis().lpop(keysOf(of).journal('r1'))],
  [
    'a finished rollout, gone with its journal',
    ...(['finished', true, true] as const),
    (of) => redis().del(keysOf(of).rollout('r2'), keysOf(of).journal('r2')),
  ],
  ['a rollout that is none holds the fleet', 'working', false, false, (of) => redis().set(keysOf(of).holder, 'r9')],
  ['a list where the open ones were', 'working', false, false, (of) => putList(keysOf(of).open)],
  [
    'a queue that is paused',
    ...(['working', false, false] as const),
    (of) => redis().hset(`${prefixOf(of)}:step-us-east:meta`, 'paused', '1'),
  ],
  [
    'a lock without an end, of a step that is under way',
    ...(['working', true, false] as const),
    async (of) => {
      const [job] = await redis().lrange(`${prefixOf(of)}:step-us-east:active`, 0, -1);
      await redis().set(`${prefixOf(of)}:step-us-east:${job}:lock`, 'x');
    },
  ],
  [
    'a job that asks for another step under its name',
    ...(['working', false, false] as const),
    async (of) => {
      const [job = ''] = await redis().keys(`${prefixOf(of)}:step-us-east:r2.*.switch.*`);
      const { task } = JSON.parse((await redis().hget(job, 'data')) ?? '');
      await redis().hset(job, 'data', JSON.stringify({ task: { ...task, step: 'cleanup' } }));
    },
  ],
  [
    'a line of another journal before the first one',
    ...(['scheduled', false, true] as const),
    async (of) => {
      const [line = ''] = await redis().lrange(keysOf(of).journal('r1'), 0, 0);
      await redis().lpush(keysOf(of).journal('r2'), line);
    },
  ],
  [
    'steps that wait and are named nowhere',
    ...(['back', false, false] as const),
    (of) => redis().rename(inSteps(of, 'wait'), inSteps(of, 'waitx')),
  ],
  [
    'a step named nowhere, with a lock for ten years',
    ...(['working', false, false] as const),
    async (of) => {
      const job = await takenFromWait(of);
      await redis().set(inSteps(of, `${job}:lock`), 'x', 'PX', tenYears);
    },
  ],
  [
    'a lock for ten years, of a step that is under way',
    ...(['working', true, false] as const),
    async (of) => {
      const [job] = await redis().lrange(inSteps(of, 'active'), 0, -1);
      await redis().set(inSteps(of, `${job}:lock`), 'x', 'PX', tenYears);
    },
  ],
  [
    'a step that waits for others, which never end',
    ...(['working', false, false] as const),
    async (of) => redis().zadd(inSteps(of, 'waiting-children'), 1, await takenFromWait(of)),
  ],
  [
    'a step that waits for ten years',
    ...(['working', false, false] as const),
    async (of) => redis().zadd(inSteps(of, 'delayed'), (Date.now() + tenYears) * 0x1000, await takenFromWait(of)),
  ],
  [
    'a step among paused ones',
    ...(['working', false, false] as const),
    async (of) => redis().rpush(inSteps(of, 'paused'), await takenFromWait(of)),
  ],
  [
    'a step that is no job',
    ...(['working', false, false] as const),
    async (of) => {
      const [job = ''] = await redis().lrange(inSteps(of, 'wait'), 0, -1);
      await redis().del(inSteps(of, job));
      await redis().set(inSteps(of, job), 'x');
    },
  ],
  [
    'the check for abandoned steps held up for ten years, while one is abandoned',
    ...(['working', false, false] as const),
    async (of) => {
      await redis().rpush(inSteps(of, 'active'), await takenFromWait(of));
      await redis().set(inSteps(of, 'stalled-check'), 'x', 'PX', tenYears);
    },
  ],
  [
    'a wake that counts as on its way and is nowhere',
    ...(['working', false, false] as const),
    async (of) => {
      const publish = (name: string) => `${prefixOf(of)}:publish:${name}`;
      await redis().del(publish('wait'), publish('active'), publish('delayed'));
      await redis().set(publish('de:r2'), 'gone', 'PX', tenYears);
    },
  ],
  [
    'a wake that waits for ten years',
    ...(['working', false, false] as const),
    async (of) => {
      const publish = (name: string) => `${prefixOf(of)}:publish:${name}`;
      const job = (await redis().rpop(publish('wait'))) ?? '';
      await redis().zadd(publish('delayed'), (Date.now() + tenYears) * 0x1000, job);
    },
  ],
  [
    'events of a queue that no other can follow',
    ...(['working', false, false] as const),
    (of) => redis().xadd(inSteps(of, 'events'), '18446744073709551615-18446744073709551615', 'event', 'x'),
  ],
  [
    'a number of events that is none',
    ...(['working', true, false] as const),
    (of) => redis().hset(inSteps(of, 'meta'), 'opts.maxLenEvents', 'x'),
  ],
  [
    'a number of the last job that is none',
    ...(['working', false, false] as const),
    async (of) => {
      const publish = (name: string) => `${prefixOf(of)}:publish:${name}`;
      await redis().del(publish('wait'), publish('active'), publish('delayed'), publish('de:r2'));
      await redis().set(publish('id'), 'x');
    },
  ],
];

const tenYears = 10 * 365 * day;
const inSteps = (of: Night, name: string): string => `${prefixOf(of)}:step-us-east:${name}`;

/** @returns the id of a step that waited */
async function takenFromWait(of: Night): Promise<string> {
  const job = await redis().rpop(inSteps(of, 'wait'));
  if (job === null) throw new Error('a step should wait');
  return job;
}

async function putList(key: string): Promise<void> {
  await redis().del(key);
  await redis().rpush(key, 'r2');
}

describe('one thing changed in Redis', () => {
  it.each(known)(
    '%s: no node notices, and people are told or it comes back',
    async (name, night, isWhile, isTold, change) => {
      const stage = stages.find((each) => each.night === night);
      if (stage === undefined) throw new Error('no such night');
      const meddling = async () => {
        await change(night);
        return name;
      };
      const { wrong, told } = await meddled({ stage, isWhile, change: meddling });
      expect({ wrong, told }).toEqual({ wrong: [], told: isTold });
    },
  );

  it('moves no node, is told once with what is wrong, or comes back by itself', { timeout: 1_200_000 }, async () => {
    const failures: string[] = [];
    let told = 0;
    for (const number of numbers) {
      const dice = diceOf(random(base + number * 7_919));
      const stage = dice.oneOf(stages);
      const isWhile = dice.chance(0.4);
      const { night, earlier } = stage;
      const change = () => mutate({ redis: redis(), night, dice, earlier });
      const found = await meddled({ stage, isWhile, change });
      if (found.told) told += 1;
      if (found.wrong.length > 0)
        failures.push(`${found.what}\n  ${found.wrong.join('\n  ')}\n  again: ${again(number)}`);
      if (failures.length >= 5) break;
    }
    expect(failures.join('\n\n')).toBe('');
    if (only === null) expect(told).toBeGreaterThan(numbers.length / 3);
  });
});
