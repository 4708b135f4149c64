import type { Mutant } from './mutant.ts';

const siblings = ['test/upgrade/rollout/siblings.test.ts'];

/** Several services on the same hosts. */
export const rows: Mutant[] = [
  {
    name: 'siblings: what is blinded is not counted',
    file: 'src/upgrade/rollout/rules.ts',
    from: 'const blinded = blindedBy(rollout, node.name).filter((name) => !isLost(name));',
    to: 'const blinded = blindedBy(rollout, node.name).filter((name) => isLost(name));',
    tests: siblings,
  },
  {
    name: 'siblings: the silence of a sibling costs nothing',
    file: 'src/upgrade/rollout/rules.ts',
    from: "some((each) => standing[each] === 'down');",
    to: "some((each) => standing[each] !== 'healthy');",
    tests: siblings,
  },
  {
    name: 'siblings: what is blinded counts although nothing serves it',
    file: 'src/upgrade/rollout/rules.ts',
    from: '[name, ...blindingOf(rollout, name)].every(',
    to: '[name].every(',
    tests: siblings,
  },
  {
    name: 'siblings: a service goes back before the one that came after it',
    file: 'src/upgrade/rollout/todo.ts',
    from: '(node.held === null || node.held.until <= now) && !comesLater(node)',
    to: '(node.held === null || node.held.until <= now)',
    tests: siblings,
  },
  {
    name: 'siblings: a node is ordered the archive of another service',
    file: 'src/upgrade/rollout/orders.ts',
    from: 'const { service, release } = broughtTo(rollout, node.name);',
    to: 'const { service, release } = rollout;',
    tests: siblings,
  },
  {
    name: 'siblings: an agent goes beside an operator that does not work with it',
    file: 'src/upgrade/compatibility/judge.ts',
    from: 'if (row.agent === null || holds(row.agent, target)) return [];',
    to: 'if (row.agent !== null) return [];',
    tests: siblings,
  },
  {
    name: 'siblings: the ledger has the release of the first for all',
    file: 'src/upgrade/ledger/left.ts',
    from: 'const release = releaseOf(rollout, node.name);',
    to: 'const { release } = rollout;',
    tests: siblings,
  },
  {
    name: 'siblings: keys that go with the operator go with its siblings',
    file: 'src/upgrade/rollout/services.ts',
    from: '{ config: { ...config, changes: [] } }',
    to: '{ config }',
    tests: siblings,
  },
  {
    name: 'siblings: approvers sign the first binary alone',
    file: 'src/jobs/subject.ts',
    from: '...(services === undefined ? {} : { services: Object.fromEntries(each) }),',
    to: '',
    tests: ['test/jobs/siblings.test.ts'],
  },
  {
    name: 'siblings: a worker puts the unit of the first in the place of another one',
    file: 'src/jobs/step.ts',
    from: 'service: serviceOf(parts.fleet, task.node) };',
    to: 'service: parts.fleet.service };',
    tests: ['test/jobs/siblings.test.ts'],
  },
  {
    name: 'siblings: a worker asks nobody of another service before a stop',
    file: 'src/jobs/evidence.ts',
    from: 'askAll(probe, [...nodes, ...beside], clock)',
    to: 'askAll(probe, nodes, clock)',
    tests: ['test/jobs/siblings.test.ts'],
  },
  {
    name: 'siblings: two services share a unit',
    file: 'src/config/siblings.ts',
    from: 'return other === undefined ? [] : [{ path: [',
    to: 'return other !== undefined ? [] : [{ path: [',
    tests: ['test/config/services.test.ts'],
  },
];
