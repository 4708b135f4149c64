import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { binaryOf } from './fleet/releases.ts';

/** What is built here that is no release yet: one that goes well, and one whose build fails. */
export const unbuilt = { good: 'v2.3.0', bad: 'v2.4.0' };

const steps = ['lease', 'reconcile', 'scheduler', 'health', 'agent', 'metrics', 'main'];
/** Slow enough to be watched, and to be stopped. */
const script = (last: string[]): string =>
  [
    '#!/bin/sh',
    'set -e',
    'mkdir -p build',
    ...steps.map((name) => `echo "cc -O2 -c cmd/${name}.c"; sleep 1`),
    ...last,
    '',
  ].join('\n');
const linking = [
  'sed "s/@VERSION@/$(cat VERSION)/g" cmd/operator.in >build/zeitwork-operator',
  'chmod +x build/zeitwork-operator',
  'echo "ld -o build/zeitwork-operator"',
];
const failing = [
  'echo "cmd/migrate.c:41:10: fatal error: lease_v2.h: No such file or directory" >&2',
  'echo "compilation terminated." >&2',
  'exit 1',
];

/** A git repository with a tag of each; null where there is no git. The same each time. */
export async function makeSource(directory: string): Promise<string | null> {
  const { good, bad } = unbuilt;
  await mkdir(join(directory, 'cmd'), { recursive: true });
  try {
    git(directory, 'init', '-q', '-b', 'main', '.');
  } catch {
    return null;
  }
  await writeFile(join(directory, 'cmd', 'operator.in'), binaryOf(good).toString().replaceAll(good, '@VERSION@'));
  for (const [version, last] of [
    [good, linking],
    [bad, failing],
  ] as const) {
    await writeFile(join(directory, 'VERSION'), `${version}\n`);
    await writeFile(join(directory, 'build.sh'), script(last));
    git(directory, 'add', '-A');
    git(directory, 'commit', '-q', '-m', `Release ${version}`);
    git(directory, 'tag', '-a', '-m', version, version);
  }
  return directory;
}

function git(directory: string, ...words: string[]): void {
  const who = { NAME: 'Rosa', EMAIL: 'rosa@example.com', DATE: '2026-01-01T00:00:00Z' };
  const people = Object.entries(who).flatMap(([what, value]) => [
    [`GIT_AUTHOR_${what}`, value],
    [`GIT_COMMITTER_${what}`, value],
  ]);
  const none = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' };
  execFileSync('git', ['-C', directory, ...words], {
    env: { PATH: process.env.PATH, ...none, ...Object.fromEntries(people) },
    stdio: 'ignore',
  });
}
