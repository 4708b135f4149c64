/** One line of the product, broken on purpose. At least one of `tests` must fail, by an assertion and not by a crash at import. */
export interface Mutant {
  /** What would go wrong, in words. */
  name: string;
  file: string;
  from: string;
  to: string;
  tests: string[];
  /** Simulated nights within which it must be noticed; for tests that play them. */
  nights?: number;
}
