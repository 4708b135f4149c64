import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What takes minutes begins first, beside the others; by size, none of these would. */
const minutes = /(?:real-fleet|faults\.property|thousand|simulation\/model|simulation\/nights(?:-on)?)\.test\.ts$/;
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const long = ({ moduleId }: TestSpecification) => (minutes.test(moduleId) ? 0 : 1);
    return (await super.sort(files)).sort((a, b) => long(a) - long(b));
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**', 'test/long/**'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 0 },
          // Much of it waits, for Redis or a node's script; by itself vitest leaves a core of two alone.
          maxWorkers: Math.max(2, availableParallelism() - 1),
        },
      },
      {
        test: {
          name: 'long',
          globalSetup: 'test/support/shipped.ts',
          include: ['test/long/*.test.ts'],
          testTimeout: 1_500_000,
          hookTimeout: 1_500_000,
          sequence: { groupOrder: 2 },
          // There is one fleet.
          maxWorkers: 1,
        },
      },
      {
        test: {
          name: 'e2e',
          globalSetup: 'test/support/shipped.ts',
          include: ['test/e2e/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 240_000,
          // After all others: what runs the whole product wants a quiet machine. Mostly it waits, so three fit anywhere.
          sequence: { groupOrder: 1 },
          maxWorkers: 3,
        },
      },
    ],
  },
});
