import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { wordsOf } from '../base/errors.ts';
import { redact } from '../base/redact.ts';
import type { Host } from '../upgrade/ssh/types.ts';
import { build, type Origin, type Reached } from './build.ts';
import { crossProblems, type Sketch, sketchOf } from './checks.ts';
import { hostOf, otherHostOf } from './hosts.ts';
import { pathsFrom } from './paths.ts';
import { type Problem, problemsOf, showPath } from './problems.ts';
import { schema } from './schema.ts';
import { knownSecrets, plainProblems, readSecrets, secretsWritten } from './secrets.ts';
import { readSource } from './source.ts';
import { readSshConfig, type SshLookup } from './ssh-config.ts';
import { type Settings, SettingsError } from './types.ts';

/**
 * Reads the settings file, with secrets from the environment.
 * @throws SettingsError with one line for every problem, each with the line of the file, the key and what is accepted.
 */
export function loadSettings(file: string, env: NodeJS.ProcessEnv): Settings {
  const origin: Origin = { file: resolve(file), env, absolute: pathsFrom(file, env) };
  const { secrets, problems: unusable } = readSecrets(env);
  const known = knownSecrets(secrets);
  const { source, problems } = readSource(readText(file));
  if (source === null) throw settingsError(file, problems, known);

  const parsed = schema.safeParse(source.value);
  const sketch = sketchOf(source.value);
  const plain = sketch?.redis?.plain ?? null;
  const readable = unusable.length === 0 && plain !== null;
  const environment = readable ? plainProblems(secrets, plain) : unusable;
  const reached = sketch ? hostsOf(sketch, origin) : { reached: { nodes: {}, others: {} }, problems: [] };
  const found = [
    ...secretsWritten(source, known),
    ...(parsed.error ? problemsOf(parsed.error, source.value, known) : []),
    ...(sketch ? crossProblems(sketch) : []),
    ...reached.problems,
  ].map((problem) => ({ line: source.lineOf(problem.path), ...problem }));
  if (parsed.data && found.length + environment.length === 0)
    return build(parsed.data, reached.reached, secrets, origin);
  throw settingsError(file, found, known, environment);
}

function readText(file: string): string {
  try {
    const text = readFileSync(file, 'utf8');
    if ((statSync(file).mode & 0o002) === 0) return text;
  } catch (error) {
    throw new SettingsError(`${file} cannot be read: ${wordsOf(error)}; copy zeitwork.example.yaml to begin`);
  }
  // It says who may do what, and what is run on the nodes.
  throw new SettingsError(`${file} may be written by everybody; run: chmod o-w ${file}`);
}

function settingsError(file: string, problems: Problem[], known: string[], environment: string[] = []): SettingsError {
  const lines = problems
    .toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0))
    .map(({ line, path, message }) => [`${file}:${line ?? 1}`, showPath(path), message].filter(Boolean).join(': '))
    .map((line) => redact(line, known));
  return new SettingsError([...new Set(lines), ...environment.map((each) => `environment: ${each}`)].join('\n'));
}

function hostsOf(sketch: Sketch, origin: Origin): { reached: Reached; problems: Problem[] } {
  const nothing: Reached = { nodes: {}, others: {} };
  const { ssh } = sketch;
  if (ssh === null) return { reached: nothing, problems: [] };
  let lookup: SshLookup | null = null;
  try {
    if (ssh.config !== undefined) lookup = readSshConfig(origin.absolute(ssh.config), origin.env);
  } catch (error) {
    return { reached: nothing, problems: [{ path: ['ssh', 'config'], message: wordsOf(error) }] };
  }
  const access = { ssh, lookup, absolute: origin.absolute };
  const nodes = sketch.regions.flatMap((region, at) =>
    region.nodes.flatMap((node, index) =>
      node === null ? [] : [hostOf(node, ['regions', at, 'nodes', index], access)],
    ),
  );
  const others = Object.entries(sketch.hosts ?? {}).flatMap(([name, host]) =>
    host === null ? [] : [otherHostOf(name, host, access)],
  );
  const byName = (found: { host: Host }[]) => Object.fromEntries(found.map(({ host }) => [host.name, host]));
  return {
    reached: { nodes: byName(nodes), others: byName(others) },
    problems: [...nodes, ...others].flatMap(({ problems }) => problems),
  };
}
