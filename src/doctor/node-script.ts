import type { Command } from '../upgrade/ssh/types.ts';

/** What the steps call on a node, besides what every shell brings. */
const tools = ['flock', 'timeout', 'sha256sum', 'tar', 'gzip', 'stat', 'sync', 'mv', 'systemctl'];

const script = `
for tool in ${tools.join(' ')}; do
  command -v "$tool" >/dev/null 2>&1 || printf '@@zw missing %s\\n' "$tool"
done
for program in "$@"; do
  [ -f "$program" ] && [ -x "$program" ] || printf '@@zw lacking %s\\n' "$program"
done
printf '@@zw clock %s\\n' "$(date +%s.%N)"
printf '@@zw end ok\\n'
`;

/** Reads the clock, looks for tools, and for `programs` by their absolute paths; changes nothing. */
export const lookAround = (programs: string[], timeoutMs: number): Command => ({
  name: 'look around',
  script,
  args: programs,
  sudo: true,
  timeoutMs,
});
