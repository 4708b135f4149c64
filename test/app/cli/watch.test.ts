import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Ended } from '../../../src/app/cli/exit.ts';
import { neverSilent } from '../../../src/app/cli/heartbeat.ts';
import { freshLines, type Watched, watch } from '../../../src/app/cli/watch.ts';

/** Answers one after the other; the last one for ever. An Error is thrown. */
function scene(answers: (Watched | Error)[], patienceMs = 1_000) {
  const shown: number[] = [];
  const silences: number[] = [];
  const stop = new AbortController();
  const parts = {
    look: async () => {
      const next = answers.length > 1 ? answers.shift() : answers[0];
      if (next === undefined || next instanceof Error) throw next ?? new Error('nothing');
      return next;
    },
    show: ({ revision }: Watched) => void shown.push(revision),
    onSilence: () => void silences.push(shown.length),
    signal: stop.signal,
    everyMs: 5,
    patienceMs,
  };
  return { parts, shown, silences, stop };
}
const at = (revision: number, over = false): Watched => ({ revision, over });
const away = new Error('Connection is closed.');

describe('watching', () => {
  it('shows each change once, until it is over', async () => {
    const { parts, shown } = scene([at(1), at(1), at(4), at(4), at(5, true)]);
    expect(await watch(parts)).toEqual(at(5, true));
    expect(shown).toEqual([1, 4, 5]);
  });

  it('goes on after a store that was silent for a while, and says so once', async () => {
    const { parts, shown, silences } = scene([at(1), away, away, at(1), at(2, true)]);
    await watch(parts);
    expect(shown).toEqual([1, 2]);
    expect(silences).toEqual([1]);
  });

  it('gives up when the store stays silent, and at once when there is nothing to watch', async () => {
    await expect(watch(scene([away], 20).parts)).rejects.toMatchObject({ end: 'unreachable' });
    await expect(watch(scene([new Ended('refused', 'none')]).parts)).rejects.toMatchObject({ end: 'refused' });
  });

  it('ends when it is asked to', async () => {
    const { parts, stop } = scene([at(1)]);
    setTimeout(() => stop.abort(), 20);
    expect(await watch(parts)).toBeNull();
  });

  it('tells a reader only the lines that are new', () => {
    expect(freshLines('title\n\na\nb', '')).toEqual(['title', 'a', 'b']);
    expect(freshLines('title\na\nc', 'title\na\nb')).toEqual(['c']);
  });
});

describe('somebody who waits', () => {
  it('hears every second that it still works, also after a word, until there is nothing to wait for', () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const said: string[] = [];
    const teller = neverSilent((line) => said.push(line));
    vi.advanceTimersByTime(999);
    expect(said).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(said).toEqual(['  … still working, 1 s']);
    vi.advanceTimersByTime(500);
    teller.say('first');
    vi.advanceTimersByTime(2_000);
    expect(said.slice(1)).toEqual(['first', '  … still working, 1 s', '  … still working, 2 s']);
    teller.stop();
    vi.advanceTimersByTime(10_000);
    expect(said).toHaveLength(4);
  });
});
