import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { completionFor } from '../../../src/app/cli/completion.ts';
import { ownWords } from '../../../src/app/cli/words.ts';
import { verbs } from '../../../src/bot/command.ts';
import { flagsOf } from '../../../src/bot/parse.ts';
import { strategyNames } from '../../../src/upgrade/rollout/types.ts';

/** What bash offers for the last word, asked as bash itself asks. */
function inBash(...words: string[]): string[] {
  const ask = [
    completionFor('bash'),
    'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))',
    'command=$(complete -p zeitwork | sed "s/.*-F \\(\\S*\\) .*/\\1/")',
    `"$command"; printf '%s\\n' "\${COMPREPLY[@]}"`,
  ].join('\n');
  return lines(execFileSync('bash', ['-uc', ask, 'bash', 'zeitwork', ...words], { encoding: 'utf8' }));
}

/** The same in zsh, whose own machinery needs a terminal: `compadd` notes what it is given. */
function inZsh(...words: string[]): string[] {
  const ask = [
    'compdef() {}; compadd() { shift; print -l -- "$@" }',
    completionFor('zsh'),
    'words=("$@"); CURRENT=$#; _zeitwork',
  ].join('\n');
  const offered = lines(execFileSync('zsh', ['-fc', ask, 'zsh', 'zeitwork', ...words], { encoding: 'utf8' }));
  return offered.filter((each) => each.startsWith(words.at(-1) ?? ''));
}

const lines = (text: string) => text.split('\n').filter((line) => line !== '');

function hasZsh(): boolean {
  try {
    execFileSync('zsh', ['--version']);
    return true;
  } catch {
    console.log('zsh is not installed here, so its completion is not tried; install it to have that tested as well');
    return false;
  }
}

describe.each([
  ['bash', inBash, true],
  ['zsh', inZsh, hasZsh()],
] as const)('completion in %s', (_shell, offer, there) => {
  it.runIf(there)('offers every verb, role and tool first', () => {
    expect(offer('')).toEqual([...Object.keys(ownWords), ...verbs, '--help', '--version']);
    expect(offer('ro')).toEqual(['rollback']);
    expect(offer('wa')).toEqual(['watch']);
  });

  it.runIf(there)("offers the parser's own flags and their values", () => {
    const own = Object.keys(flagsOf.upgrade ?? {}).map((name) => `--${name}`);
    expect(offer('upgrade', 'v2.0.0', '--')).toEqual([...own, '--as', '--key', '--json', '--help', '--version']);
    expect(offer('upgrade', 'v2.0.0', '--strategy', '')).toEqual(strategyNames);
    expect(offer('upgrade', 'v2.0.0', '--at', '')).toEqual([]);
    expect(offer('status', '--j')).toEqual(['--json']);
    expect(offer('sandbox', '--windows', 'g')).toEqual(['guide']);
    expect(offer('sandbox', '--port', '')).toEqual([]);
    expect(offer('worker', '--r')).toEqual(['--region']);
    expect(offer('help', 'roll')).toEqual(['rollback']);
    expect(offer('completion', '')).toEqual(['bash', 'zsh', '--help', '--version']);
    expect(offer('nothing', '')).toEqual([]);
  });
});
