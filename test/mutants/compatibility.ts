import type { Mutant } from './mutant.ts';

const room = 'src/upgrade/compatibility';
const judge = ['test/upgrade/compatibility/judge.test.ts'];

/** Versions that go together. */
export const rows: Mutant[] = [
  {
    name: 'a plan that the matrix does not allow is made',
    file: 'src/upgrade/rollout/plan.ts',
    from: '  refuseIncompatible(input, nodes);\n',
    to: '',
    tests: ['test/upgrade/rollout/compatibility.test.ts'],
  },
  {
    name: 'an agent whose version nobody knows is as good as any',
    file: `${room}/judge.ts`,
    from: 'version === null || !holds(range, version)',
    to: 'version !== null && !holds(range, version)',
    tests: judge,
  },
  {
    name: 'agents that nobody could ask are as good as any',
    file: `${room}/judge.ts`,
    from: '...region.unasked.map(',
    to: '...region.unasked.slice(1).map(',
    tests: judge,
  },
  {
    name: 'one node that is silent hides its own agent',
    file: `${room}/found.ts`,
    from: 'told.every(({ listed }) => listed)',
    to: 'told.some(() => true)',
    tests: judge,
  },
  {
    name: 'a schema that nobody could tell is as good as any',
    file: `${room}/judge.ts`,
    from: "return [{ what: 'schema', about: 'unknown', text }];",
    to: 'return [];',
    tests: judge,
  },
  {
    name: 'of two schemas that are told the first counts',
    file: `${room}/found.ts`,
    from: 'if (other === undefined)',
    to: 'if (first !== undefined)',
    tests: judge,
  },
  {
    name: 'a migration that the old version does not survive is asked for',
    file: `${room}/judge.ts`,
    from: 'isIn(schema, now) && isIn(schema, wanted)',
    to: 'isIn(schema, now)',
    tests: judge,
  },
  {
    name: 'a version is skipped',
    file: `${room}/judge.ts`,
    from: '    ...hops(row, target, running),\n',
    to: '',
    tests: judge,
  },
  {
    name: 'a candidate of the next line counts as one of this',
    file: `${room}/range.ts`,
    from: 'Number(minor) + 1}.0-0',
    to: 'Number(minor) + 1}.0',
    tests: ['test/upgrade/compatibility/range.test.ts'],
  },
  {
    name: 'two rows speak of one version',
    file: 'src/config/checks.ts',
    from: 'each.at < at && overlap(',
    to: 'each.at > at && overlap(',
    tests: ['test/config/compatibility.test.ts'],
  },
  {
    name: 'what an agent calls itself calls somebody in the chat',
    file: 'src/upgrade/http/inventory.ts',
    from: 'tame(name).toLowerCase()',
    to: 'tame(name)',
    tests: ['test/upgrade/http/inventory.test.ts'],
  },
];
