import { describe, expect, it } from 'vitest';
import { day } from '../../src/base/duration.ts';
import { type AftercareParts, createAftercare } from '../../src/jobs/aftercare.ts';
import { emptyLedger } from '../../src/upgrade/ledger/index.ts';
import type { Left } from '../../src/upgrade/ledger/types.ts';
import type { NodeRun, NodeSurvey, Pair, Rollout } from '../../src/upgrade/rollout/types.ts';
import type { Command, Shell } from '../../src/upgrade/ssh/types.ts';
import { fleetOf, newImage, oldImage, planned, recorded, surveyOf, tuesday } from '../support/rollouts.ts';
import { drive, worldOf } from '../support/simulation.ts';
import { silent, systemClock } from './fixtures/parts.ts';

const node = 'us-east-op-1';
const env = recorded.envSha256 ?? '';
const begun = planned({ bake: 0 }, { regions: ['us-east'] });
const { rollout: over, now: endedAt } = drive(begun, worldOf(begun), { from: tuesday });
const ended = 'at' in over.status ? over.status.at : endedAt;
const left: Left = { version: 'v2.0.0', sha256: newImage, envSha256: env, at: ended, rollout: 'r1' };
const backup = (index: number) => ({
  name: `b${index}`,
  version: `v0.${index}.0`,
  sha256: String(index).repeat(64),
  envSha256: env,
});
const [seen] = surveyOf(fleetOf(), {
  [node]: { sha256: newImage, lies: { disk: newImage, envSha256: env, backups: [backup(1), backup(2), backup(3)] } },
});
if (seen === undefined) throw new Error('no node');

/** It was to be watched once it was done, and came to this. */
const afterwards = (is: 'well' | 'unwell' | 'superseded' | null): Rollout => ({
  ...over,
  afterwards: {
    ...{ for: day, every: 300_000, since: ended, regions: {}, worse: [] },
    end: is === null ? null : is === 'superseded' ? { is, rollout: 'r2', at: ended + day } : { is, at: ended + day },
  },
});

/** It was to be watched as well, and never came so far. */
const calledOff: Rollout = {
  ...over,
  id: 'r2',
  status: { is: 'stopped', by: 'U1', at: ended },
  afterwards: { for: day, every: 300_000, since: null, regions: {}, worse: [], end: null },
};

interface World {
  rollouts?: Rollout[];
  open?: string[];
  left?: Left;
  seen?: Partial<NodeSurvey>;
  stable?: number | null;
  halted?: boolean;
  later?: number;
  /** This worker is about to end. */
  closing?: boolean;
}

/** What is asked of the node, and what is presented with it. */
async function cleaned(world: World = {}) {
  const asked: {
    rollout: string;
    binary: string;
    epoch: number;
    attempt: number;
    before: Pair | null;
    spare: Pair | null;
  }[] = [];
  const sent: Command[] = [];
  const ordered: string[] = [];
  const shell: Shell = {
    becomes: () => 'helper',
    run: async (_, command) => {
      sent.push(command);
      return { is: 'unreachable', reason: 'no node here' };
    },
    put: async () => ({ is: 'unreachable', reason: 'no node here' }),
    close: async () => undefined,
  };
  const presented = { order: { text: 'a', signature: 'b' }, back: null };
  const parts: AftercareParts = {
    fleet: { ...fleetOf(), aftercare: { stable: world.stable === undefined ? 14 * day : world.stable, keep: 2 } },
    store: { openIds: async () => world.open ?? [], latest: async () => world.rollouts ?? [over] },
    ledger: { load: async () => ({ ...emptyLedger, nodes: { [node]: world.left ?? left } }) },
    orders: async (rollout, name, step) => {
      ordered.push(`${step} ${rollout.id} ${name}`);
      return presented;
    },
    shell,
    halt: async () => (world.halted ? { is: 'lies', reason: 'disk swap' } : { is: 'clear' }),
    tidyNode: async ({ rollout, node: { before }, attempt, shell: own, signal }, spare) => {
      asked.push({ rollout: rollout.id, binary: rollout.service.binary, epoch: rollout.epoch, attempt, before, spare });
      await own.run(node, { name: 'tidy', script: '', args: [], sudo: true, timeoutMs: 1_000 }, signal);
      return { is: 'tidied', removed: [] };
    },
    clock: { ...systemClock, now: () => ended + (world.later ?? 14 * day) },
    log: silent,
  };
  const closing = new AbortController();
  if (world.closing) closing.abort();
  const ends = createAftercare(parts)([{ ...seen, ...world.seen } as NodeSurvey], closing.signal);
  if (world.closing) await expect(ends).rejects.toThrow(/abort/);
  else await ends;
  return { asked, sent, ordered };
}

describe('a node that is as recorded', () => {
  it('is cleaned up once it has stood for so long, under the number of the rollout that left it so, by an order for that', async () => {
    const { asked, sent, ordered } = await cleaned();
    const run = over.nodes[node];
    expect(asked).toEqual([
      {
        ...{ rollout: 'r1', binary: over.service.binary, epoch: over.epoch, attempt: run?.attempt },
        ...{ before: run?.before, spare: null },
      },
    ]);
    expect(ordered).toEqual([`tidy r1 ${node}`]);
    expect(sent).toMatchObject([{ name: 'tidy', presented: { order: { text: 'a' } } }]);
  });

  it.each<[string, World]>([
    ['it has not stood for so long', { later: 14 * day - 1 }],
    ['what is there was recorded only now', { left: { ...left, at: ended + day } }],
    ['nothing is to be cleaned up', { stable: null }],
    ['a rollout is open', { open: ['r9'] }],
    ['it is still watched', { rollouts: [afterwards(null)] }],
    ['it was not well while it was watched', { rollouts: [afterwards('unwell')] }],
    ['it was not well, and another upgrade was called off since', { rollouts: [calledOff, afterwards('unwell')] }],
    ['its watch was cut off by a restart', { rollouts: [{ ...over, id: 'r2' }, afterwards('superseded')] }],
    ['the last rollout that knows it is open', { rollouts: [{ ...over, status: { is: 'running' } }] }],
    [
      'a later rollout knows it, and was over only now',
      { rollouts: [{ ...over, id: 'r2', status: { is: 'stopped', by: 'U1', at: ended + day } }, over] },
    ],
    ['nobody signed the last rollout', { rollouts: [{ ...over, unsigned: true }] }],
    ['no rollout is known that left it so', { rollouts: [] }],
    [
      'somebody accepted what is there',
      { left: { ...left, rollout: null, accepted: { by: 'U1', reason: 'x', proven: false } } },
    ],
    ['it is sick tonight', { seen: { healthy: false } }],
    [
      'no more than two backups lie there',
      {
        seen: {
          lies: { disk: newImage, envSha256: env, backups: [backup(1), backup(2), { ...backup(3), sha256: newImage }] },
        },
      },
    ],
  ])('is left as it is while %s', async (_, world) => {
    expect((await cleaned(world)).asked).toEqual([]);
  });

  it('is cleaned up when it was well while it was watched, also after a restart since', async () => {
    expect((await cleaned({ rollouts: [afterwards('well')] })).asked).toHaveLength(1);
    expect((await cleaned({ rollouts: [{ ...over, id: 'r2' }, afterwards('well')] })).asked).toHaveLength(1);
  });

  it('is left as it is while its worker ends', async () => {
    expect((await cleaned({ closing: true })).asked).toEqual([]);
  });

  it('is cleaned up by the settings of this worker, whatever a rollout says that its service is', async () => {
    const elsewhere = { ...over, service: { ...over.service, binary: '/etc/passwd' } };
    expect((await cleaned({ rollouts: [elsewhere] })).asked).toMatchObject([{ binary: over.service.binary }]);
  });

  it('is left as it is while a file stops everything', async () => {
    expect((await cleaned({ halted: true })).sent).toEqual([]);
  });

  it('keeps what it was before the last rollout that changed it, when another one knew it since and changed nothing', async () => {
    const same = { ...recorded, sha256: newImage };
    const since = (before: typeof recorded | null): Rollout => ({
      ...over,
      id: 'r2',
      nodes: { ...over.nodes, [node]: { ...(over.nodes[node] as NodeRun), before, touched: before !== null } },
    });
    for (const later of [since(null), since(same)]) {
      const { asked } = await cleaned({ rollouts: [later, over] });
      expect(asked).toMatchObject([{ rollout: 'r2', before: { sha256: oldImage } }]);
    }
  });

  it('keeps what was proven on it before, which the last rollout need not have come from', async () => {
    const older: Rollout = {
      ...over,
      id: 'r0',
      release: { ...over.release, version: 'v1.9.0', binarySha256: oldImage },
    };
    const { asked } = await cleaned({ rollouts: [over, older] });
    expect(asked).toMatchObject([{ rollout: 'r1', spare: { version: 'v1.9.0', sha256: oldImage, envSha256: env } }]);
  });
});
