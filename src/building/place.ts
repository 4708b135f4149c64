import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { minute, second } from '../base/duration.ts';
import { Refused } from '../base/errors.ts';
import { redact, redactLines } from '../base/redact.ts';
import {
  fetchScript,
  lookScript,
  type Machine,
  type Say,
  type Sight as Seen,
  sightIn,
  talkTo,
  Unsure,
} from '../running/index.ts';
import { last } from '../upgrade/host/answer.ts';
import { judgeVersion, readVersion } from '../upgrade/host/version.ts';
import type { Source } from '../upgrade/ledger/types.ts';
import { endScript, startScript, takeScript } from './scripts.ts';
import { sourceIn } from './tag.ts';
import type { Building } from './types.ts';

/** Which build, in words that name it on the machine. */
export interface Named {
  version: string;
  number: number;
}

/** `text`: of the log, from the byte that was asked for. */
export type Sight = { size: number; text: Buffer } & (
  | { is: 'none' }
  | { is: 'running' }
  /** `wrong`: why it is no success; null: it is one. `left`: processes that it left behind, which were ended. */
  | { is: 'ended'; wrong: string | null; left: number }
);

export interface Taken {
  logSha256: string;
  /** What it was built with, a line each. */
  tools: string[];
}

/** The machine on which releases are built. What it refuses is thrown as `Refused`, what nobody knows as `Unsure`. */
export interface BuildPlace {
  /** In words, for people. */
  called: string;
  /** Only the machine that began a build can go on with it. */
  isHere: boolean;
  /** Fetches the tag, and makes an export of its commit. */
  resolve(version: string, signal: AbortSignal): Promise<Source>;
  /** Begins it, once, however often it is asked to. */
  start(build: Named, source: Source, signal: AbortSignal): Promise<void>;
  look(build: Named, from: number, signal: AbortSignal): Promise<Sight>;
  /** Puts what was built into a file, once it says that it is this version. */
  take(build: Named, to: string, signal: AbortSignal): Promise<Taken>;
  /** Ends what runs of it, and removes all but its log. */
  end(build: Named, signal: AbortSignal): Promise<void>;
}

export interface PlaceParts {
  fleet: string;
  build: Building;
  machine: Machine;
  /** Where the login that speaks git, and where root, keep what they need; the same folder on this machine. */
  folders: { login: string; root: string };
  /** Path of the binary in the source, and how it is asked for its version; null: it is not. */
  member: string;
  versionArgs: readonly string[] | null;
  /** Bytes of a log. */
  logMost?: number;
}

/** A log of more is no log that anybody reads, and may fill a disk. */
const logMost = 16 * 1024 * 1024;

export function createBuildPlace(parts: PlaceParts): BuildPlace {
  const { fleet, build, machine, folders, member, logMost: most = logMost } = parts;
  const by = build.host === null ? 'group' : 'unit';
  const folder = `zeitwork-build-${fleet}`;
  const nameOf = ({ version, number }: Named): string => `zw-build-${fleet}-${version}-${number}`;

  const talk = talkTo(machine, 'Nothing was built', (word, detail) => refusal(word, detail, parts));
  const say: Say = (name, text, args, signal, more = {}) =>
    talk(name, text, args, signal, { sudo: name !== fetching && by === 'unit', ...more });

  return {
    called: build.host?.name ?? 'this machine',
    isHere: build.host === null,
    async resolve(version, signal) {
      const args = [folders.login, version, build.repository];
      const output = await say(fetching, fetchScript, args, signal, { timeoutMs: 10 * minute });
      return sourceIn(output, version, build.signedBy);
    },
    async start(named, source, signal) {
      const limits = [Math.ceil(build.limit / second), build.memory, build.network ? 'network' : 'none', most];
      const from = `${folders.login}/source/${source.commit}.tar`;
      await say(
        'start a build',
        startScript,
        [folders.root, nameOf(named), named.number, by, from, ...limits, source.time, folder, ...build.command],
        signal,
      );
    },
    async look(named, from, signal) {
      const output = await say('look at a build', lookScript, [folders.root, nameOf(named), from, most], signal);
      return seen(sightIn(output), parts, most);
    },
    async take(named, to, signal) {
      const asked = parts.versionArgs ?? [];
      const args = [folders.root, nameOf(named), member, folder, machine.gives ? '-' : to, ...asked];
      const into = machine.gives ? { into: { path: to, most: 2 ** 31 } } : {};
      const output = await say('take what was built', takeScript, args, signal, { ...into, timeoutMs: 10 * minute });
      if (asked.length > 0) {
        const answer = readVersion(output.get('version') ?? [], named.version);
        const wrong =
          answer.is === 'unasked' ? 'nobody could run it to ask for its version' : judgeVersion(answer, named.version);
        if (wrong !== null) throw new Refused(`What was built is not ${named.version}: ${wrong}.`);
      }
      // What did not arrive whole is asked for again.
      if ((await hashOf(to)) !== last(output, 'binary')) throw new Unsure('what was built did not arrive whole');
      return {
        logSha256: last(output, 'logged') ?? '',
        tools: redactLines((output.get('tool') ?? []).map((each) => each.slice(0, 200))),
      };
    },
    async end(named, signal) {
      await say('end a build', endScript, [folders.root, nameOf(named), folder], signal);
    },
  };
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

const fetching = 'fetch a tag';

function refusal(word: string, detail: string, { member }: PlaceParts): Error | null {
  switch (word) {
    case 'newer':
      return new Refused(
        `A newer build was let in there already, number ${detail}. Where the ledger was lost, ask again until the number is above that.`,
      );
    case 'no-sandbox':
      return new Refused(
        'This machine cannot keep a build off the network: write `build.network: true`, or build on another host.',
      );
    case 'no-binary':
      return new Refused(`The build left no ${member}, or a link in its place: see service.archiveMember.`);
    case 'size':
      return new Refused(`What was built has ${detail} bytes: that is no binary.`);
    default:
      return null;
  }
}

function seen(sight: Seen, { build, member }: PlaceParts, most: number): Sight {
  if (sight.is !== 'over') return sight;
  const { size, text, left } = sight;
  const [word, detail] = sight.how;
  const ended = (wrong: string | null): Sight => ({ size, text, is: 'ended', wrong, left });
  switch (word) {
    case 'exited':
      return ended(detail === '0' ? null : `${build.command.join(' ')} ended with ${detail}`);
    case 'signal':
      return ended(`${build.command.join(' ')} was killed (signal ${detail})`);
    case 'time':
      return ended(`it was not over after ${Math.round(build.limit / second)} s (build.limit)`);
    case 'memory':
      return ended(`it wanted more memory than ${Math.round(build.memory / 1024 ** 2)} MB (build.memory)`);
    case 'log':
      return ended(`its log grew beyond ${Math.round(most / 1024 ** 2)} MB`);
    case 'unstarted':
      return ended('systemd did not begin it; its last lines say why');
    case 'gone':
      return ended('it was cut off: the machine that builds was restarted, or somebody ended it there');
    default:
      return ended(
        `it could not be run (${redact(`${word} ${detail}`).slice(0, 80)}); is ${member} built by \`build.command\`?`,
      );
  }
}
