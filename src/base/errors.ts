/** The person asked for something impossible: says why and what to do instead. */
export class Refused extends Error {
  override readonly name = 'Refused';
}

/** We did something impossible: nobody outside can mend it. @param what is wrong, with the names and states that tell it */
export class Bug extends Error {
  override readonly name = 'Bug';

  constructor(what: string) {
    super(`bug: ${what}`);
  }
}

/** What was thrown, in its own words. */
export function wordsOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
