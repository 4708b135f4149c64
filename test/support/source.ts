import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A real git repository of its own, from which a binary is built that says its version: a script, as nodes take one. */
export interface SourceRepository {
  /** What git fetches from. */
  url: string;
  /** Commits these files over what is there, and gives the commit this tag, if need be in the place of another one. Answers the commit. */
  release(version: string, files?: Record<string, string>, how?: { signedWith?: string; lightweight?: true }): string;
  git(...words: string[]): string;
}

/** `{recipe}` of a Makefile: what is built beside is up to it. */
export const makefile = (...recipe: string[]): string =>
  `build:\n${recipe.map((line) => `\t${line}\n`).join('')}.PHONY: build\n`;

export const binary = 'build/zeitwork-operator';
/** Builds a script that answers `--version` with the content of VERSION. */
export const honest = makefile(
  '@echo compiling',
  'mkdir -p build',
  `printf '#!/bin/sh\\necho %s\\n' "$$(cat VERSION)" > ${binary}`,
  `chmod +x ${binary}`,
);

export function sourceRepository(folder: string): SourceRepository {
  const url = join(folder, 'source');
  mkdirSync(url, { recursive: true });
  let at = Date.parse('2025-01-01T00:00:00Z') / 1_000;
  const git = (...words: string[]): string =>
    execFileSync('git', ['-C', url, ...words], {
      encoding: 'utf8',
      stdio: 'pipe',
      env: {
        PATH: process.env.PATH,
        HOME: folder,
        GIT_CONFIG_GLOBAL: '/dev/null',
        GIT_CONFIG_SYSTEM: '/dev/null',
        ...Object.fromEntries(
          ['AUTHOR', 'COMMITTER'].flatMap((who) => [
            [`GIT_${who}_NAME`, 'ana'],
            [`GIT_${who}_EMAIL`, 'ana@example.com'],
            [`GIT_${who}_DATE`, `${at} +0000`],
          ]),
        ),
      },
    }).trim();
  git('init', '-q', '-b', 'main', '.');
  return {
    url,
    git,
    release(version, files = {}, { signedWith, lightweight } = {}) {
      at += 3_600;
      for (const [name, text] of Object.entries({ Makefile: honest, VERSION: version, ...files }))
        writeFileSync(join(url, name), text);
      git('add', '-A');
      git('commit', '-q', '--allow-empty', '-m', `Release ${version}`);
      const signing = signedWith === undefined ? ['-a'] : ['-s'];
      const config = signedWith === undefined ? [] : ['-c', 'gpg.format=ssh', '-c', `user.signingKey=${signedWith}`];
      git(...config, 'tag', '-f', ...(lightweight ? [] : [...signing, '-m', version]), version);
      return git('rev-parse', 'HEAD');
    },
  };
}
