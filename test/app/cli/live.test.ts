import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { shown } from '../../support/product.ts';

const lasting = join(import.meta.dirname, 'fixtures/lasting.ts');

/** Runs a role that starts and ends slowly; `act` gets signals to it once it has said `when`. */
async function runs(starting: number, ending: number, when: string, act: (kill: () => void) => Promise<void>) {
  const child = spawn(process.execPath, ['--import', 'tsx', lasting, String(starting), String(ending)]);
  const end = shown(child);
  await new Promise<void>((said) => child.stdout.on('data', (text: string) => text.includes(when) && said()));
  await act(() => child.kill('SIGINT'));
  const { code, out } = await end;
  return { code, said: out.trim().split('\n') };
}

describe('a role that is asked to end', () => {
  it('ends in order, and takes the echoes of one Ctrl-C for one', async () => {
    const echoes = async (kill: () => void) => {
      for (let i = 0; i < 3; i++) {
        kill();
        await pause(100);
      }
    };
    expect(await runs(0, 600, 'ready', echoes)).toEqual({
      code: 0,
      said: ['starting', 'ready', 'asked', 'closed', 'ended'],
    });
  });

  it('ends at once when it is asked again, later', async () => {
    const twice = async (kill: () => void) => {
      kill();
      await pause(2_300);
      kill();
    };
    expect(await runs(0, 30_000, 'ready', twice)).toEqual({ code: 130, said: ['starting', 'ready', 'asked'] });
  });

  it('undoes a start that is still under way', async () => {
    expect(await runs(800, 0, 'starting', async (kill) => kill())).toEqual({
      code: 0,
      said: ['starting', 'asked', 'ended'],
    });
  });
});
