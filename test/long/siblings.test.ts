import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serviceIn } from '../../src/base/sibling.ts';
import { nodesInOrder } from '../../src/upgrade/rollout/index.ts';
import type { Rollout } from '../../src/upgrade/rollout/types.ts';
import { Conversation } from '../support/conversation.ts';
import { type Prober, startProber } from '../support/prober.ts';
import { type Product, people, startProduct } from '../support/product.ts';
import {
  freshFleet,
  offerRelease,
  onNode,
  type RealNode,
  releasesDirectory,
  sayWhyNot,
} from '../support/real-fleet.ts';

const why = sayWhyNot('Two services on the same real nodes');

const quick = {
  soak: '1s',
  canarySoak: '1s',
  pause: '200ms',
  bake: '1s',
  watch: '500ms',
  healthDeadline: '12s',
  retryDelay: '500ms',
};
const agentPort = 8082;
const name = 'zeitwork-node-agent';

/** The same binary under another name, as an archive of its own. */
function offerAgent(into: string, version: string, from = '.'): void {
  const work = mkdtempSync(join(tmpdir(), 'zeitwork-agent-'));
  try {
    execFileSync('tar', ['-xzf', join(releasesDirectory, from, `zeitwork-operator-${version}.tar.gz`), '-C', work]);
    renameSync(join(work, 'build/zeitwork-operator'), join(work, 'build', name));
    const archive = join(into, `${name}-${version}.tar.gz`);
    execFileSync('tar', ['-czf', archive, '-C', work, `build/${name}`]);
    const sha256 = createHash('sha256').update(readFileSync(archive)).digest('hex');
    writeFileSync(`${archive}.sha256`, `${sha256}  ${name}-${version}.tar.gz\n`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** A second unit of the same binary, with files and a port of its own. */
const installAgent = [
  `cp -p /usr/local/bin/zeitwork-operator /usr/local/bin/${name}`,
  `sed 's/^PORT=.*/PORT=${agentPort}/' /etc/zeitwork/operator.env >/etc/zeitwork/node-agent.env`,
  'chown zeitwork:zeitwork /etc/zeitwork/node-agent.env && chmod 640 /etc/zeitwork/node-agent.env',
  `sed 's/zeitwork-operator/${name}/; s/operator\\.env/node-agent.env/' /etc/systemd/system/zeitwork-operator.service >/etc/systemd/system/${name}.service`,
  `systemctl daemon-reload && systemctl enable --now ${name}`,
].join(' && ');

/** When a unit was started since then, epoch ms. */
async function startsOf(node: string, unit: string, since: number): Promise<number[]> {
  const lines = await onNode(node, `journalctl -u ${unit} -o json --no-pager | grep -F "Started ${unit}" || true`);
  return lines
    .split('\n')
    .filter(Boolean)
    .map((line) =>
      Math.round(Number((JSON.parse(line) as { __REALTIME_TIMESTAMP: string }).__REALTIME_TIMESTAMP) / 1000),
    )
    .filter((at) => at >= since);
}

describe.skipIf(why !== null)('two services on the same real nodes', () => {
  const versions = mkdtempSync(join(tmpdir(), 'zeitwork-siblings-'));
  let nodes: RealNode[] = [];
  let product: Product;
  let talk: Conversation;
  let operators: Prober;
  let agents: Prober;
  let approving: NodeJS.Timeout;

  const approve = async () => {
    const asked = /"text":"(Approve [^"]+)"/.exec(JSON.stringify(product.slack.messages().map(({ blocks }) => blocks)));
    if (asked?.[1]) await talk.click(asked[1], people.ines.id, 500).catch(() => undefined);
  };
  const until = (what: string, check: (rollout: Rollout) => boolean) =>
    talk.until(
      what,
      async () => {
        const rollout = await talk.newest();
        return rollout !== undefined && check(rollout);
      },
      400_000,
    );
  const versionOf = async (node: RealNode, port: number): Promise<unknown> => {
    const answer = await fetch(`http://${node.address}:${port}/health`);
    return ((await answer.json()) as { version: unknown }).version;
  };
  const versionsAt = async (port: number) => new Set(await Promise.all(nodes.map((node) => versionOf(node, port))));
  /** Of both services, one after another, as their journals have it. */
  const order = async (since: number): Promise<(string | null)[]> => {
    const all = await Promise.all(
      nodes.flatMap(({ name: node }) =>
        ['zeitwork-operator', name].map(async (unit) => ({ unit, at: await startsOf(node, unit, since) })),
      ),
    );
    return all
      .flatMap(({ unit, at }) => at.map((each) => ({ unit, each })))
      .sort((a, b) => a.each - b.each)
      .map(({ unit }) => unit);
  };

  beforeAll(async () => {
    nodes = (await freshFleet()).filter(({ region }) => region !== 'ap-south');
    for (const { name: node } of nodes) await onNode(node, installAgent);
    mkdirSync(versions, { recursive: true });
    offerRelease(versions, 'v2.0.0');
    offerAgent(versions, 'v2.0.0');
    offerAgent(versions, 'v2.1.0', 'faulty/never-healthy');
    product = await startProduct({
      releases: versions,
      policy: quick,
      nodes,
      settings: {
        services: {
          agent: { name, health: `http://{address}:${agentPort}/health`, after: ['operator'] },
          operator: { name: 'zeitwork-operator', health: 'http://{address}:8080/health' },
        },
      },
    });
    talk = new Conversation(product);
    operators = startProber(nodes.map(({ name: node, region, healthUrl }) => ({ name: node, region, healthUrl })));
    agents = startProber(
      nodes.map(({ name: node, region, address }) => ({
        ...{ name: node, region },
        healthUrl: `http://${address}:${agentPort}/health`,
      })),
    );
    approving = setInterval(() => void approve(), 1_000);
  });

  afterAll(async () => {
    clearInterval(approving);
    await Promise.all([operators?.stop(), agents?.stop()]);
    await product?.close();
    rmSync(versions, { recursive: true, force: true });
    await freshFleet();
  });

  it('go to their releases one after the other, and back in reverse order', async () => {
    const since = Date.now();
    await talk.type('upgrade v2.0.0 agent=v2.0.0');
    await talk.click('Start');
    await until('both are done', ({ status }) => status.is === 'done');
    expect(await versionsAt(8080)).toEqual(new Set(['v2.0.0']));
    expect(await versionsAt(agentPort)).toEqual(new Set(['v2.0.0']));
    expect(await order(since)).toEqual([...Array(6).fill('zeitwork-operator'), ...Array(6).fill(name)]);
    expect(talk.words()).toContain('operator v2.0.0, agent v2.0.0');
    // Each has a number and backups of its own.
    const kept = await onNode('us-east-op-1', 'ls /var/lib/zeitwork-upgrades');
    expect(kept.trim().split(/\s+/).sort()).toEqual([name, 'zeitwork-operator']);

    const then = Date.now();
    await talk.type('rollback all');
    await until('all is back', ({ status }) => status.is === 'rolled-back');
    expect(await versionsAt(8080)).toEqual(new Set(['v1.0.0']));
    expect(await versionsAt(agentPort)).toEqual(new Set(['v1.0.0']));
    expect(await order(then)).toEqual([...Array(6).fill(name), ...Array(6).fill('zeitwork-operator')]);
  });

  it('one that fails is brought back, and the other is not touched', async () => {
    const since = Date.now();
    await talk.type('upgrade agent=v2.1.0');
    await talk.click('Start');
    await until('its first node is back, and people are called', (rollout) => {
      const [first] = nodesInOrder(rollout);
      return rollout.status.is === 'held' && first?.state.is === 'rolled-back';
    });
    const rollout = await talk.newest();
    expect(nodesInOrder(rollout as Rollout).every(({ name: node }) => serviceIn(node) === 'agent')).toBe(true);
    expect(await versionsAt(agentPort)).toEqual(new Set(['v1.0.0']));
    expect(await order(since)).toEqual([name, name]);
  });

  it('each kept its own quorum all the time', () => {
    for (const prober of [operators, agents]) {
      for (const [region, fewest] of Object.entries(prober.fewest())) expect(fewest, region).toBeGreaterThanOrEqual(2);
      expect(prober.probes()).toBeGreaterThan(100);
    }
  });
});
