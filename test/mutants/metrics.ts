import type { Mutant } from './mutant.ts';

const served = ['test/metrics/metrics.test.ts'];
const numbers = ['test/metrics/numbers.test.ts'];
const health = ['test/metrics/health.test.ts'];
const bot = ['test/metrics/bot.test.ts'];

/** What a process tells of itself to whoever watches it. */
export const rows: Mutant[] = [
  {
    name: 'a program is called ready whose Redis does not answer',
    file: 'src/metrics/health.ts',
    from: 'else if (now - redisAt > redisPatience)',
    to: 'else if (now - redisAt > 1e9)',
    tests: health,
  },
  {
    name: 'a worker is called ready whose clock is wrong',
    file: 'src/metrics/health.ts',
    from: 'if (worker.wrongClock.size > 0)',
    to: 'if (false)',
    tests: health,
  },
  {
    name: 'a bot is called ready that hears nothing of Slack',
    file: 'src/metrics/health.ts',
    from: 'if (!slack.isConnected)',
    to: 'if (false)',
    tests: health,
  },
  {
    name: 'a number that cannot be counted fails the step that it is of',
    file: 'src/metrics/meter.ts',
    from: '        complain(error);\n',
    to: '        complain(error);\n        throw error;\n',
    tests: served,
  },
  {
    name: 'whoever scrapes waits for a Redis that is silent',
    file: 'src/metrics/index.ts',
    from: 'await atMost(patience, refresh());',
    to: 'await refresh();',
    tests: served,
  },
  {
    name: 'each scrape asks Redis anew',
    file: 'src/metrics/fleet.ts',
    from: 'const restsFor = 4_000;',
    to: 'const restsFor = 0;',
    tests: served,
  },
  {
    name: 'a port that is taken is never tried again',
    file: 'src/metrics/server.ts',
    from: 'timer ??= setTimeout(listen, again).unref();',
    to: '',
    tests: served,
  },
  {
    name: 'whoever writes to Redis makes a label for each name that they think of',
    file: 'src/metrics/numbers.ts',
    from: 'workers: byName(regions, (region) => workers.get(region) ?? 0),',
    to: 'workers: Object.fromEntries(workers),',
    tests: numbers,
  },
  {
    name: 'an approval that was declined once is as if it were asked for just now',
    file: 'src/metrics/numbers.ts',
    from: "kind === undefined || kind === 'approval' ? []",
    to: 'kind === undefined ? []',
    tests: numbers,
  },
  {
    name: 'a pause is counted as waiting for a window',
    file: 'src/metrics/numbers.ts',
    from: "return names.includes('window') && isCalendar ?",
    to: "return names.includes('window') ?",
    tests: numbers,
  },
  {
    name: 'a connection to Redis is counted as trouble with it',
    file: 'src/jobs/redis.ts',
    from: '!known.has(command) && !isGreeting(command.name)',
    to: '!known.has(command)',
    tests: served,
  },
  {
    name: 'a message that stands nowhere is counted as shown',
    file: 'src/jobs/showing.ts',
    from: '      meter?.drawing(rollout.id, rollout.revision, store.headOf(id)?.at ?? began);\n',
    to: '      meter?.drawn(rollout.id, rollout.revision);\n',
    tests: bot,
  },
  {
    name: 'a journal that cannot be believed is no number',
    file: 'src/jobs/showing.ts',
    from: '    meter?.believed(journal, false);\n',
    to: '',
    tests: bot,
  },
];
