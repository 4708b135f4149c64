import { resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { People } from '../../../src/bot/views/people.ts';
import { outdated, type Post, posts } from '../../../src/bot/views/posts.ts';
import { wantsNothing } from '../../../src/upgrade/environment/index.ts';
import { asked, nodesInOrder, plan, watching } from '../../../src/upgrade/rollout/index.ts';
import type { Event, Fleet, PlanInput, Policy, Rollout } from '../../../src/upgrade/rollout/types.ts';
import { onwards, type Said } from '../../support/onwards.ts';
import { hours, inputOf, minutes, oldImage, release, surveyOf, tuesday } from '../../support/rollouts.ts';
import { type World, worldOf } from '../../support/simulation.ts';
import { trialFleet } from '../support.ts';

/**
 * Nights as the chat told them: each message the first time that it says something that no night before said. Names, numbers and times
 * do not make a message another one. `npx vitest run --project unit test/bot/views/nights.test.ts -u` writes them anew.
 */
const folder = resolve(import.meta.dirname, '../../golden/nights');

const people: People = {
  onCall: { users: ['U0OTTO'], groups: ['S0CALL'] },
  escalation: { users: [], groups: ['S0BOSS'] },
  members: { S0APPROVERS: ['U0INES', 'U0ROSA'] },
};

interface Night {
  policy?: Partial<Policy>;
  fleet?: (fleet: Fleet) => Fleet;
  perRegion?: number;
  windows?: 'guide' | 'always';
  input?: Partial<PlanInput>;
  world?: (world: World) => void;
  script?: Said[];
  /** Nobody answers what the script does not. */
  alone?: boolean;
  most?: number;
}

const once = (when: Said['when'], says: Said['says']): Said => ({ when, says });
const always = (): boolean => true;
const isAsked = (rollout: Rollout): boolean => asked(rollout).length > 0;
const isHeld = ({ status }: Rollout): boolean => status.is === 'held';
const isAt =
  (name: string, is: string) =>
  (rollout: Rollout): boolean =>
    rollout.nodes[name]?.state.is === is;
const by = 'U0OTTO';
const later =
  (ms: number): Said['says'] =>
  (_, at) => ({ type: 'ticked', at: at + ms });
const stopped: Said['says'] = (_, at) => ({ type: 'stopped', at, by });
const back =
  (scope: Extract<Event, { type: 'rollback-asked' }>['scope']): Said['says'] =>
  (_, at) => ({
    ...{ type: 'rollback-asked', at, by, scope, epoch: at },
  });
const mended =
  (change: (world: World) => void): Said['says'] =>
  (_rollout, _at, world) => {
    change(world);
    return null;
  };
const reminders = [minutes(15), minutes(30), hours(2)];
const checklists = {
  before: [{ text: 'Notes read' }],
  during: [{ text: 'Dashboards' }],
  after: [{ text: 'Status page' }],
};
const ticked: Said[] = ['before.1', 'during/eu-west.1', 'during/ap-south.1', 'after.1'].map((item, at) =>
  once(
    (rollout) =>
      at === 0 ||
      (at === 1 ? isAsked(rollout) : nodesInOrder(rollout).filter(({ state }) => state.is === 'done').length >= 3 * at),
    (_, now) => ({ type: 'item-ticked', at: now, by: 'U0INES', item }),
  ),
);

const asItRuns = { ...release, version: 'v1.0.0', binarySha256: oldImage };
const differences = [{ key: 'MAX_CONNECTIONS', from: '100', to: '200' }];
const environment = { is: 'read', before: '1'.repeat(64), after: '2'.repeat(64), differences } as const;

const nights: Record<string, Night> = {
  'all-goes-well': {},
  'rehearsed-and-drained': {
    policy: { rehearse: 'always' },
    fleet: (fleet) => ({
      ...fleet,
      service: { ...fleet.service, traffic: { drain: ['/d'], undrain: ['/u'], limit: minutes(1) } },
    }),
  },
  'one-node-fails-and-is-tried-again': {
    world: (world) => world.bad.add('us-east-op-2'),
    script: [
      once(isHeld, later(minutes(15))),
      once(isHeld, later(hours(2))),
      once(isHeld, (rollout, at) => ({
        type: 'taken-on',
        at,
        by,
        waits: rollout.status.is === 'held' ? keysOf(rollout) : [],
      })),
      once(
        isHeld,
        mended((world) => world.bad.clear()),
      ),
    ],
  },
  'a-region-goes-back-by-itself': {
    policy: { autoRollback: 'region' },
    world: (world) => world.bad.add('us-east-op-3'),
    alone: true,
  },
  'nothing-goes-back-by-itself': {
    policy: { autoRollback: 'none' },
    world: (world) => world.bad.add('us-east-op-2'),
    script: [once(isHeld, back({ is: 'node', node: 'us-east-op-2' }))],
    alone: true,
  },
  'the-way-back-fails': {
    world: (world) => {
      world.bad.add('us-east-op-2');
      world.badRestore.set('us-east-op-2', 9);
    },
    script: [once(isAt('us-east-op-2', 'stuck'), later(minutes(30))), once(isAt('us-east-op-2', 'stuck'), stopped)],
    alone: true,
  },
  'all-of-it-goes-back': {
    script: [once(isAsked, back({ is: 'all' }))],
    alone: true,
  },
  'paused-and-stopped': {
    script: [
      once(isAt('us-east-op-2', 'working'), (_, at) => ({ type: 'paused', at, by })),
      once(({ status }) => status.is === 'paused', later(minutes(20))),
      once(isAsked, stopped),
    ],
  },
  'stopped-in-the-middle-of-a-node': { script: [once(isAt('us-east-op-2', 'working'), stopped)], alone: true },
  'declined-and-approved-after-all': {
    script: [
      once(isAsked, (_, at) => ({
        ...{ type: 'declined', at, phase: 'approval/eu-west', by: 'U0INES', reason: 'the error rate is up' },
      })),
      once(isAsked, later(minutes(15))),
      once(isAsked, (_, at) => ({
        ...{ type: 'approved', at, phase: 'approval/eu-west', by: 'U0INES', comment: 'graphs are flat' },
      })),
    ],
  },
  'nobody-answers': {
    script: [
      ...[minutes(15), minutes(15), hours(1.5)].map((ms) => once(isAsked, later(ms))),
      once(isAsked, (rollout, at) => ({ type: 'ticked', at: at + rollout.policy.approvalExpires })),
    ],
    alone: true,
  },
  'a-major-is-scheduled': {
    windows: 'guide',
    policy: { majors: { approvers: 2, canaryApproval: true, notice: hours(48) }, announce: [hours(24), hours(1)] },
    fleet: (fleet) => ({ ...fleet, audiences: ['status page'] }),
    input: { startAt: tuesday + hours(72) },
    script: [
      ...['channel', 'status page'].map((audience) =>
        once(always, ({ startAt }, at) => ({
          ...({ type: 'announced', kind: 'scheduled', at, audience, startAt, begins: startAt } as const),
        })),
      ),
      once(always, () => ({ type: 'ticked', at: tuesday + hours(48.5) })),
      once(always, (_, at) => ({ type: 'rescheduled', at, by, startAt: tuesday + hours(96) })),
      once(always, () => ({ type: 'ticked', at: tuesday + hours(72.5) })),
      once(always, () => ({ type: 'ticked', at: tuesday + hours(95.5) })),
    ],
  },
  'scheduled-and-cancelled': {
    policy: { announce: [hours(1)] },
    input: { startAt: tuesday + hours(24) },
    script: [once(always, stopped)],
    alone: true,
  },
  'nobody-serves-it': {
    script: [10_000, 20_000, minutes(2), minutes(20)].map((ms) =>
      once(always, (_, at) => ({ type: 'ticked', at: at + ms, silent: ['us-east', 'eu-west', 'ap-south'] })),
    ),
    alone: true,
    most: 8,
  },
  'a-node-is-silent': {
    script: [
      once(
        isAt('us-east-op-2', 'working'),
        mended((world) => world.silent.add('us-east-op-2')),
      ),
      once(
        ({ nodes: { 'us-east-op-2': node } }) => node?.state.is === 'working' && node.state.unknowns > 1,
        mended((world) => world.silent.clear()),
      ),
    ],
    most: 250,
  },
  'alerts-fire': {
    script: [
      once(
        isAt('us-east-op-1', 'done'),
        mended((world) => {
          world.alerts = { is: 'firing', names: ['HighErrorRate'] };
        }),
      ),
      ...Array.from({ length: 3 }, () => once(({ nodes }) => nodes['us-east-op-2']?.held != null, later(minutes(2)))),
      once(
        ({ nodes }) => nodes['us-east-op-2']?.held != null,
        mended((world) => {
          world.alerts = { is: 'quiet' };
        }),
      ),
    ],
    most: 300,
  },
  'a-file-stops-everything': {
    script: [
      once(
        isAt('us-east-op-1', 'done'),
        mended((world) => {
          world.halt = { is: 'lies', reason: 'build-1:/etc/zeitwork-upgrades/stop: power work' };
        }),
      ),
      ...Array.from({ length: 3 }, () => once(({ nodes }) => nodes['us-east-op-2']?.held != null, later(minutes(2)))),
      once(
        ({ nodes }) => nodes['us-east-op-2']?.held != null,
        mended((world) => {
          world.halt = { is: 'clear' };
        }),
      ),
    ],
    most: 300,
  },
  'a-finished-node-falls-sick': {
    script: [
      once(
        (rollout) => watching(rollout) !== null,
        mended((world) => world.down.add('us-east-op-1')),
      ),
    ],
    most: 200,
  },
  'with-checklists': { fleet: (fleet) => ({ ...fleet, checklists }), script: ticked },
  'the-first-of-each-region-first': { input: { strategy: 'canary-all' } },
  'all-regions-at-once-to-ask': { policy: { oneMayBegin: 'nowhere' }, input: { strategy: 'rolling' } },
  'every-node-is-restarted': {
    input: { change: { is: 'restart' }, release: asItRuns },
  },
  'a-key-of-every-environment-file-is-changed': {
    input: {
      change: { is: 'config', wanted: { ...wantsNothing, set: { MAX_CONNECTIONS: '200' } }, files: {} },
      release: asItRuns,
      survey: surveyOf(trialFleet()).map((seen) => ({ ...seen, environment })),
    },
  },
  'ninety-nodes': {
    perRegion: 30,
    policy: { atOnce: 3, minimumHealthy: 20 },
    world: (world) => world.bad.add('us-east-op-20'),
    script: [
      once(
        isHeld,
        mended((world) => world.bad.clear()),
      ),
    ],
    most: 700,
  },
  'what-nobody-signed': {
    script: [once(always, () => null)],
    most: 1,
  },
};

const keysOf = (rollout: Rollout): string[] =>
  posts(rollout, people).flatMap(({ blocks }) =>
    [...JSON.stringify(blocks).matchAll(/zw:mine:([^"]+)"/g)].map(([, key = '']) => key),
  );

const kindOf = (key: string): string =>
  (key.startsWith('dm.') ? key.split('.').slice(0, 2) : key.split('.').slice(0, 1)).join(' ');

/** Equal for messages that say the same of another node, at another time. What a region's nodes are at is told by their own messages. */
function shape({ key, text }: Post): string {
  const kind = kindOf(key);
  const said = text
    .replace(/<!date[^>]*>/g, 'T')
    .replace(/`[█░]+`/g, 'B')
    .replace(/\b(?:us-east|eu-west|ap-south)(?:-op-\d+)?/g, 'N')
    .replace(/N(?:, N)*(?: and \d+ more)?/g, 'N')
    .replace(/\d+(?:\.\d+)?(?: (?:s|min|h|d)\b)?/g, '0')
    .replace(/\b0 nodes\b/g, '0 node');
  const lines = said.split('\n').filter((line) => !/^\*N\* {2}/.test(line));
  return [kind, ...(kind === 'region' ? lines.slice(0, 1) : lines)].join('\n');
}

const told = new Set<string>();
const kinds = new Set<string>();

function* states({ policy, fleet = (each) => each, perRegion = 3, windows = 'always', input, ...night }: Night) {
  const start = plan(
    inputOf(fleet(trialFleet({ reminders, bake: minutes(10), ...policy }, windows, perRegion)), {
      ...{ strategy: 'regions', requester: 'U0ROSA' },
      ...input,
    }),
  );
  const world = worldOf(start);
  night.world?.(world);
  yield start;
  for (const { rollout } of onwards(start, world, tuesday, night)) yield rollout;
}

function story(name: string, night: Night): string {
  const standing = new Set<string>();
  const pages: string[] = [];
  for (const state of states(night)) {
    const rollout: Rollout = name === 'what-nobody-signed' ? { ...state, unsigned: true } : state;
    const current = posts(rollout, people);
    const below = outdated(rollout, [...standing], people, current);
    for (const post of [...current, ...below]) {
      const said = shape(post);
      standing.add(post.key);
      kinds.add(kindOf(post.key));
      if (told.has(said)) continue;
      expect(post.text, post.key).not.toMatch(/^\W*(?:the|an?|its?|all|no|every|nobody|nothing|this|there)\b/);
      told.add(said);
      pages.push(`── ${post.key} (${rollout.status.is})${post.closes ? ', below what it said' : ''}\n${post.text}\n`);
    }
  }
  return pages.join('\n');
}

describe('a night as the chat tells it', () => {
  it.each(Object.entries(nights))('%s', async (name, night) => {
    await expect(story(name, night)).toMatchFileSnapshot(`${folder}/${name}.txt`);
  });
});

afterAll(() => {
  const all = [
    'main',
    'started',
    'scheduled',
    'moved',
    'soon',
    'failed',
    'stuck',
    'wait',
    'gate',
    'checklist',
    'declined',
  ];
  const ends = ['finished', 'stopped', 'rolled-back', 'report', 'node', 'region', 'remind'];
  const direct = ['dm ask', 'dm gate', 'dm held', 'dm declined', 'dm done', 'dm stopped', 'dm rolled-back'];
  expect([...kinds].sort()).toEqual(expect.arrayContaining([...all, ...ends, ...direct].sort()));
});
