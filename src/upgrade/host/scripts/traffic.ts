import { fence } from './fence.ts';
import { script } from './prelude.ts';

/** Runs a command of the settings under the node's lock, and says what it said last and how it ended. */
export const trafficScript = script(
  [
    fence,
    `
run_traffic() {
  code=0
  "$@" 2>&1 9>&- 8>&- || code=$?
  printf '\\nexit %s' "$code"
}
`,
  ],
  `  enter
  answer=$(run_traffic "$@" | tail -c 2000)
  printf '%s\\n' "$answer" | each traffic
  say end ok`,
);
