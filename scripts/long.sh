#!/usr/bin/env bash
# What takes longer than a change can wait for: the second tier (CONTRIBUTING.md). Seeds are others each time; what fails prints its own.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
unit() { vitest run --project unit "$@"; }

# The real fleet, updates, and a worker that is killed at every boundary of its steps (test/long).
vitest run --project long
BITS=all unit test/jobs/audit.test.ts
SEED=any MUTATIONS=1000 unit test/jobs/mutations.test.ts
SEED=any RUNS=20000 unit test/upgrade/rollout/faults.property.test.ts test/bot/one-person.property.test.ts
MODEL=500 MODEL_REDIS=5000 FIRST="$(date +%s)" unit test/simulation/model.test.ts test/simulation/redis-model.test.ts
NIGHTS=50000 FIRST="$(date +%s)" unit test/simulation/nights.test.ts test/simulation/nights-on.test.ts
RUNS=2000 tsx scripts/mutate.ts
