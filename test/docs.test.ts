import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { transitionDiagrams } from '../src/upgrade/rollout/index.ts';

const text = (file: string) => readFileSync(join(resolve(import.meta.dirname, '..'), file), 'utf8');

describe('the documentation', () => {
  it('shows the states as the tables have them', () => {
    const { phase, node, status } = transitionDiagrams();
    const drawn = [...text('ARCHITECTURE.md').matchAll(/```mermaid\n([\s\S]*?)\n```/g)].map(([, inner]) => inner);
    expect(drawn).toEqual([phase, node, status]);
  });

  it('links only to files that exist', () => {
    for (const file of ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'docs/glossary.md', 'docs/shell.md']) {
      for (const [, target] of text(file).matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
        expect(
          () => readFileSync(join(resolve(import.meta.dirname, '..'), file, '..', target ?? '')),
          `${file}: ${target}`,
        ).not.toThrow(/ENOENT/);
      }
    }
  });
});
