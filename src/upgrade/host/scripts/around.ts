import { script } from './prelude.ts';

/** What the steps call on a node, besides what every shell brings. */
const tools = ['flock', 'timeout', 'sha256sum', 'tar', 'gzip', 'stat', 'sync', 'mv', 'systemctl'];

/** Reads the clock, looks for tools, and for the programs after `--` by their absolute paths. */
export const lookAroundScript = script(
  [],
  `  for tool in ${tools.join(' ')}; do
    command -v "$tool" >/dev/null 2>&1 || say missing "$tool"
  done
  for program in "$@"; do
    [ -f "$program" ] && [ -x "$program" ] || say lacking "$program"
  done
  say clock "$(date +%s.%N)"
  say end ok`,
);
