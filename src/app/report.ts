import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Refused, wordsOf } from '../base/errors.ts';
import type { Command } from '../bot/command.ts';
import { replyOf } from '../bot/commands/report.ts';
import type { Attached, Reply } from '../bot/context.ts';
import { asText } from '../bot/run.ts';
import type { Settings } from '../config/index.ts';
import { exportIn, faultInExport, provenLines } from '../jobs/index.ts';
import { openBelief } from './belief.ts';
import { Ended } from './cli/exit.ts';
import { createLog } from './log.ts';

type Wanted = Extract<Command, { verb: 'report' }>;

/** What a terminal shows of a report: the file that was asked for, or what was written where. */
export async function reportText(reply: Reply, { print, out }: Wanted): Promise<string> {
  const { files = [] } = reply;
  const printed = files.find(({ name }) => name.endsWith(`.${print}`));
  const written = out === null ? [] : await writeNew(out, files);
  if (print !== null && printed === undefined) throw new Ended('refused', `There is no ${print} of this.`);
  if (printed !== undefined) return printed.text.trimEnd();
  return [asText(reply), ...written.map((file) => `Written: ${file}`)].join('\n');
}

/** New files that nobody else may read: what is there is left alone. */
async function writeNew(directory: string, files: readonly Attached[]): Promise<string[]> {
  const written: string[] = [];
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    for (const { name, text } of files) {
      // The id comes from what is stored, and must not lead out of the directory.
      if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,120}$/.test(name)) throw new Error(`${name} is no name of a file`);
      const file = join(directory, name);
      await writeFile(file, text, { mode: 0o600, flag: 'wx' });
      written.push(file);
    }
    return written;
  } catch (error) {
    const done = written.length === 0 ? '' : ` Written before that: ${written.join(', ')}.`;
    throw new Ended('refused', `The report was not written: ${wordsOf(error)}.${done}`);
  }
}

/** The same report from an exported file, without Redis: nothing is believed that the keys of the settings did not sign. */
export async function reportFrom(settings: Settings, file: string, named: string | null): Promise<Reply> {
  const { notary } = await openBelief(settings, 'bot', createLog('cli', 'warn'));
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new Refused(`${file} cannot be read: ${wordsOf(error)}`);
  });
  const { journals, end } = read(file, text);
  const fault = faultInExport(end, notary);
  if (fault !== null) throw new Refused(`${file} is not believed: its last line: ${fault}`);
  const ids = Object.keys(end.heads);
  const id = named ?? (ids.length === 1 ? (ids[0] ?? '') : '');
  const texts = journals.get(id);
  if (texts === undefined) throw new Refused(`Which rollout? ${file} has ${ids.join(', ')}.`);
  const lines = provenLines({ fleet: end.fleet, journal: id }, texts, notary);
  if (lines.at(-1)?.hash !== end.heads[id])
    throw new Refused(`${file} is not believed: the journal of ${id} does not go as far as it did when it was written`);
  const others = text.split('\n').filter((line) => line !== '');
  return replyOf(lines, others, Object.fromEntries(settings.people.map(({ slack, name }) => [slack, name])));
}

function read(file: string, text: string) {
  try {
    return exportIn(text);
  } catch (error) {
    throw new Refused(`${file} is not believed: ${wordsOf(error)}`);
  }
}
