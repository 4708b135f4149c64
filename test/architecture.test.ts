import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');

interface Room {
  ours: string[];
  types?: string[];
  packages: string[];
}

/** Who may import whom. `types:` means `import type` only. The table of ARCHITECTURE.md, as a check. */
const inner: Record<string, Room> = {
  base: { ours: [], packages: ['semver'] },
  windows: { ours: ['base'], packages: ['temporal-polyfill'] },
  trust: { ours: ['base'], packages: ['node:'] },
  'upgrade/compatibility': { ours: [], packages: ['semver'] },
  'upgrade/checks': { ours: ['base'], packages: ['@jmespath-community/jmespath'] },
  'upgrade/comparison': { ours: [], packages: [] },
  'upgrade/environment': { ours: ['base'], packages: [] },
  'upgrade/rollout': {
    ours: ['base', 'upgrade/checks', 'upgrade/comparison', 'upgrade/compatibility', 'upgrade/environment', 'windows'],
    packages: [],
  },
  'upgrade/ledger': { ours: ['base', 'upgrade/rollout', 'windows'], packages: [] },
  'upgrade/report': { ours: ['base', 'upgrade/comparison', 'upgrade/rollout', 'windows'], packages: [] },
  'upgrade/ssh': { ours: ['base'], types: ['upgrade/checks'], packages: ['node:', 'ssh2', 'pg'] },
  'upgrade/http': {
    ours: ['base'],
    types: ['upgrade/checks', 'upgrade/compatibility'],
    packages: ['undici', '@jmespath-community/jmespath'],
  },
  'upgrade/host': {
    ours: ['base', 'upgrade/checks', 'upgrade/environment', 'upgrade/rollout'],
    types: ['upgrade/comparison', 'upgrade/ssh', 'upgrade/http'],
    packages: ['node:'],
  },
  'upgrade/balancer': { ours: ['base', 'upgrade/host', 'upgrade/rollout'], types: ['upgrade/ssh'], packages: [] },
  'upgrade/proof': {
    ours: ['base', 'upgrade/rollout', 'upgrade/host'],
    types: ['upgrade/ssh', 'upgrade/http'],
    packages: [],
  },
  'upgrade/actions': { ours: ['base', 'upgrade/rollout', 'upgrade/host'], types: ['migrating'], packages: [] },
  migrating: {
    ours: ['base', 'building', 'running'],
    types: ['upgrade/compatibility', 'upgrade/ledger', 'upgrade/ssh'],
    packages: [],
  },
  'upgrade/steps': {
    ours: [
      'base',
      'upgrade/balancer',
      'upgrade/checks',
      'upgrade/environment',
      'upgrade/rollout',
      'upgrade/host',
      'upgrade/proof',
    ],
    types: ['upgrade/ssh', 'upgrade/http'],
    packages: ['node:'],
  },
  releases: { ours: ['base', 'trust', 'upgrade/rollout'], packages: ['node:', 'undici', 'tar-stream'] },
  running: { ours: ['base', 'upgrade/host'], types: ['upgrade/ssh'], packages: ['node:'] },
  building: {
    ours: ['base', 'running', 'trust', 'upgrade/host'],
    types: ['upgrade/ledger', 'upgrade/ssh'],
    packages: ['node:', 'tar-stream'],
  },
  config: {
    ours: [
      'base',
      'trust',
      'upgrade/checks',
      'upgrade/comparison',
      'upgrade/compatibility',
      'upgrade/rollout',
      'windows',
    ],
    types: ['building', 'migrating', 'upgrade/balancer', 'upgrade/environment', 'upgrade/ssh', 'upgrade/http'],
    packages: ['node:', 'yaml', 'zod', 'ssh-config', '@jmespath-community/jmespath'],
  },
  jobs: {
    ours: [
      'base',
      'trust',
      'upgrade/checks',
      'upgrade/comparison',
      'upgrade/compatibility',
      'upgrade/ledger',
      'upgrade/rollout',
      'windows',
    ],
    types: [
      'building',
      'migrating',
      'upgrade/actions',
      'upgrade/environment',
      'upgrade/ssh',
      'upgrade/http',
      'upgrade/proof',
      'upgrade/steps',
    ],
    packages: ['node:', 'bullmq', 'ioredis', 'node-cron', 'pino'],
  },
  metrics: {
    ours: ['base', 'jobs', 'upgrade/rollout'],
    types: ['bot'],
    packages: ['node:', 'prom-client'],
  },
  'app/cli': { ours: ['base', 'bot', 'upgrade/rollout'], packages: ['node:'] },
  bot: {
    ours: [
      'base',
      'jobs',
      'trust',
      'upgrade/checks',
      'upgrade/comparison',
      'upgrade/compatibility',
      'upgrade/environment',
      'upgrade/ledger',
      'upgrade/report',
      'upgrade/rollout',
      'windows',
    ],
    types: ['upgrade/http'],
    packages: ['node:', '@slack/', 'pino'],
  },
  doctor: {
    ours: [
      'base',
      'config',
      'upgrade/ssh',
      'upgrade/http',
      'upgrade/balancer',
      'upgrade/checks',
      'upgrade/compatibility',
      'upgrade/rollout',
      'upgrade/host',
      'jobs',
      'migrating',
      'releases',
      'windows',
    ],
    packages: ['node:', 'ioredis', '@slack/web-api'],
  },
  'sandbox/fleet': { ours: [], packages: ['node:', 'ssh2'] },
  'sandbox/slack': { ours: ['sandbox/page'], packages: ['node:', 'ws'] },
  'sandbox/page': { ours: ['sandbox/slack'], packages: ['node:', 'ws', 'react', 'react-dom', 'slack-blocks-to-jsx'] },
  /** Starts the product as the command line does; it alone of the sandbox sees it. */
  sandbox: {
    ours: [
      'app',
      'app/cli',
      'bot',
      'config',
      'trust',
      'upgrade/report',
      'upgrade/rollout',
      'windows',
      'sandbox/fleet',
      'sandbox/slack',
    ],
    packages: ['node:', 'yaml'],
  },
};
/** `app` puts the rooms together: it alone sees all of them, and only the entry sees it. */
const rooms: Record<string, Room> = {
  ...inner,
  app: { ours: Object.keys(inner), packages: ['node:', 'pino'] },
};
const pure = [
  'base',
  'windows',
  'upgrade/checks',
  'upgrade/comparison',
  'upgrade/compatibility',
  'upgrade/environment',
  'upgrade/rollout',
  'upgrade/ledger',
  'upgrade/report',
].map((room) => `src/${room}/`);
/** Of a room that is not: what reads commands and words messages. */
const pureParts = ['src/bot/views/', 'src/bot/facts/', 'src/bot/parse/', 'src/bot/parse.ts', 'src/bot/command.ts'];

const files = ['src', 'sandbox'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file))
    .map((file) => join(folder, file)),
);

function roomOf(file: string): string | null {
  const inside = file.replace(/^src\//, '');
  return (
    Object.keys(rooms)
      .filter((room) => inside.startsWith(`${room}/`))
      .sort((a, b) => b.length - a.length)[0] ?? null
  );
}

function importsOf(file: string): { from: string; typeOnly: boolean }[] {
  const text = readFileSync(join(root, file), 'utf8');
  return [
    ...text.matchAll(
      /(?:^|\n)\s*(import|export)\s+(type\s)?[^;'"]*?from\s+['"]([^'"]+)['"]|import\(['"]([^'"]+)['"]\)/g,
    ),
  ].map((match) => ({ from: match[3] ?? match[4] ?? '', typeOnly: match[2] !== undefined }));
}

describe('the house', () => {
  it('has a room for every file except the entry', () => {
    const lost = files.filter((file) => roomOf(file) === null && file !== 'src/main.ts');
    expect(lost).toEqual([]);
  });

  it('lets every room import only what its row allows', () => {
    const wrong: string[] = [];
    for (const file of files) {
      const room = roomOf(file);
      if (room === null) continue;
      const rule = rooms[room];
      if (!rule) continue;
      for (const { from, typeOnly } of importsOf(file)) {
        if (from.startsWith('.')) {
          const target = relative(root, resolve(root, dirname(file), from));
          const other = roomOf(target);
          const allowed =
            other === room ||
            (other !== null && (rule.ours.includes(other) || (typeOnly && rule.types?.includes(other))));
          if (!allowed) wrong.push(`${file} imports ${target}`);
        } else if (
          !rule.packages.some(
            (name) => from === name || from.startsWith(name.endsWith(':') || name.endsWith('/') ? name : `${name}/`),
          )
        ) {
          wrong.push(`${file} imports ${from}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  it('keeps clocks, randomness and I/O out of what is pure', () => {
    const wrong = files
      .filter((file) => [...pure, ...pureParts].some((part) => file.startsWith(part)))
      .filter((file) =>
        /Date\.now\(|Math\.random\(|new Date\(\)|performance\.now\(|randomUUID|process\.|from 'node:/.test(
          readFileSync(join(root, file), 'utf8'),
        ),
      );
    expect(wrong).toEqual([]);
  });

  it('asks for one of several states, steps or kinds by names that the compiler checks', () => {
    const wrong = files.filter((file) =>
      /'\s*,?\s*\]\.includes\(\s*[^()]*\b(is|step|type|changes|takes)\b/.test(readFileSync(join(root, file), 'utf8')),
    );
    expect(wrong).toEqual([]);
  });
});
