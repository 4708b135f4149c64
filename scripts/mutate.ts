import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Writable } from 'node:stream';
import { createVitest, type TestModule, type Vitest } from 'vitest/node';
import { type Mutant, mutants } from '../test/mutants/index.ts';

/**
 * Breaks the product in one place at a time, in a copy, and demands that the tests which are named for it fail.
 * usage: npm run mutate [-- PATTERN]: only mutants whose name or file matches. SOUND=1: all tests just passed, and are not run unbroken first
 */
const root = resolve(import.meta.dirname, '..');
const pattern = new RegExp(process.argv[2] ?? '', 'i');

const configured = ['package.json', 'tsconfig.json', 'tsconfig.build.json', 'vitest.config.ts', 'slack-manifest.yaml'];
const copied = ['src', 'sandbox', 'test', 'scripts', ...configured];

/** Simulated nights that are played while nothing is broken yet. */
const mostNights = 60;

/** Longer than this no test takes, whatever is broken. */
const longestMs = 900_000;

interface Bench {
  copy: string;
  vitest: Vitest;
}

interface Outcome {
  survived: boolean;
  why: string;
}

function makeCopy(): string {
  const copy = mkdtempSync(join(tmpdir(), 'zeitwork-mutants-'));
  for (const name of copied) {
    cpSync(join(root, name), join(copy, name), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

/** One vitest for all mutants of a copy: starting it anew costs more than most of the tests that kill. */
async function startVitest(copy: string): Promise<Vitest> {
  const { RUNS = '400', SEED = '4711' } = process.env;
  const options = { root: copy, config: join(copy, 'vitest.config.ts'), project: ['unit'], watch: false, bail: 1 };
  const quiet = { reporters: [{}], env: { RUNS, SEED }, maxWorkers: 1 };
  const nowhere = () => new Writable({ write: (_chunk, _encoding, done) => done() });
  const vitest = await createVitest('test', { ...options, ...quiet }, {}, { stdout: nowhere(), stderr: nowhere() });
  await vitest.standalone();
  return vitest;
}

async function tryOut({ copy, vitest }: Bench, { file, from, to, tests, nights }: Mutant): Promise<Outcome> {
  const path = join(copy, file);
  const sound = readFileSync(path, 'utf8');
  if (sound.split(from).length !== 2) return { survived: true, why: `the line is not there exactly once: ${from}` };
  const put = (text: string) => {
    writeFileSync(path, text);
    vitest.invalidateFile(path);
  };
  put(sound.replace(from, () => to));
  try {
    return await run(vitest, tests, nights);
  } finally {
    put(sound);
  }
}

/** A crash at import proves nothing: some test must have run, and some must have failed. */
async function run(vitest: Vitest, tests: string[], nights = mostNights): Promise<Outcome> {
  for (const { config } of vitest.projects) config.env = { ...config.env, NIGHTS: String(nights) };
  // Else what failed for the mutant before counts for `bail`.
  vitest.state.idMap.clear();
  vitest.state.filesMap.clear();
  const { testModules } = await inTime(tests, vitest.runTestSpecifications(await vitest.globTestSpecifications(tests)));
  const results = testModules.flatMap((module) => [...module.children.allTests()].map((test) => test.result().state));
  if (results.length === 0) return { survived: true, why: `no test ran: ${complaint(testModules)}` };
  const failed = results.filter((state) => state === 'failed').length;
  return { survived: failed === 0, why: `${failed} of ${results.length} tests failed` };
}

async function inTime<T>(tests: string[], running: Promise<T>): Promise<T> {
  const late = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error(`${tests} do not end`)), longestMs).unref();
  });
  return await Promise.race([running, late]);
}

function complaint(modules: readonly TestModule[]): string {
  return modules.flatMap((module) => module.errors().map(({ message }) => message)).at(0) ?? '';
}

const chosen = mutants.filter(({ name, file }) => pattern.test(name) || pattern.test(file));
const copies = Array.from({ length: Math.min(availableParallelism(), Math.max(1, chosen.length)) }, makeCopy);
try {
  const benches = await Promise.all(copies.map(async (copy) => ({ copy, vitest: await startVitest(copy) })));
  const [first] = benches;
  if (!first) throw new Error('no mutant');
  if (process.env.SOUND !== '1') {
    const sound = await run(first.vitest, [...new Set(chosen.flatMap(({ tests }) => tests))]);
    if (!sound.survived) throw new Error(`the tests fail before anything is broken: ${sound.why}`);
  }
  const waiting = [...chosen];
  let survivors = 0;
  const workThrough = async (bench: Bench) => {
    for (let mutant = waiting.shift(); mutant; mutant = waiting.shift()) {
      const began = performance.now();
      const { survived, why } = await tryOut(bench, mutant);
      const took = `${((performance.now() - began) / 1000).toFixed(1)} s`;
      if (survived) survivors += 1;
      console.log(`${survived ? 'SURVIVED' : 'killed  '}  ${mutant.file}: ${mutant.name} (${why}, ${took})`);
    }
    await bench.vitest.close();
  };
  await Promise.all(benches.map(workThrough));
  console.log(`${chosen.length - survivors} mutants killed, ${survivors} survived`);
  process.exitCode = survivors === 0 && chosen.length > 0 ? 0 : 1;
} catch (cause) {
  console.error(cause);
  process.exitCode = 1;
} finally {
  for (const copy of copies) rmSync(copy, { recursive: true, force: true });
}
process.exit();
