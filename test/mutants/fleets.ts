import type { Mutant } from './mutant.ts';

const config = ['test/config/fleets.test.ts'];
const chat = ['test/bot/fleets.test.ts'];
const elsewhere = ['test/jobs/elsewhere.test.ts'];

/** Several fleets in one process, and what one of them proves to another. */
export const rows: Mutant[] = [
  {
    name: 'fleets are begun although the settings of one are wrong',
    file: 'src/config/fleets.ts',
    from: 'if (wrong.length === 0) return fleets;',
    to: 'if (fleets.length > 0) return fleets;',
    tests: config,
  },
  {
    name: 'a unit of a machine belongs to two fleets',
    file: 'src/config/fleets.ts',
    from: 'if (other === undefined) taken.set(key, each.settings);',
    to: "if (other === undefined && each.what !== 'unit') taken.set(key, each.settings);",
    tests: config,
  },
  {
    name: 'two fleets have one channel',
    file: 'src/config/fleets.ts',
    from: "      'channel',\n      slack.channel,",
    to: "      'channel',\n      fleet.name,",
    tests: config,
  },
  {
    name: 'two fleets have one state directory',
    file: 'src/config/fleets.ts',
    from: "      'state',\n      stateDir,",
    to: "      'state',\n      fleet.name,",
    tests: config,
  },
  {
    name: 'whoever names another fleet acts in it by the settings of their own',
    file: 'src/bot/listeners.ts',
    from: 'const reply = await runCommand(there, user, meant.text);',
    to: 'const reply = await runCommand(here, user, meant.text);',
    tests: chat,
  },
  {
    name: 'a bot is heard in every channel',
    file: 'src/bot/delivery.ts',
    from: 'if (fleetIn(fleets, origin.channel) !== null) return null;',
    to: 'if (fleets.length > 0) return null;',
    tests: chat,
  },
  {
    name: 'a release is promoted by whoever may begin it where it was proven',
    file: 'src/bot/listeners.ts',
    from: 'const reply = await answer(there, { actor, rollout: null }, command);',
    to: 'const reply = await answer(context, { actor, rollout: null }, command);',
    tests: chat,
  },
  {
    name: 'another archive of the same name is promoted',
    file: 'src/bot/commands/upgrade.ts',
    from: 'if (wanted === undefined || wanted === archiveSha256) return;',
    to: 'if (wanted === undefined || wanted !== version) return;',
    tests: chat,
  },
  {
    name: 'what an older release followed is proven elsewhere',
    file: 'src/jobs/elsewhere.ts',
    from: 'if (next !== null && isNewer(version, next.version))',
    to: 'if (next !== null && isNewer(next.version, next.version))',
    tests: elsewhere,
  },
  {
    name: 'another service takes the place of what was proven elsewhere',
    file: 'src/jobs/elsewhere.ts',
    from: 'find(({ service }) => service.name === of)?.release;',
    to: 'find(() => true)?.release;',
    tests: elsewhere,
  },
  {
    name: 'what was replaced elsewhere goes on standing there',
    file: 'src/jobs/elsewhere.ts',
    from: ', next?.rollout.startedAt ?? Number.POSITIVE_INFINITY)',
    to: ')',
    tests: elsewhere,
  },
  {
    name: 'a proof never gets too old',
    file: 'src/jobs/elsewhere.ts',
    from: 'if (within !== null && now - status.at > within)',
    to: 'if (within !== null && now - status.at > Number.POSITIVE_INFINITY)',
    tests: elsewhere,
  },
  {
    name: 'the day after is not waited for elsewhere',
    file: 'src/jobs/elsewhere.ts',
    from: "if (source.atLeast === 'well' && afterwards?.end?.is !== 'well')",
    to: "if (source.atLeast === 'well' && afterwards?.end?.is === 'well')",
    tests: elsewhere,
  },
  {
    name: 'what nobody planned is proven by a restart',
    file: 'src/jobs/elsewhere.ts',
    from: 'change === undefined && recovery === undefined;',
    to: 'recovery === undefined || change !== undefined;',
    tests: elsewhere,
  },
  {
    name: 'a plan that was shown is begun on a proof that is gone',
    file: 'src/bot/commands/start.ts',
    from: 'await elsewhereFor(context, rollout);',
    to: '',
    tests: ['test/bot/elsewhere.test.ts'],
  },
  {
    name: 'what is not proven is planned where the settings refuse that',
    file: 'src/bot/commands/draft.ts',
    from: "found.is === 'unproven' && found.refuses === true",
    to: "found.is === 'unproven' && found.refuses !== true",
    tests: ['test/bot/elsewhere.test.ts'],
  },
];
