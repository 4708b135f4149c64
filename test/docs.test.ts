import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { causes } from '../src/upgrade/host/causes.ts';
import { transitionDiagrams } from '../src/upgrade/rollout/index.ts';
import { mutants } from './mutants/index.ts';

const root = resolve(import.meta.dirname, '..');
const text = (file: string) => readFileSync(join(root, file), 'utf8');

const rowsOf = (table: string): string[] => table.split('\n').filter((row) => row !== '' && !row.startsWith('|---'));

/** How many tests are named, each with a title that its file has: a file alone does not say which of its tests shows it. */
function testsNamedIn(by: string, row: string): number {
  const named = [...by.matchAll(/`(test\/[^`]+)`: ([^,]+)/g)];
  for (const [, file = '', title = ''] of named) expect(text(file), row).toContain(title.trim());
  expect(by.match(/`test\//g)?.length ?? 0, row).toBe(named.length);
  return named.length;
}

/** The numbers in docs/reliability.md. */
const faults = [
  ...[1, 3, 5, 6, 8, 9, 11, 12, 14, 16, 17, 19, 20, 21, 25, 26, 28, 30, 31, 32, 33, 34, 35, 36, 37, 39, 41, 42, 43],
  ...[45, 46, 47, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62],
];

describe('the documentation', () => {
  it('shows the states as the tables have them', () => {
    const { phase, node, action, status } = transitionDiagrams();
    const drawn = [...text('docs/states.md').matchAll(/```mermaid\n([\s\S]*?)\n```/g)].map(([, inner]) => inner);
    expect(drawn).toEqual([phase, node, action, status]);
  });

  it('names the test beside each thing that it says of attackers, or says that it is not shown', () => {
    const [, table = ''] = /^\| who is taken over .*\n((?:\|.*\n)+)/m.exec(text('docs/security.md')) ?? [];
    const rows = rowsOf(table);
    expect(rows.length).toBeGreaterThan(15);
    const notShown = rows.filter((row) => {
      const [, , , by = '', ...more] = row.split('|');
      expect(more, row).toEqual(['']);
      const named = testsNamedIn(by, row);
      expect(named > 0 || by.includes('not shown'), `says neither its test nor that it is not shown: ${row}`).toBe(
        true,
      );
      return named === 0;
    });
    console.log(`docs/security.md: ${notShown.length} of ${rows.length} lines are not shown by a test`);
  });

  it('names the tests beside each fault, and has every number once', () => {
    const [, table = ''] = /^\| no\. \| fault .*\n((?:\|.*\n)+)/m.exec(text('docs/reliability.md')) ?? [];
    const numbers = rowsOf(table).map((row) => {
      const [, number = '', , , , by = '', ...more] = row.split('|');
      expect(more, row).toEqual(['']);
      expect(testsNamedIn(by, row), `names no test: ${row}`).toBeGreaterThan(0);
      return Number(number);
    });
    expect(numbers).toEqual(faults);
  });

  it('names the tests beside each section of the guide', () => {
    const [, table = ''] = /^\| section of the guide .*\n((?:\|.*\n)+)/m.exec(text('docs/guide.md')) ?? [];
    const rows = rowsOf(table);
    expect(rows.length).toBeGreaterThan(20);
    for (const row of rows) {
      const [, , , by = '', ...more] = row.split(/(?<!\\)\|/);
      expect(more, row).toEqual(['']);
      expect(testsNamedIn(by, row), `names no test: ${row}`).toBeGreaterThan(0);
    }
  });

  it('names the tests beside each thing that is promised of the chat', () => {
    const [, table = ''] = /^\| what is promised .*\n((?:\|.*\n)+)/m.exec(text('docs/chat.md')) ?? [];
    const rows = rowsOf(table);
    expect(rows.length).toBeGreaterThan(50);
    for (const row of rows) {
      const [, , by = '', ...more] = row.split('|');
      expect(more, row).toEqual(['']);
      expect(testsNamedIn(by, row), `names no test: ${row}`).toBeGreaterThan(0);
    }
  });

  it('names, for each attack, a line that is taken away and missed', () => {
    const [, table = ''] = text('docs/security.md').split('| attack | succeeds, when |\n|---|---|\n');
    const [rows = ''] = table.split('\n\n');
    const lines = rows.split('\n').map((row) => row.split('|')[2]?.trim() ?? '');
    expect(lines.length).toBeGreaterThan(25);
    const names = mutants.map(({ name }) => name);
    expect(lines.filter((line) => names.filter((name) => name === line).length !== 1)).toEqual([]);
  });

  it('has each cause that diagnose names, with its group and its next step', () => {
    const rows = [...text('docs/diagnosis.md').matchAll(/^\| (\d) \| `([a-z-]+)` \| .+ \| ([a-z]+) \| .+ \|$/gm)];
    expect(rows.map(([, order, name, next]) => `${order} ${name} ${next}`)).toEqual(
      causes.flatMap((group, at) => group.map(({ name, next }) => `${at + 1} ${name} ${next}`)),
    );
  });

  it('links only to files that exist', () => {
    const docs = ['docs', 'docs/adr'].flatMap((folder) =>
      readdirSync(join(root, folder)).map((name) => `${folder}/${name}`),
    );
    const files = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md', ...docs].filter((name) =>
      name.endsWith('.md'),
    );
    for (const file of files) {
      for (const [, target] of text(file).matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
        expect(() => readFileSync(join(root, file, '..', target ?? '')), `${file}: ${target}`).not.toThrow(/ENOENT/);
      }
    }
  });
});
