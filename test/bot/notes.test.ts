import { describe, expect, it } from 'vitest';
import { runCommand } from '../../src/bot/run.ts';
import { trial } from './support.ts';

describe('what changed nothing is noted with the name', () => {
  it('who was refused what, and why', async () => {
    const here = trial();
    await runCommand(here.context, 'U0LU', 'stop');
    await runCommand(here.context, 'U0GIL', 'status');
    expect(here.control.notes).toMatchObject([
      { type: 'denied', by: 'U0LU', what: 'halt', reason: expect.stringMatching(/^You may not pause or stop/) },
      { type: 'denied', by: 'U0GIL', what: 'look', reason: 'Guests may not do that.' },
    ]);
  });

  it('whose plan was thrown away', async () => {
    const here = trial();
    await runCommand(here.context, 'U0ROSA', 'upgrade v2.0.0');
    const [plan = ''] = here.control.drafts.keys();
    await runCommand(here.context, 'U0ROSA', `cancel ${plan}`);
    expect(here.control.notes.at(-1)).toEqual({
      type: 'cancelled',
      at: here.clock.at,
      by: 'U0ROSA',
      plan,
      version: 'v2.0.0',
    });
  });

  it('who looked, with what', async () => {
    const here = trial();
    for (const words of ['verify', 'status', 'diagnose us-east-op-1', 'windows', 'help']) {
      await runCommand(here.context, 'U0OTTO', words);
    }
    expect(
      here.control.notes.map((note) => ('with' in note ? `${note.by} ${note.with} ${note.node ?? ''}` : '')),
    ).toEqual(['U0OTTO verify ', 'U0OTTO status ', 'U0OTTO diagnose us-east-op-1']);
  });
});
