import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { askSystemd } from '../../scripts/environments.ts';
import { edit, noChanges, parse, variables } from '../../src/upgrade/environment/index.ts';
import { environmentFiles } from '../support/environments.ts';

/** It takes root, and a systemd that boots in a container: null when both are there. */
function whyNot(): string | null {
  if (process.getuid?.() !== 0) return 'it takes root';
  return existsSync('/usr/bin/systemd-nspawn') ? null : 'systemd-container is not installed';
}
const reason = whyNot();
if (reason !== null) process.stdout.write(`\nAsking a real systemd for environment files is left out: ${reason}.\n`);

const asked = process.env.SEED ?? 'any';
const seed = asked === 'any' ? Date.now() % 2 ** 31 : Number(asked);
const sorted = (found: Map<string, string>): Record<string, string> =>
  Object.fromEntries([...found].sort(([a], [b]) => (a < b ? -1 : 1)));

describe.skipIf(reason !== null)(`a real systemd, asked with SEED=${seed}`, { timeout: 1_800_000 }, () => {
  it('reads 2,000 files as we do, and 500 that were changed by key as they were to become', () => {
    const files = environmentFiles(2_000, seed);
    const changed = files.flatMap((file) => {
      const key = [...variables(parse(file)).keys()][0] ?? 'NEW';
      const result = edit(file, {
        ...noChanges,
        set: key === 'NEW' ? {} : { [key]: 'a "$b" \\c' },
        ensure: { MADE: "it's" },
      });
      return result.is === 'edited' ? [result.text] : [];
    });
    const all = [...files, ...changed.slice(0, 500)];
    expect(all.length).toBe(2_500);
    const answers = askSystemd(all);
    // The one of this machine is told from its answer: a comment that a backslash leads on.
    const [probe = {}] = askSystemd(['# a\\\nA=1\n']);
    const comments = 'A' in probe ? 'end' : 'go on';
    const wrong = all.flatMap((file, at) => {
      const found = sorted(variables(parse(file, comments)));
      return JSON.stringify(found) === JSON.stringify(answers[at]) ? [] : [{ file, found, systemd: answers[at] }];
    });
    expect(wrong).toEqual([]);
  });
});
