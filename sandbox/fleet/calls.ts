import { closeSync, constants, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { Layout } from './layout.ts';
import { separator } from './shims.ts';
import type { Answer } from './systemctl.ts';

type Answerer = (command: string, args: string[]) => Promise<Answer>;

/** Answers the shims of one node; ends with `close`. */
export function answerCalls({ control, calls }: Layout, answerer: Answerer): { close(): void } {
  const fifo = new Socket({
    fd: openSync(control, constants.O_RDWR | constants.O_NONBLOCK),
    readable: true,
    writable: false,
  });
  let rest = '';
  fifo.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) void answerOne(line);
  });
  fifo.on('error', () => fifo.destroy());
  const answerOne = async (line: string): Promise<void> => {
    const [id = '', command = '', ...args] = line.split(separator);
    const answer = await answerer(
      command,
      args.filter((arg) => arg !== ''),
    );
    deliver(join(calls, id), answer);
  };
  return { close: () => fifo.destroy() };
}

/** The caller may have been killed meanwhile: then nobody holds its FIFO and the answer is dropped. */
function deliver(call: string, { code, out, err }: Answer): void {
  try {
    if (out !== '') writeFileSync(`${call}.out`, out);
    if (err !== '') writeFileSync(`${call}.err`, err);
    const fifo = openSync(call, constants.O_WRONLY | constants.O_NONBLOCK);
    writeSync(fifo, `${code}\n`);
    closeSync(fifo);
  } catch {
    for (const file of [`${call}.out`, `${call}.err`]) rmSync(file, { force: true });
  }
  rmSync(call, { force: true });
}
