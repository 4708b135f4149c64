import { fence } from './fence.ts';
import { script } from './prelude.ts';

/**
 * Runs a command of the settings under the node's lock, and says what it said last and how it ended: whole lines, since half
 * a secret would look like none.
 */
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
  answer=$(run_traffic "$@" | tr -d '\\000' | tail -c 16001)
  [ "\${#answer}" -le 16000 ] || answer=\${answer#*"
"}
  printf '%s\\n' "$answer" | each traffic
  say end ok`,
);
