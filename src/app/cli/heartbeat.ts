/** Longer than this (ms) nobody waits without wondering whether anything happens. */
const patience = 1_000;

export interface Teller {
  say(line: string): void;
  stop(): void;
}

/** Says lines, and that it still works when there was none for a while. */
export function neverSilent(say: (line: string) => void, everyMs = patience): Teller {
  let timer: NodeJS.Timeout | null = null;
  const rest = () => {
    if (timer !== null) clearInterval(timer);
    const since = performance.now();
    const word = () => say(`  … still working, ${Math.round((performance.now() - since) / 1_000)} s`);
    timer = setInterval(word, everyMs);
    timer.unref();
  };
  rest();
  return {
    say(line) {
      say(line);
      rest();
    },
    stop() {
      if (timer !== null) clearInterval(timer);
    },
  };
}
