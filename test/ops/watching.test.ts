import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { textOf, watchFleet } from '../../src/metrics/fleet.ts';
import { createMeter, startMetrics } from '../../src/metrics/index.ts';
import { silent, systemClock } from '../jobs/fixtures/parts.ts';

const root = resolve(import.meta.dirname, '../..');
const text = (file: string) => readFileSync(join(root, file), 'utf8');

interface Rule {
  alert: string;
  expr: string;
}
interface RuleTest {
  alert_rule_test: { alertname: string; exp_alerts: unknown[] }[];
}
const rules: Rule[] = parse(text('ops/alerts.yaml')).groups.flatMap((group: { rules: Rule[] }) => group.rules);
const tests: RuleTest[] = parse(text('ops/alerts.test.yaml')).tests;
const operations = text('docs/operations.md');

const empty = { rollouts: [], unbelieved: 0, workers: new Map<string, number>(), queues: [], nights: [] };

/** Names of all that a bot and a worker tell, with the parts of a histogram. */
async function told(): Promise<Set<string>> {
  const meter = createMeter({ roles: ['bot', 'worker'], version: '1', clock: systemClock, complain: () => undefined });
  const look = async () => empty;
  const place = { host: '127.0.0.1', port: 0 };
  const one = { fleet: 'production', look, regions: ['us-east'] };
  const parts = { place, meter, ping: async () => undefined, fleets: [one], clock: systemClock };
  await startMetrics({ ...parts, log: silent }).close();
  const fleet = watchFleet({ ...one, meter: meter.of('production'), clock: systemClock });
  await fleet.refresh();
  const body = `${await meter.registry.metrics()}${await textOf([fleet.seen()])}`;
  const kinds = [...body.matchAll(/^# TYPE (\S+) (\S+)$/gm)];
  return new Set(
    kinds.flatMap(([, name = '', kind]) =>
      kind === 'histogram' ? [name, `${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    ),
  );
}
const namedIn = (words: string): string[] => [
  ...new Set([...words.matchAll(/\b(?:zeitwork|nodejs|process)_[a-z0-9_]+/g)].map(([name]) => name)),
];
const promtool = (...words: string[]) => spawnSync('promtool', words, { cwd: root, encoding: 'utf8' });
const hasPromtool = promtool('--version').error === undefined;
if (!hasPromtool) console.log('ops/alerts.yaml: not read by promtool, which is not installed (Debian: prometheus)');

describe('the example alerts', () => {
  it('each have a test in which they fire and one in which they do not, and promtool passes them', () => {
    const outcomes = tests.flatMap(({ alert_rule_test }) => alert_rule_test);
    for (const { alert } of rules) {
      const own = outcomes.filter(({ alertname }) => alertname === alert);
      expect([alert, own.some(({ exp_alerts }) => exp_alerts.length > 0)]).toEqual([alert, true]);
      expect([alert, own.some(({ exp_alerts }) => exp_alerts.length === 0)]).toEqual([alert, true]);
    }
    if (!hasPromtool) return;
    expect(promtool('check', 'rules', 'ops/alerts.yaml')).toMatchObject({ status: 0 });
    const { status, stdout, stderr } = promtool('test', 'rules', 'ops/alerts.test.yaml');
    expect([status, stdout + stderr]).toEqual([0, expect.stringContaining('SUCCESS')]);
  });

  it('each have a heading that says what to do', () => {
    const headings = [...operations.matchAll(/^### (Zeitwork\w+)$/gm)].map(([, name]) => name);
    expect(headings).toEqual(rules.map(({ alert }) => alert));
  });
});

describe('every number that is named', () => {
  it.each(['ops/alerts.yaml', 'ops/alerts.test.yaml', 'ops/grafana.json'])('in %s is told', async (file) => {
    const names = namedIn(text(file));
    const known = await told();
    expect(names.length).toBeGreaterThan(10);
    expect(names.filter((name) => !known.has(name))).toEqual([]);
  });

  it('in the documentation is told, and the other way round', async () => {
    const known = [...(await told())].filter((name) => /^zeitwork_/.test(name) && !/_(?:bucket|sum|count)$/.test(name));
    expect(
      namedIn(operations)
        .filter((name) => /^zeitwork_/.test(name))
        .sort(),
    ).toEqual(known.sort());
  });
});

describe('the dashboard', () => {
  it('asks what Prometheus understands, each panel of its own', () => {
    const { panels } = JSON.parse(text('ops/grafana.json'));
    const asked: string[] = panels.flatMap(({ targets }: { targets: { expr: string }[] }) =>
      targets.map(({ expr }) => expr),
    );
    expect(new Set(panels.map(({ id }: { id: number }) => id)).size).toBe(panels.length);
    expect(asked.length).toBeGreaterThan(20);
    if (!hasPromtool) return;
    // As rules, since no other word of promtool only reads an expression.
    const groups = [{ name: 'x', rules: asked.map((expr, at) => ({ record: `x:${at}`, expr })) }];
    const directory = mkdtempSync(join(tmpdir(), 'zw-dashboard-'));
    writeFileSync(join(directory, 'asked.yaml'), JSON.stringify({ groups }));
    const read = promtool('check', 'rules', join(directory, 'asked.yaml'));
    rmSync(directory, { recursive: true });
    expect([read.status, read.stderr]).toEqual([0, '']);
  });
});
