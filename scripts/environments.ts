import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { environmentFiles } from '../test/support/environments.ts';

/** What systemd adds of its own. */
const own = ['LANG', 'PATH', 'INVOCATION_ID', 'SYSTEMD_EXEC_PID', 'JOURNAL_STREAM'];

/** What the systemd of this machine makes of these files: the variables of each, by name. */
export function askSystemd(files: string[]): Record<string, string>[] {
  const work = mkdtempSync(join(tmpdir(), 'environments-'));
  try {
    mkdirSync(join(work, 'in'));
    const name = (at: number): string => String(at).padStart(5, '0');
    files.forEach((file, at) => {
      writeFileSync(join(work, 'in', name(at)), file);
    });
    const script = resolve(import.meta.dirname, 'record-environments.sh');
    execFileSync(script, [join(work, 'in'), join(work, 'out')], { stdio: ['ignore', 'ignore', 'inherit'] });
    return files.map((_, at) => variablesIn(readFileSync(join(work, 'out', name(at)), 'utf8')));
  } finally {
    rmSync(work, { recursive: true });
  }
}

function variablesIn(environ: string): Record<string, string> {
  const pairs = environ.split('\0').flatMap((each): [string, string][] => {
    const at = each.indexOf('=');
    return at === -1 || own.includes(each.slice(0, at)) ? [] : [[each.slice(0, at), each.slice(at + 1)]];
  });
  return Object.fromEntries(pairs.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Records 2,000 files: usage: npx tsx scripts/environments.ts (as root, with systemd-container) */
if (import.meta.filename === process.argv[1]) {
  const version =
    /systemd (\d+)/.exec(execFileSync('systemctl', ['--version'], { encoding: 'utf8' }))?.[1] ?? 'unknown';
  const files = environmentFiles(2_000, 252);
  const lines = askSystemd(files).map((variables, at) => JSON.stringify([files[at], variables]));
  const to = resolve(import.meta.dirname, '../test/golden/environments', `systemd-${version}.jsonl`);
  mkdirSync(resolve(to, '..'), { recursive: true });
  writeFileSync(to, `${lines.join('\n')}\n`);
}
