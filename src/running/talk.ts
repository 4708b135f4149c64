import { minute } from '../base/duration.ts';
import { Refused } from '../base/errors.ts';
import { redact } from '../base/redact.ts';
import { type Answer, last, type Output, read } from '../upgrade/host/answer.ts';
import type { Command } from '../upgrade/ssh/types.ts';
import type { Machine } from './machine.ts';

/** Nobody knows what came of it, or nothing did: it is asked again. */
export class Unsure extends Error {
  override readonly name = 'Unsure';
}

/** What a script refuses, in words; null: it is none that this one knows. */
export type Refusals = (word: string, detail: string, output: Output) => Error | null;

/** Sends one of the fixed scripts. @throws Refused for what it refuses, Unsure for what nobody knows */
export type Say = (
  name: string,
  script: string,
  args: readonly (string | number)[],
  signal: AbortSignal,
  more?: Partial<Command>,
) => Promise<Output>;

export function talkTo(machine: Machine, what: string, refusals: Refusals): Say {
  return async (name, script, args, signal, more = {}) => {
    const command: Command = { name, script, args: args.map(String), sudo: true, timeoutMs: 2 * minute, ...more };
    return outputOf(read(await machine.run(command, signal)), what, refusals);
  };
}

function outputOf(answer: Answer, what: string, refusals: Refusals): Output {
  switch (answer.is) {
    case 'ok':
      return answer.output;
    case 'refused':
      throw (
        refusals(answer.word, answer.detail, answer.output) ??
        common(answer.word, answer.output) ??
        new Refused(`The machine refused: ${answer.word} ${answer.detail}`.trim())
      );
    case 'broken':
      if (answer.retry) throw new Unsure(answer.reason);
      throw new Refused(`${what}: ${answer.reason}.`);
    case 'unreachable':
    case 'lost':
      throw new Unsure(answer.reason);
  }
}

function common(word: string, output: Output): Error | null {
  const said = redact((output.get('said') ?? []).join('\n')).trim();
  switch (word) {
    case 'busy':
      return new Unsure('another command is at it');
    case 'unfetched':
      return new Refused(`The repository could not be fetched from: ${said.slice(0, 600) || 'git says nothing more'}`);
    case 'no-tag':
      return new Refused(
        'There is no such tag in the repository (`build.repository`): push it, or correct the version.',
      );
    case 'no-commit':
      return new Refused('The tag leads to no commit.');
    case 'long-tag':
      return new Refused('The tag has a text of more than 24 kB.');
    case 'no-export':
      return new Refused('git archive could not export the commit: is the disk of that machine full?');
    default:
      return null;
  }
}

/** How a command stands, as the look script says it. `text`: of the log, from the byte that was asked for. */
export type Sight = { size: number; text: Buffer } & (
  | { is: 'none' }
  | { is: 'running' }
  /** `how`: word and detail; `left`: processes that it left behind, which were ended. */
  | { is: 'over'; how: [word: string, detail: string]; left: number }
);

export function sightIn(output: Output): Sight {
  const state = last(output, 'state') ?? '';
  const text = Buffer.from((output.get('log') ?? []).join(''), 'base64');
  const log = { size: Number(last(output, 'size') ?? 0) || 0, text };
  const [word = '', detail = ''] = state.split(' ');
  if (word === 'none' || word === 'running') return { ...log, is: word };
  return { ...log, is: 'over', how: [word, detail], left: Number(/ left (\d+)$/.exec(state)?.[1] ?? 0) };
}
