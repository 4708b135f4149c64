/** Longer than this (ms) nobody waits without wondering whether anything happens. */
const patience = 4_000;

export interface Teller {
  say(line: string): void;
  stop(): void;
}

/** Says lines, and that it still works when there was none for a while. */
export function neverSilent(say: (line: string) => void, everyMs = patience): Teller {
  let timer: NodeJS.Timeout | null = null;
  const rest = () => {
    if (timer !== null) clearInterval(timer);
    timer = setInterval(() => say('  … still working'), everyMs);
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
