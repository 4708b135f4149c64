import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Conversation } from '../../support/conversation.ts';
import { type Odd, offerOddBuild } from '../../support/odd-builds.ts';
import { type Postgres, startPostgres } from '../../support/postgres.ts';
import { type Product, startProduct } from '../../support/product.ts';
import {
  fleetStatus,
  freshFleet,
  offerRelease,
  onNode,
  putOnNode,
  type RealNode,
  sayWhyNot,
} from '../../support/real-fleet.ts';

const why = sayWhyNot('Checks on real nodes');

const binary = '/usr/local/bin/zeitwork-operator';
const counted = { over: '2s', within: '10s' };
/** One of each kind; the database is asked by an address that only nodes can resolve. */
const checks = [
  { name: 'ready', get: '/health/ready', at: ['node', 'watch'] },
  { name: 'nodes', get: '/api/v1/nodes', that: 'length(@) == `9`' },
  {
    ...{ name: 'errors', metrics: '/metrics', watch: 0.001, bad: 0.02 },
    ...{ rate: 'zeitwork_operator_errors_total', per: 'zeitwork_operator_http_requests_total', ...counted },
  },
  {
    ...{ name: 'speed', metrics: '/metrics', bad: 0.015 },
    rate: 'zeitwork_operator_request_duration_seconds_sum',
    per: 'zeitwork_operator_request_duration_seconds_count',
    ...counted,
  },
  { name: 'log', journal: 'err', over: '10m', bad: 1, within: '10s' },
  {
    ...{ name: 'database', database: 'DATABASE_URL', within: '5s' },
    ...{ query: 'select host(inet_client_addr()) as address', that: "starts_with([0].address, '10.')" },
  },
  { name: 'disk', command: ['/usr/bin/test', '-w', '/var/lib'], within: '5s' },
];
const builds: Record<string, Odd> = {
  'us-east-op-2': { version: 'v1.0.1', fault: 'F_SLOWER' },
  'eu-west-op-3': { version: 'v1.0.2', fault: 'F_ERRORS' },
  'ap-south-op-1': { version: 'v1.0.3', change: (source) => source.replace('"/metrics"', '"/none"') },
};
const [slow, failing, bare] = Object.keys(builds) as [string, string, string];
const lost = 'ap-south-op-3';

interface Row {
  check: string;
  node: string;
  is: string;
  counts: string;
  says: string;
}

describe.skipIf(why !== null)('verify, on a real fleet', () => {
  const versions = mkdtempSync(join(tmpdir(), 'zeitwork-verify-'));
  let nodes: RealNode[] = [];
  let product: Product;
  let postgres: Postgres;
  let calls: NodeJS.Timeout;
  let turn = 0;

  /** Answers the nodes and nobody else; `sick`: the address of a node that would need another password. */
  const serveDatabase = async (sick?: string) => {
    await postgres?.stop();
    const here = nodes[0]?.address.replace(/\.\d+\.\d+$/, '.0.1') ?? '';
    postgres = await startPostgres({
      at: { address: here, port: 5432 },
      hba: [
        ...(sick === undefined ? [] : [`host zeitwork zeitwork ${sick}/32 scram-sha-256`]),
        `host zeitwork zeitwork ${here}/32 reject`,
        `host zeitwork zeitwork ${here.replace(/\.0\.1$/, '.0.0')}/16 trust`,
      ],
      sql: [`create role zeitwork login password 'nobody-has-it'`, 'create database zeitwork owner zeitwork'],
    });
    return here;
  };
  const verified = async (...words: string[]) => {
    const { code, out, err } = await product.shell('verify', ...words, '--json');
    return judged(code, out || err);
  };
  const judged = (code: unknown, text: string) => {
    const facts: { checks: Row[]; complaints: unknown[]; without: string | null } = JSON.parse(text);
    const others = facts.checks.filter(({ is }) => is !== 'good');
    // One answer in twenty of that build is a 500: whether this one is, nobody knows beforehand.
    const certain = others.filter(({ node, check }) => !(node === failing && check === 'nodes'));
    return { code, others: certain.map(({ node, check, is }) => `${node} ${check} ${is}`).sort(), ...facts };
  };

  beforeAll(async () => {
    nodes = await freshFleet();
    const here = await serveDatabase();
    await Promise.all(nodes.map(({ name }) => onNode(name, `echo ${here} db.internal >>/etc/hosts`)));
    offerRelease(versions, 'v1.0.0');
    product = await startProduct({ nodes, releases: versions, policy: {}, settings: { checks } });
    // What nobody asks has no errors, and one in twenty of a few is none.
    calls = setInterval(() => {
      turn += 1;
      for (const { name, address } of nodes)
        if (name === failing || turn % 4 === 0)
          get(`http://${address}:8080/api/v1/instances`, { agent: false }, (answer) => answer.resume()).on(
            'error',
            () => undefined,
          );
    }, 25);
  });
  afterAll(async () => {
    clearInterval(calls);
    await product?.close();
    await postgres?.stop();
    rmSync(versions, { recursive: true, force: true });
  });

  it('finds every check of every node good on a well fleet, the database from the node’s place, and ends with 0', async () => {
    const { code, others, checks: all, complaints } = await verified();
    expect({ others, complaints, code }).toEqual({ others: [], complaints: [], code: 0 });
    expect(all).toHaveLength(nodes.length * checks.length);
    const { out } = await product.shell('verify');
    expect(out).toMatch(/^✓ All 9 nodes are right/m);
    for (const { name } of nodes) expect(out).toMatch(new RegExp(`^${name}(?: +good){7} *$`, 'm'));
  });

  it('tells a slow node, one that returns errors, one without /metrics and one whose database refuses it apart, and ends with 1', async () => {
    await serveDatabase(nodes.find(({ name }) => name === lost)?.address);
    for (const [node, odd] of Object.entries(builds)) {
      await putOnNode(node, binary, offerOddBuild(versions, odd));
      await onNode(node, 'systemctl restart zeitwork-operator');
    }
    const talk = new Conversation(product);
    await talk.until(
      'the odd builds serve',
      async () => (await fleetStatus()).filter(({ serves }) => /^v1\.0\.[123]$/.test(serves)).length === 3,
      60_000,
    );
    const { code, others, complaints, checks: all } = await verified();
    expect(others).toEqual([
      `${bare} errors absent`,
      `${bare} speed absent`,
      `${lost} database bad`,
      `${failing} errors bad`,
      `${failing} log bad`,
      `${slow} speed bad`,
    ]);
    expect(complaints).toEqual([]);
    expect(code).toBe(1);
    expect(all).toHaveLength(nodes.length * checks.length);
    const says = (node: string, check: string) => all.find((each) => each.node === node && each.check === check)?.says;
    expect(says(slow, 'speed')).toMatch(/bad from/);
    expect(says(failing, 'errors')).toMatch(/^[2-9](?:\.\d+)? % over \d+(?:\.\d+)? s, bad from 2 %$/);
    expect(says(bare, 'errors')).toBe('it answered 404, and health answers');
    expect(says(lost, 'database')).toMatch(/password authentication failed/);

    const { out } = await product.shell('verify');
    expect(out).toMatch(/^✗ [67] things not right:/m);
    expect(out).toMatch(new RegExp(`^${slow} +good +good +good +bad +good +good +good *$`, 'm'));
    expect(await talk.type('verify')).toContain(slow);
    // Of one region nothing is said of the others; one that is well ends with 0.
    expect(await verified('us-east-op-1')).toMatchObject({ code: 0, others: [] });
    const east = await product.shell('verify', 'us-east');
    expect(east.code).toBe(1);
    expect(east.out).not.toMatch(/eu-west|ap-south/);
  });

  it('says the same without Redis, from where it runs', async () => {
    const env = { ...process.env, ZEITWORK_CONFIG: product.settingsFile, REDIS_URL: 'redis://127.0.0.1:1' };
    const words = [product.main, 'verify', '--json'];
    const { code, out } = await new Promise<{ code: unknown; out: string }>((done) => {
      execFile(process.execPath, words, { env }, (error, stdout) => done({ code: error?.code ?? 0, out: stdout }));
    });
    expect(judged(code, out)).toMatchObject({
      code: 1,
      without: 'redis',
      others: [
        `${bare} errors absent`,
        `${bare} speed absent`,
        `${lost} database bad`,
        `${failing} errors bad`,
        `${failing} log bad`,
        `${slow} speed bad`,
      ],
    });
    expect(out + product.logs()).not.toMatch(/s3cret|nobody-has-it/);
  });
});
