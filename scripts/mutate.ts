import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Mutant, mutants } from '../test/mutants/index.ts';

/**
 * Breaks the product in one place at a time, in a copy, and demands that the tests which are named for it fail.
 * usage: npm run mutate [-- PATTERN]: only mutants whose name or file matches
 */
const root = resolve(import.meta.dirname, '..');
const pattern = new RegExp(process.argv[2] ?? '', 'i');

/** Simulated nights that are played while nothing is broken yet. */
const mostNights = 60;

interface Outcome {
  survived: boolean;
  why: string;
}

function makeCopy(): string {
  const copy = mkdtempSync(join(tmpdir(), 'zeitwork-mutants-'));
  for (const name of ['src', 'sandbox', 'test', 'scripts', 'package.json', 'tsconfig.json', 'vitest.config.ts']) {
    cpSync(join(root, name), join(copy, name), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

async function tryOut(copy: string, { file, from, to, tests, nights }: Mutant): Promise<Outcome> {
  const path = join(copy, file);
  const sound = readFileSync(path, 'utf8');
  if (sound.split(from).length !== 2) return { survived: true, why: `the line is not there exactly once: ${from}` };
  writeFileSync(
    path,
    sound.replace(from, () => to),
  );
  try {
    return await run(copy, tests, nights);
  } finally {
    writeFileSync(path, sound);
  }
}

/** A crash at import proves nothing: some test must have run, and some must have failed. */
async function run(copy: string, tests: string[], nights = mostNights): Promise<Outcome> {
  const report = join(copy, 'report.json');
  rmSync(report, { force: true });
  const words = [
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--project',
    'unit',
    '--bail=1',
    '--reporter=json',
    `--outputFile=${report}`,
    ...tests,
  ];
  const { RUNS = '400', SEED = '4711' } = process.env;
  const env = { ...process.env, RUNS, SEED, NIGHTS: String(nights) };
  const stderr = await new Promise<string>((done) => {
    execFile(process.execPath, words, { cwd: copy, env, timeout: 900_000 }, (_, __, complaint) => done(complaint));
  });
  const { numTotalTests, numFailedTests } = reportIn(report);
  if (numTotalTests === 0) return { survived: true, why: `no test ran: ${stderr.trim().split('\n').at(-1) ?? ''}` };
  return { survived: numFailedTests === 0, why: `${numFailedTests} of ${numTotalTests} tests failed` };
}

function reportIn(file: string): { numTotalTests: number; numFailedTests: number } {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { numTotalTests: 0, numFailedTests: 0 };
  }
}

const chosen = mutants.filter(({ name, file }) => pattern.test(name) || pattern.test(file));
const copies = Array.from({ length: Math.min(availableParallelism(), Math.max(1, chosen.length)) }, makeCopy);
try {
  const sound = await run(copies[0] ?? '', [...new Set(chosen.flatMap(({ tests }) => tests))]);
  if (!sound.survived) throw new Error(`the tests fail before anything is broken: ${sound.why}`);
  const waiting = [...chosen];
  let survivors = 0;
  const workThrough = async (copy: string) => {
    for (let mutant = waiting.shift(); mutant; mutant = waiting.shift()) {
      const began = performance.now();
      const { survived, why } = await tryOut(copy, mutant);
      const took = `${((performance.now() - began) / 1000).toFixed(1)} s`;
      if (survived) survivors += 1;
      console.log(`${survived ? 'SURVIVED' : 'killed  '}  ${mutant.file}: ${mutant.name} (${why}, ${took})`);
    }
  };
  await Promise.all(copies.map(workThrough));
  console.log(`${chosen.length - survivors} mutants killed, ${survivors} survived`);
  process.exitCode = survivors === 0 && chosen.length > 0 ? 0 : 1;
} finally {
  for (const copy of copies) rmSync(copy, { recursive: true, force: true });
}
