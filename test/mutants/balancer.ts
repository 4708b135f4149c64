import type { Mutant } from './mutant.ts';

const pure = ['test/upgrade/balancer/pool.test.ts'];
const real = ['test/upgrade/balancer/real.test.ts'];
const played = ['test/upgrade/rollout/blue-green.test.ts'];

/** Balancers, and blue-green. */
export const rows: Mutant[] = [
  {
    name: 'what comes out of maintenance gets traffic before it was checked',
    file: 'src/upgrade/balancer/haproxy.ts',
    from: "if (gets === 'maintenance') return [set(name, 'drain')];",
    to: "if (gets === 'maintenance') return [set(name, 'ready')];",
    tests: pure,
  },
  {
    name: 'a check that has not passed yet counts as one that has',
    file: 'src/upgrade/balancer/haproxy.ts',
    from: "return status.includes('/') ? 'not yet' : 'yes';",
    to: "return 'yes';",
    tests: pure,
  },
  {
    name: 'the old ones are taken out before enough of the new ones serve',
    file: 'src/upgrade/balancer/pool.ts',
    from: 'if (there.length >= wanted.need) return null;',
    to: 'if (there.length >= 0) return null;',
    tests: pure,
  },
  {
    name: 'nobody looks once more right before others are taken out',
    file: 'src/upgrade/balancer/haproxy.ts',
    from: 'must: serving(pool, wanted)',
    to: 'must: []',
    tests: real,
  },
  {
    name: 'who was put into maintenance by somebody is brought in on the way back',
    file: 'src/upgrade/balancer/pool.ts',
    from: "wanted.fromMaintenance || gets !== 'maintenance'",
    to: 'wanted.fromMaintenance || gets === gets',
    tests: pure,
  },
  {
    name: 'half a line of HAProxy is a server',
    file: 'src/upgrade/balancer/haproxy.ts',
    from: 'row.length < titles.length ||',
    to: '',
    tests: pure,
  },
  {
    name: 'a server that leads elsewhere is taken for the one that is meant',
    file: 'src/upgrade/balancer/pool.ts',
    from: 'found === null || wanted === undefined || found === wanted',
    to: 'found === null || wanted === undefined || found !== null',
    tests: pure,
  },
  {
    name: 'a reload undoes what was done when the worker died before it was saved',
    file: 'src/upgrade/balancer/place.ts',
    from: 'unsettled: isSaved ? null :',
    to: 'unsettled: isSaved || !isSaved ? null :',
    tests: real,
  },
  {
    name: 'a command of an older run changes HAProxy',
    file: 'src/upgrade/balancer/scripts.ts',
    from: '  shift 4\n  enter\n',
    to: '  shift 4\n',
    tests: real,
  },
  {
    name: 'a command of an older run changes nginx',
    file: 'src/upgrade/balancer/scripts.ts',
    from: 'text=$5\n  enter\n',
    to: 'text=$5\n',
    tests: real,
  },
  {
    name: 'nginx is switched although it kept its old workers',
    file: 'src/upgrade/balancer/scripts.ts',
    from: '    if has_new_workers; then',
    to: '    if true; then',
    tests: real,
  },
  {
    name: 'an nginx that goes by the old file is done',
    file: 'src/upgrade/balancer/place.ts',
    from: "if (workers.includes('old serving'))",
    to: "if (workers.includes('nobody'))",
    tests: real,
  },
  {
    name: 'an old worker that still answers is nobody',
    file: 'src/upgrade/balancer/place.ts',
    from: "each === 'old leaving'",
    to: "each === 'nobody'",
    tests: real,
  },
  {
    name: 'a switch of the balancer is not asked for',
    file: 'src/upgrade/rollout/balancing.ts',
    from: '      switching(region, opens, approversFor([region], false, input)),\n',
    to: '',
    tests: played,
  },
  {
    name: 'the release runs in a later region before anybody was asked for it',
    file: 'src/upgrade/rollout/balancing.ts',
    from: "if (phase.is === 'approval' && region !== undefined) return [approval(phase, region, phase.needed)];",
    to: "if (phase.is === 'approval' && region !== undefined) return [];",
    tests: played,
  },
  {
    name: 'nodes are restarted while the old one should be warm',
    file: 'src/upgrade/rollout/balancing.ts',
    from: 'for: slots.warm',
    to: 'for: 0',
    tests: played,
  },
  {
    name: 'clients who get something else do not bring the balancer back',
    file: 'src/upgrade/rollout/traits.ts',
    from: "undo: ['lb-back', 'traffic-back'],",
    to: 'undo: [],',
    tests: played,
  },
  {
    name: 'nobody looks at the pool while the old one is warm',
    file: 'src/upgrade/rollout/balancing.ts',
    from: "next?.state.is === 'pending'",
    to: "next?.state.is === 'done'",
    tests: played,
  },
  {
    name: 'a turn of a balancer is left in the ledger as a node',
    file: 'src/upgrade/ledger/left.ts',
    from: 'const what = isBalancer(node) ? null : proven(rollout, node);',
    to: 'const what = proven(rollout, node);',
    tests: played,
  },
];
