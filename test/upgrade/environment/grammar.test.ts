import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, unreadable, variables } from '../../../src/upgrade/environment/index.ts';

const recorded = join(import.meta.dirname, '../../golden/environments/systemd-252.jsonl');
const golden = readFileSync(recorded, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as [file: string, variables: Record<string, string>]);

describe('an environment file', () => {
  it('is read as systemd 252 read it, 2,000 times', () => {
    expect(golden).toHaveLength(2_000);
    const wrong = golden.flatMap(([file, wanted]) => {
      const found = Object.fromEntries(variables(parse(file, 'go on')));
      const same =
        JSON.stringify(Object.entries(found).toSorted()) === JSON.stringify(Object.entries(wanted).toSorted());
      return same ? [] : [{ file, wanted, found }];
    });
    expect(wrong).toEqual([]);
    expect(golden.filter(([, wanted]) => Object.keys(wanted).length > 0).length).toBeGreaterThan(1_000);
  });

  it.each([
    ['A=1', { A: '1' }],
    ['  A = 1  \n', { A: '1' }],
    ['A=a b  # no comment\n', { A: 'a b  # no comment' }],
    ['# A=1\n; B=2\nC=3', { C: '3' }],
    ['A="a b" c\n', { A: 'a bc' }],
    ["A='a\\b'\n", { A: 'a\\b' }],
    ['A=a\\b\n', { A: 'ab' }],
    ['A="a\\b \\$x \\" \\`"\n', { A: 'a\\b $x " `' }],
    ['A=a\\\nb\nB=2\n', { A: 'ab', B: '2' }],
    ['A="a\nb"\nB=2\n', { A: 'a\nb', B: '2' }],
    ['A=1\r\nB=2\r\n', { A: '1', B: '2' }],
    ['A=1\nA=2\n', { A: '2' }],
    ['export A=1\n1A=1\nA-B=1\n=1\nA\n', {}],
    ['A=\nB=""\n', { A: '', B: '' }],
  ])('%j is %j', (file, wanted) => {
    expect(Object.fromEntries(variables(parse(file)))).toEqual(wanted);
  });

  it('has comments that a backslash leads on, before systemd 254, and that end with their line since', () => {
    const file = '# a \\\nA=1\nB=2\n';
    expect([...variables(parse(file, 'go on')).keys()]).toEqual(['B']);
    expect([...variables(parse(file)).keys()]).toEqual(['A', 'B']);
  });

  it.each([
    ['A=1\n', false],
    ['A=1', false],
    ['A=1\\', true],
    ['A="1', true],
    ["A='1\n", true],
    ['# a\\', true],
    ['', false],
  ])('%j: whether its end is open is %j', (file, open) => {
    expect(parse(file).unfinished).toBe(open);
  });

  it('is not read at all with a zero byte or what is no UTF-8', () => {
    for (const file of ['A=1\0\n', 'A=\ud800\n', 'A=\ufdd0\n']) expect(unreadable(file, parse(file))).not.toBeNull();
    expect(unreadable('A=ü\n', parse('A=ü\n'))).toBeNull();
  });

  it('is told line by line, also where values go over several', () => {
    const found = parse('# a\n\nA="1\n2"\n B=\\\n3\nC=4').assignments;
    expect(found.map(({ key, line }) => [key, line])).toEqual([
      ['A', 3],
      ['B', 5],
      ['C', 7],
    ]);
  });
});
