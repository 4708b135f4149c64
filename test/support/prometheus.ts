import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parse, stringify } from 'yaml';
import { freePort } from './redis-server.ts';

/** A real Prometheus that scrapes these ports every second, with the example alerts. */
export interface Prometheus {
  /** Names of the alerts that fire now, each once. */
  firing(): Promise<string[]>;
  /** Values of what an expression finds. */
  query(expression: string): Promise<number[]>;
  logs(): string;
  close(): Promise<void>;
}

export const hasPrometheus = (): boolean => spawnSync('prometheus', ['--version']).error === undefined;

interface Rule {
  alert: string;
  expr: string;
  for?: string;
}

/** @param impatient by alert, a threshold of its expression and what stands there instead: nobody waits for hours in a test */
export async function startPrometheus(
  ports: number[],
  impatient: Record<string, [from: string, to: string]>,
): Promise<Prometheus> {
  const directory = mkdtempSync(join(tmpdir(), 'zw-prometheus-'));
  const alerts = parse(readFileSync(resolve(import.meta.dirname, '../../ops/alerts.yaml'), 'utf8'));
  const shortened = ({ alert, expr, for: wait, ...rest }: Rule) => {
    const [from, to] = impatient[alert] ?? ['', ''];
    if (!expr.includes(from)) throw new Error(`${alert} has no ${from} any more`);
    return { alert, ...rest, expr: expr.replace(from, to), ...(wait === undefined ? {} : { for: '3s' }) };
  };
  const groups = alerts.groups.map((group: { rules: Rule[] }) => ({ ...group, rules: group.rules.map(shortened) }));
  writeFileSync(join(directory, 'alerts.yaml'), stringify({ groups }));
  const targets = ports.map((port) => `127.0.0.1:${port}`);
  const settings = {
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: ['alerts.yaml'],
    scrape_configs: [{ job_name: 'zeitwork', static_configs: [{ targets }] }],
  };
  writeFileSync(join(directory, 'prometheus.yml'), stringify(settings));
  const port = await freePort();
  const words = [
    `--config.file=${join(directory, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(directory, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  const server: ChildProcess = spawn('prometheus', words, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(server, 'exit');
  const said: string[] = [];
  for (const stream of [server.stdout, server.stderr])
    stream?.on('data', (chunk: Buffer) => said.push(chunk.toString()));
  const ask = async <T>(path: string): Promise<T | null> => {
    const reply = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`).catch(() => null);
    if (reply === null || !reply.ok) return null;
    const { data }: { data: T } = JSON.parse(await reply.text());
    return data;
  };
  return {
    async firing() {
      const found = await ask<{ alerts: { state: string; labels: { alertname: string } }[] }>('alerts');
      const names = (found?.alerts ?? []).flatMap(({ state, labels }) =>
        state === 'firing' ? [labels.alertname] : [],
      );
      return [...new Set(names)].sort();
    },
    async query(expression) {
      const found = await ask<{ result: { value: [number, string] }[] }>(
        `query?query=${encodeURIComponent(expression)}`,
      );
      return (found?.result ?? []).map(({ value }) => Number(value[1]));
    },
    logs: () => said.join(''),
    async close() {
      server.kill('SIGTERM');
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
